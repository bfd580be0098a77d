"""The learning rate over a run, in keras.ops so that it is the same on every backend."""

import math

import keras
from keras import ops

from export.config import Config

ONE_CYCLE_RISE = 0.3  # of the run, as in Smith & Topin, "Super-Convergence", 2018


class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """Step → learning rate: a linear rise over the warm-up, then the fall of `config.schedule` until the last step."""

    def __init__(self, config: Config, steps_per_epoch: int) -> None:
        self.highest = config.learning_rate
        self.shape = config.schedule
        self.last = config.epochs * steps_per_epoch
        warmup = max(config.warmup, ONE_CYCLE_RISE * config.epochs) if self.shape == "one-cycle" else config.warmup
        self.warmup = min(warmup * steps_per_epoch, self.last)

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rise = ops.minimum(1.0, (step + 1) / max(self.warmup, 1))
        done = ops.clip((step - self.warmup) / max(self.last - self.warmup, 1), 0.0, 1.0)
        if self.shape in ("cosine", "one-cycle"):
            fall = (1 + ops.cos(math.pi * done)) / 2
        elif self.shape == "steps":
            fall = ops.where(done < 0.5, 1.0, ops.where(done < 0.75, 0.1, 0.01))
        else:
            fall = 1.0
        return self.highest * rise * fall
