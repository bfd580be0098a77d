"""The settings of a training run; without Keras, so that the command line can show them."""

from dataclasses import dataclass

from export.architectures import ARCHITECTURES
from export.errors import RunError

PRECISIONS = ("float32", "mixed_bfloat16")  # float16 would need a loss scale, whose state no checkpoint here holds
AUGMENTATIONS = ("none", "classic", "light", "strong")
BALANCES = ("none", "weights", "sampling")
SCHEDULES = ("cosine", "one-cycle", "steps", "constant")
OPTIMIZERS = {"sgd": (0.1, 5e-4), "adamw": (1e-3, 0.02)}  # what learning_rate and weight_decay are if not given


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that decides the result of a run, beside the data and the versions. Raises RunError."""

    arch: str = "deep"
    width: float = 1.0  # of the networks that have one: how many times their usual channels
    weights: str | None = None  # to start from: a run's folder, "imagenet" or a file; else at random
    trainable: str = "all"  # of a backbone: "all", "head", or the number of its last layers that learn
    epochs: int = 60
    batch_size: int = 128
    optimizer: str = "sgd"
    learning_rate: float | None = None  # highest; None: as usual for the optimizer
    schedule: str = "cosine"
    warmup: float = 0.0  # epochs over which the learning rate rises
    weight_decay: float | None = None  # None: as usual for the optimizer
    label_smoothing: float = 0.1
    augment: str = "strong"
    mixup: float | None = None  # share of the batches that are blended; None: as the augmentation has it
    cutout: float | None = None  # share of the pictures with a hole; None: as the augmentation has it
    balance: str = "none"  # of the labels: by weights in the loss, or by how often their pictures are drawn
    teacher: str | None = None  # run folder or file of a network whose answers are learnt
    distill: float = 1.0  # their share in the targets; the rest are the labels
    views: int = 0  # epochs after which the random changes of the pictures come again; 0: never
    ema: float = 0.999  # momentum of the averaged weights; 0 takes the weights as they are
    early_stopping: int = 0  # epochs without a better validation accuracy after which to stop; 0: never
    precision: str = "float32"
    seed: int = 1

    def __post_init__(self) -> None:
        for name, known in (
            ("arch", ARCHITECTURES),
            ("optimizer", OPTIMIZERS),
            ("schedule", SCHEDULES),
            ("augment", AUGMENTATIONS),
            ("balance", BALANCES),
            ("precision", PRECISIONS),
        ):
            if getattr(self, name) not in known:
                raise RunError(f"{name} is {getattr(self, name)!r}; it has to be one of {', '.join(known)}")
        rate, decay = OPTIMIZERS[self.optimizer]
        if self.learning_rate is None:
            object.__setattr__(self, "learning_rate", rate)
        if self.weight_decay is None:
            object.__setattr__(self, "weight_decay", decay)
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise RunError(f"{name} is {getattr(self, name)}; it has to be 1 or more")
        for name in ("learning_rate", "width"):
            if not 0 < getattr(self, name) < float("inf"):
                raise RunError(f"{name} is {getattr(self, name)}; it has to be above 0")
        for name in ("weight_decay", "warmup", "views", "early_stopping", "seed"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise RunError(f"{name} is {getattr(self, name)}; it has to be 0 or more")
        for name in ("label_smoothing", "mixup", "cutout", "distill", "ema"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise RunError(f"{name} is {value}; it has to be between 0 and 1")
        if self.trainable not in ("all", "head") and not (self.trainable.isdecimal() and int(self.trainable) > 0):
            raise RunError(f"trainable is {self.trainable!r}; it has to be all, head, or a number of layers")
        if self.trainable != "all" and self.weights is None:
            raise RunError(f"trainable is {self.trainable!r}, but there are no weights to keep; give them by --weights")
