"""Where ferlite keeps what it can fetch or find out again."""

import os
from pathlib import Path

from ferlite.errors import OutputError


def folder() -> Path:
    """`$FERLITE_CACHE`, else `$XDG_CACHE_HOME/ferlite`, else `~/.cache/ferlite`; not made here.

    Raises OutputError for a user without a home folder.
    """
    own, shared = os.environ.get("FERLITE_CACHE"), os.environ.get("XDG_CACHE_HOME", "")
    try:
        if own:
            return Path(own).expanduser()
        # a relative one is to be ignored, says the XDG specification
        return (Path(shared) if Path(shared).is_absolute() else Path.home() / ".cache") / "ferlite"
    except RuntimeError:
        raise OutputError("there is no home folder for the cache: set FERLITE_CACHE to a folder") from None
