"""What the measurements' command lines share: the choice of a detector, the machine in words, errors in one line."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable

import cv2

from ferlite import detectors, device
from ferlite.errors import FerliteError, SettingError
from ferlite.types import Detector


def run(main: Callable[[], None]) -> None:
    try:
        main()
    except FerliteError as error:
        sys.exit(f"error: {error}")


def print_machine() -> None:
    """On what was measured, with OpenCV's threads as they are set."""
    print(", ".join(f"{name} {value}" for name, value in device.describe().items()))
    print(f"threads: OpenCV {cv2.getNumThreads()}")


def add_detector(parser: ArgumentParser) -> None:
    parser.add_argument("--detector", choices=detectors.NAMES, default=detectors.DEFAULT, help="(default: %(default)s)")
    parser.add_argument("--detector-model", metavar="FILE", help="YuNet's file (default: the pulled one)")
    parser.add_argument(
        "--min-face",
        type=float,
        default=detectors.THOROUGH,
        help=f"smallest face to find, as a part of the longer side (default: {detectors.THOROUGH}, as for files)",
    )


def make_detector(options: Namespace) -> Detector:
    settings = {"min_face": options.min_face}
    if options.detector_model:
        if options.detector != "yunet":
            raise SettingError(f"--detector-model is YuNet's file; give --detector yunet too, not {options.detector}")
        settings["model"] = options.detector_model
    return detectors.create(options.detector, **settings)
