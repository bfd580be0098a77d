"""The command `ferlite`, also as `python -m ferlite`."""

import os
import sys

from ferlite.errors import NO_OPENCV

LARGEST = 100_000_000  # pixels of a picture: a file of 1 MB can hold far more, and take the memory of the whole board


def main() -> int:
    """Run the command; an interruption while its modules load is one like any other."""
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(LARGEST))  # read by OpenCV when it is imported
    try:
        from ferlite.cli import main as command

        return command()
    except KeyboardInterrupt:
        return 130
    except ModuleNotFoundError as error:
        if error.name != "cv2":
            raise
        print(f"ferlite: {NO_OPENCV}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
