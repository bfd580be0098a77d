"""The command `ferlite`, also as `python -m ferlite`."""

import os
import sys
import threading
from contextlib import suppress

LARGEST = 100_000_000  # pixels of a picture: a file of 1 MB can hold far more, and take the memory of the whole board


def main() -> int:
    """Run the command; an interruption while its modules load is one like any other."""
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(LARGEST))  # read by OpenCV when it is imported
    before = set(threading.enumerate())
    try:
        from ferlite.cli import main as command

        code = command()
    except KeyboardInterrupt:
        code = 130
    except SystemExit as ended:  # SIGTERM, and what argparse ends
        code = int(ended.code or 0)
    if any(thread.name.startswith("ferlite") for thread in set(threading.enumerate()) - before):
        # one inside a driver that does not return: to wait for it takes too long, and to go while it is there may crash
        for stream in filter(None, (sys.stdout, sys.stderr)):
            with suppress(OSError):  # whoever read it has left
                stream.flush()
        os._exit(code)
    return code


if __name__ == "__main__":
    sys.exit(main())
