"""The settings of a detector's training; without Keras, so that the command line can show them."""

from dataclasses import dataclass

from export.config import PRECISIONS, SCHEDULES
from export.errors import RunError


@dataclass(frozen=True, slots=True)
class DetectorConfig:
    """Everything that decides the result of a run, beside the data and the versions. Raises RunError."""

    width: float = 1.0  # how many times the network's usual channels
    size: int = 128  # side of the scenes, in pixels; the network takes any size afterwards
    epochs: int = 14
    steps: int = 1000  # an epoch has
    batch_size: int = 64
    learning_rate: float = 2e-3  # the highest, of AdamW
    schedule: str = "cosine"
    warmup: float = 1.0  # epochs over which the learning rate rises
    weight_decay: float = 0.02
    share_empty: float = 0.25  # of scenes, and of parts of mosaics, without faces
    share_extra: float = 0.3  # of the views of faces, from the extra pictures where there are some
    mosaic: float = 0.3  # share of scenes that are made of four
    mining: int = 1  # epochs from one search for its mistakes to the next; 0: never
    ema: float = 0.999  # momentum of the averaged weights
    precision: str = "float32"
    seed: int = 1

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise RunError(f"schedule is {self.schedule!r}; it has to be one of {', '.join(SCHEDULES)}")
        if self.precision not in PRECISIONS:
            raise RunError(f"precision is {self.precision!r}; it has to be one of {', '.join(PRECISIONS)}")
        if self.size < 64 or self.size % 32:
            raise RunError(f"size is {self.size}; it has to be 64 or more and a multiple of 32")
        for name in ("epochs", "steps", "batch_size"):
            if getattr(self, name) < 1:
                raise RunError(f"{name} is {getattr(self, name)}; it has to be 1 or more")
        for name in ("learning_rate", "width"):
            if not 0 < getattr(self, name) < float("inf"):
                raise RunError(f"{name} is {getattr(self, name)}; it has to be above 0")
        for name in ("weight_decay", "warmup", "mining", "seed"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise RunError(f"{name} is {getattr(self, name)}; it has to be 0 or more")
        for name in ("share_empty", "share_extra", "mosaic", "ema"):
            if not 0 <= getattr(self, name) <= 1:
                raise RunError(f"{name} is {getattr(self, name)}; it has to be between 0 and 1")
