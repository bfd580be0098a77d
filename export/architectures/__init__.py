"""The networks one can train, by name: a module with `build` (to train) and `deploy` (to convert)."""

from types import ModuleType

from export.architectures import deep
from export.errors import RunError

ARCHITECTURES: dict[str, ModuleType] = {"deep": deep}


def architecture(name: str) -> ModuleType:
    """The module of a network. Raises RunError for an unknown name."""
    if name not in ARCHITECTURES:
        raise RunError(f"unknown architecture {name!r}; there are {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]
