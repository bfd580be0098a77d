"""The settings of a training run; without Keras, so that the command line can show them."""

from dataclasses import dataclass

from export.errors import RunError

PRECISIONS = ("float32", "mixed_bfloat16")  # float16 would need a loss scale, whose state no checkpoint here holds


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that decides the result of a run, beside the data and the versions. Raises RunError."""

    arch: str = "deep"
    epochs: int = 60
    batch_size: int = 128
    learning_rate: float = 0.1  # at the start; falls to 0 as a cosine
    weight_decay: float = 5e-4
    label_smoothing: float = 0.1
    mixup: float = 0.5  # share of the batches that are blended
    ema: float = 0.999  # momentum of the averaged weights
    precision: str = "float32"
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise RunError(f"{name} is {getattr(self, name)}; it has to be 1 or more")
        if not self.learning_rate > 0:
            raise RunError(f"learning_rate is {self.learning_rate}; it has to be above 0")
        if not self.weight_decay >= 0:
            raise RunError(f"weight_decay is {self.weight_decay}; it has to be 0 or more")
        for name in ("label_smoothing", "mixup", "ema"):
            if not 0 <= getattr(self, name) <= 1:
                raise RunError(f"{name} is {getattr(self, name)}; it has to be between 0 and 1")
        if self.precision not in PRECISIONS:
            raise RunError(f"precision is {self.precision!r}; it has to be one of {', '.join(PRECISIONS)}")
        if self.seed < 0:
            raise RunError(f"seed is {self.seed}; it has to be 0 or more")
