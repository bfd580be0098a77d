"""Where a data set lies and what of it is taken; recorded in run folders, so that later commands take the same."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from export.datasets.types import COLORS
from export.errors import DatasetError

VOTES = ("majority", "distribution", "blend")


@dataclass(frozen=True, slots=True)
class Source:
    """A path and the choices made on it. Raises DatasetError for choices that cannot be."""

    path: Path
    size: int | None = None  # side of the pictures in pixels; None: as they are
    color: str = "grey"
    labels: tuple[str, ...] | None = None  # to take, in this order; None: all
    ferplus: Path | None = None  # the FER+ votes, in place of the labels of FER-2013
    votes: str = "majority"  # of them: the label most chosen, the shares of all, or these beside FER-2013's labels
    contempt: str = "neutral"  # in them: counted as neutral, or a "class" of its own
    exclude: Path | None = None  # a list of pictures to leave out
    drop_copies: bool = False  # leave out training pictures that stand in another split too, pixel for pixel

    def __post_init__(self) -> None:
        if self.size is not None and not 16 <= self.size <= 1024:
            raise DatasetError(f"size is {self.size}; it has to be 16 to 1024 pixels")
        for name, known in (("color", COLORS), ("votes", VOTES), ("contempt", ("neutral", "class"))):
            if getattr(self, name) not in known:
                raise DatasetError(f"{name} is {getattr(self, name)!r}; it has to be one of {', '.join(known)}")
        if self.votes == "blend" and self.contempt == "class":
            raise DatasetError(
                "votes that stand beside the labels of FER-2013 cannot have a class contempt of their own"
            )
        if self.labels is not None and (len(self.labels) < 2 or len(set(self.labels)) < len(self.labels)):
            raise DatasetError(f"labels are {', '.join(self.labels)}; at least two are needed, each once")

    def as_json(self) -> dict[str, Any]:
        """Plain values; paths are absolute, so that the working folder may change."""
        return {
            name: str(value.resolve()) if isinstance(value, Path) else value for name, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """The opposite of `as_json`."""
        values = {name: record[name] for name in cls.__dataclass_fields__ if name in record}
        for name in ("path", "ferplus", "exclude"):
            if values.get(name) is not None:
                values[name] = Path(values[name])
        if values.get("labels") is not None:
            values["labels"] = tuple(values["labels"])
        return cls(**values)
