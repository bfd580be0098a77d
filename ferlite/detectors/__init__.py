"""Face detectors, one module each, by name; anything callable as `ferlite.types.Detector` works in their place."""

from importlib import import_module
from typing import Any

from ferlite.errors import SettingError
from ferlite.types import Detector

_DETECTORS = {
    "ferlite": "ferlite.detectors.ferlite:FerliteDetector",
    "haar": "ferlite.detectors.haar:HaarDetector",
    "yunet": "ferlite.detectors.yunet:YuNetDetector",
}
NAMES = tuple(_DETECTORS)
DEFAULT = "ferlite"

THOROUGH = 0.02  # min_face for photos and files, where a small face must not be missed
QUICK = 0.08  # min_face for live frames: by geometry a face of 16 cm, 1.7 m from a camera that sees 60° across


def create(name: str, **settings: Any) -> Detector:
    """The detector of that name, one of `NAMES`, with the settings its class takes. Raises SettingError."""
    if name not in _DETECTORS:
        raise SettingError(f"unknown detector {name!r}; there are: {', '.join(NAMES)}")
    module, attribute = _DETECTORS[name].split(":")
    detector: Detector = getattr(import_module(module), attribute)(**settings)
    return detector


def check_min_face(min_face: float) -> float:
    """The value itself. Raises SettingError where it is no part of an image's side."""
    if not 0 < min_face <= 1:
        raise SettingError(f"min_face is {min_face}; it is a part of the image's longer side: above 0, at most 1")
    return min_face
