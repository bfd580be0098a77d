"""The errors of ferlite: each is a `FerliteError` and also the builtin that fits, so either can be caught."""


class FerliteError(Exception):
    """Anything ferlite reports on purpose: says what was wrong, with which value, and what to do."""


class SettingError(FerliteError, ValueError):
    """An argument out of its range, or a name that does not exist."""


class SourceError(FerliteError, OSError):
    """A camera, video or photo that cannot be opened or read."""


class ImageError(FerliteError, ValueError):
    """An array that is not an image ferlite can take."""


class ModelError(FerliteError, ValueError):
    """A model, card or detector file that is missing, damaged or does not fit its description."""


class EngineError(FerliteError, ImportError):
    """An interpreter that a model needs and this environment does not have."""


class OutputError(FerliteError, OSError):
    """A file that cannot be written."""


class DownloadError(FerliteError, OSError):
    """A file that cannot be fetched."""


def without_opencv(error: ImportError) -> str | None:
    """What to do where it is OpenCV that is missing or does not load; None where it is anything else."""
    if error.name != "cv2":
        return None
    if not isinstance(error, ModuleNotFoundError):
        return f"OpenCV does not load: {error}; on Debian, sudo apt install libgl1 libglib2.0-0"
    return (
        "OpenCV is not installed: pip install 'opencv-python>=4.12,<6'; or, on 32-bit Raspberry Pi OS and Debian, sudo "
        "apt install python3-opencv opencv-data, and make the virtual environment with --system-site-packages"
    )


def origin(error: BaseException) -> BaseException:
    """The error that an error was raised from in the first place."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def first_cause(error: BaseException) -> str:
    """What is behind an error, in one line: its origin, with the name of its type."""
    error = origin(error)
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said.rpartition('Original error was: ')[2]}"  # behind a page of NumPy's advice
