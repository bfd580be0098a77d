"""Hostile command lines: real options with values of any kind, through `ferlite.cli.main`, on a few small files.

What would open a camera or a connection, measure for minutes or write elsewhere is found out beforehand, by ferlite's
own parser, and made harmless: each case runs in a folder of its own that is gone afterwards.
"""

import contextlib
import io
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from random import Random
from typing import Any

import cv2

from benchmarks.reliability.fuzz_bytes import VALUES, change
from benchmarks.reliability.fuzz_process import Case
from ferlite import demo
from ferlite.bench import SCHEMA
from ferlite.cli import _load, _parser, main
from ferlite.errors import SettingError
from ferlite.images import shrink

# fmt: off
PICTURES = (
    "face.jpg", "face.png", "none.jpg", "broken.jpg", "empty.png", "shots", "shots/*.png", "new\nline.jpg",
    "\udcff.jpg",
)
SOURCES = (
    "shots", "shots/*.png", "*.jpg", "clip.avi", "broken.jpg", "none.mp4", "", ".", "[", "**", "x" * 300, "\udcff",
)
OUTPUTS = (
    "out", "out/", "out.jpg", "out.mp4", "out.csv", "-", ".", "", "shots", "face.jpg", "x" * 300, "no/such/place",
    "\udcff",
)
NUMBERS = (
    "0", "1", "2", "-1", "0.5", "1e9", "1e400", "nan", "inf", "-inf", "", " ", "1_0", "٣", "²", "0x10", "9" * 400,
    "1e-320",
)
MODELS = (
    "nano-int8", "flagship-int8.tflite", "none.tflite", "face.jpg", "shots", "", "../x", "yunet", "\udcff", "x" * 300,
)
NAMES = ("yunet", "haar", "auto", "litert", "onnxruntime", "tflite-runtime", "YUNET", "", "\udcff")
REPORTS = ("a.json", "b.json", "lying.json", "lying.json", "face.jpg", "none.json", "shots", "", "\udcff")
ADDRESSES = (
    "127.0.0.1:0", "127.0.0.1:0", "[::1]:0", "::1:0", "127.0.0.1:99999", "127.0.0.1:-1", "127.0.0.1:", ":0", "0", "",
    ":", "rtsp://127.0.0.1:554", "clip.avi", "\udcff:0", "x" * 300 + ":0", "127.0.0.1:٣", "255.255.255.255:0", "[:0",
)
SIZES = ("320x240", "0x0", "1x1", "99999x99999", "axb", "1x", "x", "٣x٣", "1280X720", "-1x5")
MODEL_OPTIONS = {
    "--model": MODELS, "--backend": NAMES, "--detector": NAMES, "--detector-model": MODELS,
    "--min-face": ("0.5", *NUMBERS), "--threads": ("1", "1", *NUMBERS),
}
OPTIONS: dict[str, dict[str, tuple[str, ...] | None]] = {
    "image": {"--json": None, "--output": OUTPUTS, **MODEL_OPTIONS},
    "run": {
        "--jsonl": ("out.jsonl", "out.jsonl", *OUTPUTS), "--csv": OUTPUTS, "--output": OUTPUTS, "--frames": NUMBERS,
        "--fps": NUMBERS, "--size": SIZES, "--timeout": NUMBERS, "--replay": None, "--max-fps": ("100", "1e9", "-1"),
        "--web": ADDRESSES, "--web-token": ("long enough a token", "short", "\udcff" * 20, ""),
        "--search-every": NUMBERS, "--classify-every": NUMBERS, "--smoothing": NUMBERS, "--no-tracking": None,
        **MODEL_OPTIONS,
    },
    "bench": {
        "--quick": None, "--json": None, "--output": OUTPUTS, "--sizes": SIZES, "--faces": NUMBERS, "--frames": NUMBERS,
        "--rounds": NUMBERS, "--seconds": NUMBERS, **MODEL_OPTIONS,
    },
    "models": {"--url": NUMBERS},
}
STRAY = (
    "--help", "--version", "-h", "--", "-", "--none", "-x", "=", "--threads", "--model=", "@file", "\udcff", "", "run",
)
# fmt: on


def prepare(folder: Path) -> Case:
    template = folder / "template"
    fill(template)
    os.environ.pop("DISPLAY", None)

    def run(random: Random) -> None:
        arguments = safe(hostile_arguments(random))
        with tempfile.TemporaryDirectory(dir=folder) as name:
            place = Path(name, "here")
            shutil.copytree(template, place)
            lying = report()
            change(random, lying, VALUES)
            (place / "lying.json").write_text(json.dumps(lying))
            os.chdir(place)
            try:
                check(arguments, *called(arguments))
            finally:
                os.chdir(folder)
                cv2.setNumThreads(1)

    return run


