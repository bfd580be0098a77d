from dataclasses import replace

from export.config import Config
from export.curves import curves

CONFIG = Config(epochs=2, batch_size=16, seed=5)


def test_they_show_one_epoch_too_and_say_what_was_done():
    row = {"epoch": "1", "loss": "2", "accuracy": "0.2", "val_loss": "1.9", "val_accuracy": "0.3"}
    for config, training, validation in (
        (CONFIG, "training (as augmented, smoothed labels)", "validation (averaged weights)"),
        (replace(CONFIG, augment="none", label_smoothing=0.0, ema=0.0), "training", "validation"),
        (replace(CONFIG, augment="none", cutout=0.3, label_smoothing=0.0), "training (as augmented)", "validation (av"),
    ):
        for axes in curves([row], config).axes:
            lines = axes.get_lines()
            assert all(line.get_marker() == "." for line in lines)
            for line, words in zip(lines, (training, validation), strict=True):
                assert line.get_label().startswith(words)
            assert all(tick == int(tick) for tick in axes.get_xticks())
