"""What a camera says of itself by the V4L2 interface of Linux, without a library.

Structures and numbers are those of the kernel's linux/videodev2.h and asm-generic/ioctl.h; they have the same layout on
all processors, as all their fields are of 32 bits or bytes.
"""

import errno
import os
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

if sys.platform == "linux":
    import fcntl

Ask = Callable[[int, bytearray], object]
"""Put a request with its structure, which is then filled in. Raises OSError."""

CAPABILITY = struct.Struct("=16s32s32s6I")  # driver, card, bus, version, capabilities, those of this node, 3 reserved
FORMAT = struct.Struct("=3I32s5I")  # index, buffer type, flags, description, pixel format, media bus code, 3 reserved
SIZE = struct.Struct("=9I8x")  # index, pixel format, type, then (w, h) or (w min, max, step, h min, max, step)
INTERVAL = struct.Struct("=11I8x")  # index, pixel format, w, h, type, then a fraction of a second or (min, max, step)


def _request(number: int, structure: struct.Struct, direction: int) -> int:
    """_IOR or _IOWR of asm-generic/ioctl.h for the letter V."""
    return direction << 30 | structure.size << 16 | ord("V") << 8 | number


_READ, _BOTH = 2, 3
QUERYCAP = _request(0, CAPABILITY, _READ)
ENUM_FMT = _request(2, FORMAT, _BOTH)
ENUM_FRAMESIZES = _request(74, SIZE, _BOTH)
ENUM_FRAMEINTERVALS = _request(75, INTERVAL, _BOTH)

CAP_VIDEO_CAPTURE, CAP_VIDEO_CAPTURE_MPLANE, CAP_DEVICE_CAPS = 0x1, 0x1000, 0x8000_0000
BUF_TYPE_VIDEO_CAPTURE, BUF_TYPE_VIDEO_CAPTURE_MPLANE = 1, 9
DISCRETE = 1  # V4L2_FRMSIZE_TYPE_ and V4L2_FRMIVAL_TYPE_; what is not discrete is a range
MOST = 64  # entries of one list, whatever a driver says


@dataclass(frozen=True, slots=True)
class Size:
    """A size in pixels and the frame rates it comes at, the highest first; of a range of rates its two ends."""

    width: int
    height: int
    fps: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Format:
    """A pixel format by its four letters, and its sizes, the largest first; of a range of sizes its two ends."""

    fourcc: str
    description: str
    sizes: tuple[Size, ...]

    def __str__(self) -> str:
        if not self.sizes:
            return self.fourcc
        best = self.sizes[0]
        rate = f" at {best.fps[0]:.3g} fps" if best.fps else ""
        return f"{self.fourcc} up to {best.width}×{best.height}{rate}"


@dataclass(frozen=True, slots=True)
class Camera:
    """A node that gives pictures."""

    card: str
    driver: str
    bus: str
    formats: tuple[Format, ...]

    def as_dict(self) -> dict[str, Any]:
        """The camera as plain JSON values."""
        return asdict(self)


def describe(path: Path) -> Camera | None:
    """The camera at a device file; None where the node gives no pictures (but metadata, or takes them).

    Raises OSError where it cannot be opened, and for files that are no V4L2 device. A camera in use by another program
    answers all the same.
    """
    if sys.platform != "linux":
        raise OSError(errno.ENOTSUP, "V4L2 is there on Linux only")
    handle = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return examine(lambda request, content: fcntl.ioctl(handle, request, content, True))
    finally:
        os.close(handle)


def examine(ask: Ask) -> Camera | None:
    """What `describe` says, of whatever answers to `ask`. Raises the OSError of a device that is no V4L2 device."""
    answer = bytearray(CAPABILITY.size)
    ask(QUERYCAP, answer)
    driver, card, bus, _, of_device, of_node, *_ = CAPABILITY.unpack(answer)
    able = of_node if of_device & CAP_DEVICE_CAPS else of_device
    if able & CAP_VIDEO_CAPTURE:
        kind = BUF_TYPE_VIDEO_CAPTURE
    elif able & CAP_VIDEO_CAPTURE_MPLANE:
        kind = BUF_TYPE_VIDEO_CAPTURE_MPLANE
    else:
        return None
    return Camera(_text(card), _text(driver), _text(bus), tuple(_formats(ask, kind)))


def _formats(ask: Ask, kind: int) -> Iterator[Format]:
    for _, _, _, description, code, *_ in _list(ask, ENUM_FMT, FORMAT, kind):
        yield Format(_fourcc(code), _text(description), tuple(_sizes(ask, code)))


def _sizes(ask: Ask, code: int) -> list[Size]:
    found: set[tuple[int, int]] = set()
    for _, _, kind, *sides in _list(ask, ENUM_FRAMESIZES, SIZE, code):
        if kind == DISCRETE:
            found.add((sides[0], sides[1]))
        else:
            found |= {(sides[1], sides[4]), (sides[0], sides[3])}
    largest_first = sorted(found, key=lambda size: (size[0] * size[1], size), reverse=True)
    return [Size(width, height, _rates(ask, code, width, height)) for width, height in largest_first]


def _rates(ask: Ask, code: int, width: int, height: int) -> tuple[float, ...]:
    found = set()
    for _, _, _, _, kind, *numbers in _list(ask, ENUM_FRAMEINTERVALS, INTERVAL, code, width, height):
        fractions = [numbers[:2]] if kind == DISCRETE else [numbers[:2], numbers[2:4]]
        found |= {round(below / above, 3) for above, below in fractions if above and below}
    return tuple(sorted(found, reverse=True))


def _list(ask: Ask, request: int, structure: struct.Struct, *given: int) -> Iterator[tuple[Any, ...]]:
    """The answers for the indices 0, 1, 2, … until the driver refuses: there are no more, or it knows no such list."""
    for index in range(MOST):
        answer = bytearray(structure.size)
        struct.pack_into(f"={len(given) + 1}I", answer, 0, index, *given)
        try:
            ask(request, answer)
        except OSError:
            return
        yield structure.unpack(answer)


def _fourcc(code: int) -> str:
    code &= 0x7FFF_FFFF  # the highest bit marks the big-endian variant
    letters = code.to_bytes(4, "little").decode("latin-1").rstrip(" \0")
    return letters if letters and letters.isascii() and letters.isprintable() else f"0x{code:08x}"


def _text(content: bytes) -> str:
    """A name as the device gives it, fit for a terminal."""
    said = content.partition(b"\0")[0].decode("utf-8", "replace").strip()
    return "".join(letter if letter.isprintable() else "?" for letter in said)
