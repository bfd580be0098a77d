"""The errors of the workstation side; all are `ferlite.errors.FerliteError`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from ferlite.errors import FerliteError


class DatasetError(FerliteError, ValueError):
    """Training data that is missing, damaged or not in a form we read; names the file and the row."""

    @classmethod
    def of(cls, path: Path, problems: Sequence[str]) -> Self:
        """All that is wrong with a data set, one line each."""
        if len(problems) == 1:
            return cls(f"{path}: {problems[0]}")
        return cls("\n  ".join([f"{path}: {len(problems)} problems:", *problems]))


class RunError(FerliteError, ValueError):
    """A run folder that is missing, incomplete or does not fit what was asked."""


class ParityError(FerliteError, AssertionError):
    """A converted model that does not do what the trained one does."""
