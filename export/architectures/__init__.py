"""The networks one can train, by name; without Keras until one is asked for, so that the command line can list them.

A family is a module with a function per network, `build(size, channels, classes, seed, **options)`: raw pixels 0…255
in, logits out. Where the trained network is not itself what runs on the device, the module has its own
`deploy(model)`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from export.errors import RunError

# name on the command line: module and function
ARCHITECTURES: dict[str, tuple[str, str]] = {
    "deep": ("deep", "build"),
    "nano": ("deep", "nano"),
    "deep-elu": ("deep_elu", "build"),
    "shallow": ("shallow", "build"),
    "vgg-ferplus": ("vgg_ferplus", "build"),
    "cnn-512": ("cnn_512", "build"),
    "mini-xception": ("mini_xception", "build"),
    "mobilenet": ("mobilenet", "v1"),
    "mobilenetv2": ("mobilenet", "v2"),
    "resnet34": ("resnet", "resnet34"),
    "resnet50": ("resnet", "resnet50"),
    "resnet50v2": ("resnet", "resnet50v2"),
}
ENSEMBLE = "ensemble"  # made of runs, not trained


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network by name: `build` gives the one to train, `deploy` the same function as it runs on the device."""

    name: str
    build: Callable[..., Any]
    deploy: Callable[..., Any]


def architecture(name: str) -> Architecture:
    """The network of that name. Raises RunError for an unknown one."""
    fixed = import_module("export.architectures.fixed")
    if name == ENSEMBLE:
        return Architecture(name, _no_build, fixed.deploy)
    if name not in ARCHITECTURES:
        raise RunError(f"unknown architecture {name!r}; there are {', '.join(ARCHITECTURES)}")
    module, function = ARCHITECTURES[name]
    family = import_module(f"export.architectures.{module}")
    return Architecture(name, getattr(family, function), getattr(family, "deploy", fixed.deploy))


def _no_build(**_: Any) -> Any:
    raise RunError("an ensemble is made of runs, by `python -m export ensemble`; its members are what one trains")
