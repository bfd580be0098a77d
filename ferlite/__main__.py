"""The command `ferlite`, also as `python -m ferlite`."""

import os
import sys

from ferlite.errors import without_opencv

LARGEST = 100_000_000  # pixels of a picture: a file of 1 MB can hold far more, and take the memory of the whole board


def main() -> int:
    """Run the command; an interruption while its modules load is one like any other."""
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(LARGEST))  # read by OpenCV when it is imported
    try:
        from ferlite.cli import main as command

        return command()
    except KeyboardInterrupt:
        return 130
    except ImportError as error:
        if (advice := without_opencv(error)) is None:
            raise
        print(f"ferlite: {advice}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
