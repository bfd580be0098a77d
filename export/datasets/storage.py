"""Room for many pictures: in memory, or in a file without a name on disk where memory is short."""

import tempfile
from pathlib import Path

import numpy as np

from ferlite import cache

SHARE = 0.5  # of the memory that is free; the rest is for training


def empty(shape: tuple[int, ...]) -> np.ndarray:
    """An uninitialised uint8 array; read and written from disk if it would take over half of the free memory."""
    size = int(np.prod(shape, dtype=np.int64))
    if size <= SHARE * _free_memory():
        return np.empty(shape, np.uint8)
    folder = cache.folder()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:  # gone with the array, also after a kill
        return np.memmap(file, np.uint8, "w+", shape=shape)


def _free_memory() -> float:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return float("inf")  # not Linux: the system's own swapping has to do
