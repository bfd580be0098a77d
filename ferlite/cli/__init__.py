"""The command `ferlite`: one module for each of its commands, which all end in the library's own functions."""

import argparse
import io
import logging
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from types import ModuleType

import ferlite
from ferlite.errors import FerliteError, SettingError, first_cause, without_opencv

COMMANDS = ("image", "live", "label", "bench", "models", "doctor", "service")
EXIT_CODES = """\
exit codes:
  0    all went well, with or without faces
  1    something could not be read, run or written; standard error says what
  2    the command line was wrong
  130  interrupted (Ctrl-C); what was written until then is whole
  143  terminated (SIGTERM); likewise
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code. A KeyboardInterrupt goes on to the caller."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        # the others import what the doctor is called for
        modules = _load(["doctor"] if arguments[:1] == ["doctor"] else COMMANDS)
    except Exception as error:  # not only ImportError: a missing library or another NumPy shows in many ways
        advice = without_opencv(error) if isinstance(error, ImportError) else None
        print(f"ferlite: cannot start: {advice or first_cause(error)}; run `ferlite doctor`", file=sys.stderr)
        return 1
    parser = _parser(modules)
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        hint = "; those of `ferlite run` stand after --" * (arguments[:1] == ["service"])
        parser.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an exception, so that every file is closed properly
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files may hold what the terminal cannot show
    if "cv2" in sys.modules:
        _quiet_opencv()
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(logging.Formatter("ferlite: %(message)s"))
    try:
        code: int = options.command(options)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except FerliteError as error:
        print(f"ferlite: {error}", file=sys.stderr)
        return 2 if isinstance(error, SettingError) else 1


def _load(names: Sequence[str] = COMMANDS) -> list[ModuleType]:
    """Import the modules of commands; what they print by the way is shown only where that succeeds."""
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):  # NumPy and OpenCV explain themselves in a page
        modules = [import_module(f"ferlite.cli.{name}") for name in names]
    if printed.getvalue():
        print(printed.getvalue(), end="", file=sys.stderr)
    return modules


def _quiet_opencv() -> None:
    import cv2

    # what OpenCV and FFmpeg print beside is reported by our own errors, once and in words
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    set_level = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel  # it moved between 4.11 and 4.14
    set_level(0)


def _parser(modules: Sequence[ModuleType]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ferlite",
        description="The emotion on a face, on small computers.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"ferlite {ferlite.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in modules:
        module.add_to(commands)
    return parser
