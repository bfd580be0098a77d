"""What the doctor says of one thing it has looked at."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """`problem`: ferlite or a part of it that is installed does not work. `note`: it works, with less than it could."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """`name` is the thing, `text` what was found in one line, `advice` what to do, empty where nothing has to be done.

    `data` has the same for programs, plain JSON values; docs/doctor.md lists its keys.
    """

    name: str
    status: Status
    text: str
    advice: str = ""
    data: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The finding as plain JSON values."""
        return {
            "name": self.name,
            "status": self.status.value,
            "text": self.text,
            "advice": self.advice or None,
            "data": self.data,
        }


def ok(name: str, text: str, **data: Any) -> Finding:
    return Finding(name, Status.OK, text, data=data)


def note(name: str, text: str, advice: str = "", **data: Any) -> Finding:
    return Finding(name, Status.NOTE, text, advice, data)


def problem(name: str, text: str, advice: str, **data: Any) -> Finding:
    return Finding(name, Status.PROBLEM, text, advice, data)
