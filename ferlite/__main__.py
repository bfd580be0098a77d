"""The command `ferlite`, also as `python -m ferlite`."""

import sys


def main() -> int:
    """Run the command; an interruption while its modules load is one like any other."""
    try:
        from ferlite.cli import main as command

        return command()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
