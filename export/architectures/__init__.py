"""The networks one can train, by name: a module with `build` (to train) and `deploy` (to convert)."""

from types import ModuleType

from export.architectures import deep

ARCHITECTURES: dict[str, ModuleType] = {"deep": deep}
