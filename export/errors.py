"""The errors of the workstation side; all are `ferlite.errors.FerliteError`."""

from ferlite.errors import FerliteError


class DatasetError(FerliteError, ValueError):
    """Training data that is missing, damaged or not in a form we read; names the file and the row."""


class RunError(FerliteError, ValueError):
    """A run folder that is missing, incomplete or does not fit what was asked."""


class ParityError(FerliteError, AssertionError):
    """A converted model that does not do what the trained one does."""
