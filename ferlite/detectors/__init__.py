"""Face detectors, one module each, by name; anything callable as `ferlite.types.Detector` works in their place."""

from importlib import import_module
from typing import Any

from ferlite.errors import SettingError
from ferlite.types import Detector

_DETECTORS = {"haar": "ferlite.detectors.haar:HaarDetector"}
NAMES = tuple(_DETECTORS)


def create(name: str, **settings: Any) -> Detector:
    """The detector of that name, one of `NAMES`, with the settings its class takes. Raises SettingError."""
    if name not in _DETECTORS:
        raise SettingError(f"unknown detector {name!r}; there are: {', '.join(NAMES)}")
    module, attribute = _DETECTORS[name].split(":")
    detector: Detector = getattr(import_module(module), attribute)(**settings)
    return detector
