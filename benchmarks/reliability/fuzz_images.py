"""Hostile pictures: damaged files of all kinds that OpenCV reads, through `read_image` and a recognizer."""

import zlib
from pathlib import Path
from random import Random

import cv2
import numpy as np

from benchmarks.reliability.fuzz_bytes import damaged
from benchmarks.reliability.fuzz_process import Case
from benchmarks.reliability.fuzz_promises import check_faces, check_image
from ferlite import Recognizer, demo, read_image
from ferlite.images import shrink

SUFFIXES = (".jpg", ".png", ".bmp", ".webp", ".gif", ".tiff", ".pgm", ".ppm", ".pam", ".pfm", ".hdr", ".jp2", ".ras")
SIDES = (0, 1, 2, 3, 255, 256, 4096, 16384, 32767, 32768, 65535)
PNG = b"\x89PNG\r\n\x1a\n"
# two entries, of which the first is the orientation: 6, to be turned by a quarter
EXIF = b"Exif\0\0II*\0\x08\0\0\0\x02\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\x1a\x01\x05\0\x01\0\0\0\x26\0\0\0\0\0\0\0"


def prepare(folder: Path) -> Case:
    recognizer, files, path = Recognizer(), whole_files(), folder / "picture"

    def run(random: Random) -> None:
        path.write_bytes(hostile_file(random, files))
        image = read_image(path)
        check_image(image)
        check_faces(recognizer(image), image, recognizer.classifier.labels)

    return run


def whole_files() -> list[bytes]:
    """Small pictures of a face in all formats, of which some can be nothing else than the portrait itself."""
    face = shrink(demo.portrait()[60:360, 100:400], 64)[0]
    grey = cv2.cvtColor(face, cv2.COLOR_BGR2GRAY)
    files = []
    for suffix in SUFFIXES:
        if cv2.haveImageWriter(f"picture{suffix}"):
            picture = grey if suffix == ".pgm" else face
            picture = (picture / np.float32(255)).astype(np.float32) if suffix in (".hdr", ".pfm") else picture
            files.append(_encoded(suffix, picture))
    alpha = np.dstack([face, np.full(face.shape[:2], 128, np.uint8)])
    deep = face.astype(np.uint16) * 257
    jpeg = _encoded(".jpg", face)
    progressive = _encoded(".jpg", face, cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2)
    turned = jpeg[:2] + b"\xff\xe1" + (len(EXIF) + 2).to_bytes(2, "big") + EXIF + jpeg[2:]
    files += [progressive, turned, _encoded(".jpg", grey), _encoded(".webp", alpha), _encoded(".tiff", deep)]
    files += [_encoded(".png", picture) for picture in (alpha, deep, grey)]
    files += [_encoded(".tiff", face, cv2.IMWRITE_TIFF_COMPRESSION, method) for method in (1, 32773, 8)]
    return files


def hostile_file(random: Random, files: list[bytes]) -> bytes:
    data = random.choice(files)
    choice = random.random()
    if choice < 0.03:
        return data
    if choice < 0.05:
        return random.randbytes(random.choice((0, 1, 3, 100)))
    if choice < 0.2:
        data = _resized(random, data)
    if choice > 0.15:
        data = damaged(random, data, files)
    # else libpng would look at no chunk that was changed
    return _with_checksums(data) if data.startswith(PNG) and random.random() < 0.8 else data


def _encoded(suffix: str, picture: np.ndarray, *settings: int) -> bytes:
    return cv2.imencode(suffix, picture, settings)[1].tobytes()


def _resized(random: Random, data: bytes) -> bytes:
    """Another width or height in the header, seldom a giant one: such a picture takes OpenCV seconds."""
    side = random.choice(SIDES if random.random() < 0.05 else SIDES[:6])
    if data.startswith(PNG):
        place, size, order = 16, 4, "big"
    elif data.startswith(b"\xff\xd8"):
        starts = [data.find(marker) for marker in (b"\xff\xc0\0\x11", b"\xff\xc0\0\x0b", b"\xff\xc2\0\x11")]
        place, size, order = max(starts) + 5, 2, "big"
    elif data.startswith(b"BM"):
        place, size, order = 18, 4, "little"
    else:  # GIF, and something or other in the rest
        place, size, order = 6, 2, "little"
    place += random.randrange(2) * size
    number = side.to_bytes(size, "big" if order == "big" else "little")
    return data[:place] + number + data[place + size :]


def _with_checksums(png: bytes) -> bytes:
    """A PNG file whose chunks have the right checksums, as far as there are whole chunks."""
    parts, place = [png[:8]], 8
    while place + 12 <= len(png):
        end = place + 8 + int.from_bytes(png[place : place + 4], "big")
        if end + 4 > len(png):
            break
        parts += [png[place:end], zlib.crc32(png[place + 4 : end]).to_bytes(4, "big")]
        place = end + 4
    return b"".join([*parts, png[place:]])
