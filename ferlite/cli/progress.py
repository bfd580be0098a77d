"""How far a command is: tqdm's bar, on a terminal only."""

import os
import sys
from typing import Any

from tqdm import tqdm

SIZE = {"ncols": 79, "nrows": 23}  # of the terminals that all others imitate, less the last column and line


def progress_bar(*arguments: Any, **settings: Any) -> "tqdm[Any]":
    """tqdm with these arguments. A serial console does not know its size, and tqdm alone would draw nothing there."""
    try:
        known = all(os.get_terminal_size(sys.stderr.fileno()))
    except (OSError, ValueError, AttributeError):  # no terminal, and so no bar
        known = True
    return tqdm(*arguments, **({"disable": None} | ({} if known else SIZE) | settings))