def fill(folder: Path) -> None:
    """Pictures whole and broken, a film of three frames, reports of `bench`."""
    (folder / "shots").mkdir(parents=True)
    face = shrink(demo.portrait()[60:360, 100:400], 96)[0]
    for name in ("face.jpg", "face.png", "shots/1.png", "shots/2.png", "new\nline.jpg"):
        cv2.imwrite(str(folder / name), face)
    (folder / os.fsdecode(b"\xff.jpg")).write_bytes((folder / "face.jpg").read_bytes())
    (folder / "broken.jpg").write_bytes((folder / "face.jpg").read_bytes()[:200])
    (folder / "empty.png").touch()
    film = cv2.VideoWriter(str(folder / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (96, 96))
    for _ in range(3):
        film.write(face)
    film.release()
    for name in ("a", "b"):
        (folder / f"{name}.json").write_text(json.dumps(report()))


def report() -> dict[str, Any]:
    step = {"model": "m", "engine": "e", "threads": 1, "detector": "haar", "size": None, "faces": 1, "step": "all"}
    return {
        "kind": "ferlite bench",
        "schema": SCHEMA,
        "machine": {"board": "board", "cores": 4, "system": "Linux", "python": "3.11", "opencv-python": "4.13"},
        "source": {"name": "drawn"},
        "min_face": {"haar": 0.08},
        "reference": True,
        "reasons": [],
        "steps": [{**step, "fps": 10.0}],
    }


def hostile_arguments(random: Random) -> list[str]:
    command = random.choice(("image", "image", "run", "run", "models", "bench"))
    if command == "image":
        arguments = [random.choice(PICTURES) for _ in range(random.randint(1, 2))]
    elif command == "run":
        arguments = [random.choice(SOURCES)] if random.random() < 0.8 else ["--source", random.choice(SOURCES)]
    elif command == "models":
        arguments = [random.choice(("verify", "path", "list", "none")), *random.choices(MODELS, k=random.randrange(3))]
    else:
        arguments = ["--compare", *random.choices(REPORTS, k=random.choice((2, 2, 2, 1, 3)))]
    own = OPTIONS[command]
    for _ in range(random.choice((0, 0, 1, 1, 2, 4))):
        option = random.choice(list(own if random.random() < 0.95 else OPTIONS["run"]))
        values = OPTIONS["run"].get(option) if option not in own else own[option]
        arguments += [option] if values is None else [option, random.choice(values)]
    arguments = [command, *arguments]
    if random.random() < 0.1:
        arguments.insert(random.randint(0, len(arguments)), random.choice(STRAY))
    if random.random() < 0.05:
        arguments.pop(random.randrange(len(arguments)))
    return arguments


def safe(arguments: list[str]) -> list[str]:
    """The same, or something that does no harm in its place."""
    quiet = io.StringIO()
    try:
        with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
            options = _parser(_load()).parse_args(arguments)
    except SystemExit:
        return arguments  # goes no further than this in earnest either
    given = vars(options)
    if {"max_fps", "place"} <= given.keys() and not _is_file(options.place or options.source or "0"):
        return ["run", "shots"]
    if "compare" in given and options.compare is None:
        return ["bench", "--compare", "a.json", "b.json"]
    if ("seconds" in given and "compare" not in given) or "url" in given or given.get("show"):
        return ["models", "list"]
    if isinstance(given.get("threads"), int) and options.threads > 4:
        return [*arguments, "--threads", "1"]
    return arguments


def called(arguments: list[str]) -> tuple[int, bytes, str]:
    """Exit code, standard output, and standard error of the command, whose streams take what a terminal's do."""
    before = sys.stdout, sys.stderr
    out = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    err = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="backslashreplace", write_through=True)
    sys.stdout, sys.stderr = out, err
    try:
        code = main(arguments)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    finally:
        sys.stdout, sys.stderr = before
    said, why = (stream.detach().getvalue() for stream in (out, err))
    return code, said, why.decode("utf-8", "replace")


def check(arguments: list[str], code: int, out: bytes, err: str) -> None:
    """What the command promises. Raises SettingError for a command line it called wrong, as that is an error too."""
    assert code in (0, 1, 2), f"{arguments}: exit code {code}"
    assert "Traceback" not in err, f"{arguments}: {err}"
    if code:
        assert "ferlite: " in err or "error: " in err, f"{arguments}: exit code {code} and no word why: {err!r}"
    as_json = code == 0 and arguments[0] == "image" and "--json" in arguments and not out.startswith(b"usage: ")
    printed = out.splitlines() if as_json else []
    for line in [*printed, *(line for path in Path().glob("*.jsonl") for line in path.read_bytes().splitlines())]:
        try:
            json.loads(line)
        except ValueError:
            raise AssertionError(f"{arguments}: not JSON: {line[:100]!r}") from None
    if code:
        raise SettingError(err.strip().splitlines()[-1].replace("ferlite: ", ""))


def _is_file(place: str) -> bool:
    return not (place.isdecimal() or "://" in place or place.startswith(("/dev/", "picamera")))
