"""The command `ferlite`."""

import argparse
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import cv2
from tqdm import tqdm

import ferlite
from ferlite import bench, demo, detectors
from ferlite.capture import Source, open_source
from ferlite.cards import DEFAULT_MODEL
from ferlite.detectors.haar import QUICK, THOROUGH
from ferlite.drawing import draw
from ferlite.errors import FerliteError, OutputError
from ferlite.images import read_image
from ferlite.pipeline import Pipeline
from ferlite.recognizer import Recognizer
from ferlite.sinks.jsonl import JsonLines
from ferlite.sinks.video import AnnotatedVideo
from ferlite.sinks.window import Window
from ferlite.types import Face, FrameResult, Sink

EXIT_CODES = """\
exit codes:
  0    all went well, with or without faces
  1    something could not be read, run or written; standard error says what
  2    the command line was wrong
  130  interrupted (Ctrl-C); what was written until then is whole
  143  terminated (SIGTERM); likewise
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code. A KeyboardInterrupt goes on to the caller."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an exception, so that every file is closed properly
    _quiet_opencv()
    try:
        code: int = options.command(options)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except FerliteError as error:
        print(f"ferlite: {error}", file=sys.stderr)
        return 1


def _image(options: argparse.Namespace) -> int:
    recognizer = _recognizer(options, THOROUGH)
    output = _output_for_photos(options)
    failed = 0
    for photo in tqdm(options.photos, unit="photo", disable=None if len(options.photos) > 1 else True):
        try:
            picture = read_image(photo)
            faces = recognizer(picture)
            if output is not None:
                _write_photo(output / Path(photo).name if output.is_dir() else output, draw(picture, faces))
        except FerliteError as error:
            failed += 1
            tqdm.write(f"ferlite: {error}", file=sys.stderr)
            continue
        if options.json:
            tqdm.write(json.dumps({"file": str(photo), "faces": [face.as_dict() for face in faces]}))
        else:
            tqdm.write("\n".join(_photo_lines(photo, faces)))
    return 1 if failed else 0


def _run(options: argparse.Namespace) -> int:
    places = [
        Path(place).resolve() for place in (options.source, options.output, options.jsonl) if place not in (None, "-")
    ]
    if len(set(places)) < len(places):
        raise OutputError("--source, --output and --jsonl have to be different files")
    with open_source(options.source) as source:
        recognizer = _recognizer(options, QUICK if source.live else THOROUGH)
        _follow(source, recognizer, options.output, options.jsonl, options.show, options.frames)
    return 0


def _demo(options: argparse.Namespace) -> int:
    recognizer = _recognizer(options, QUICK)
    with demo.synthetic_camera(options.seconds) as source:
        print(f"A moving portrait as a camera, {demo.FPS:g} pictures a second, for {options.seconds:g} s")
        _follow(source, recognizer, options.output, None, False, None)
    print(f"Look at the clip: {options.output}")
    return 0


def _bench(options: argparse.Namespace) -> int:
    recognizer = _recognizer(options, QUICK)
    report = bench.measure(recognizer, options.threads, options.source, options.frames)
    print(json.dumps(report, indent=2) if options.json else bench.as_text(report))
    return 0


def _recognizer(options: argparse.Namespace, min_face: float) -> Recognizer:
    cv2.setNumThreads(options.threads)
    detector = detectors.create(options.detector, min_face=options.min_face or min_face)
    with _stderr_hidden():  # LiteRT announces itself there, and has no setting for it
        return Recognizer(options.model, detector, options.threads)


def _follow(
    source: Source, recognizer: Recognizer, output: str | None, jsonl: str | None, show: bool, frames: int | None
) -> None:
    """Send every result of a source to its sinks, print each change of the emotions, and sum up at the end."""
    talk = sys.stderr if jsonl == "-" else sys.stdout
    with ExitStack() as stack:
        pipeline = stack.enter_context(Pipeline(source, recognizer))
        sinks: list[Sink] = []
        if jsonl is not None:
            sinks.append(stack.enter_context(JsonLines(jsonl)))
        if output is not None:
            sinks.append(stack.enter_context(AnnotatedVideo(output, source.fps or 30.0, paced=source.live)))
        window = stack.enter_context(Window()) if show else None
        if window is not None:
            sinks.append(window)
        with_faces = 0
        emotions: tuple[str, ...] = ()
        bar = stack.enter_context(tqdm(total=frames or source.total, unit="frame", disable=None))
        # pushed last, so it runs first: also when the run is interrupted or fails
        stack.callback(lambda: _sum_up(pipeline, with_faces, talk))
        for result in pipeline:
            for sink in sinks:
                sink.write(result)
            bar.update()
            with_faces += bool(result.faces)
            if (now := tuple(face.label for face in result.faces)) != emotions:
                emotions = now
                tqdm.write(_result_line(result), file=talk)
            if pipeline.stats.count == frames or (window is not None and window.closed):
                break


def _sum_up(pipeline: Pipeline, with_faces: int, file: Any) -> None:
    stats, source = pipeline.stats, pipeline.source
    if stats.count == 0:
        return  # an error is on its way that says why
    text = f"{stats.count} frames, a face in {with_faces}"
    if stats.count > 1:
        text += (
            f"; {stats.throughput:.1f} frames per second; latency p50 {stats.latency(50) * 1000:.1f} ms, "
            f"p95 {stats.latency(95) * 1000:.1f} ms"
        )
    if source.live:
        text += f"; {source.dropped} dropped for newer ones"
    tqdm.write(text, file=file)


def _result_line(result: FrameResult) -> str:
    faces = ", ".join(_emotion(face) for face in result.faces) or "no face"
    return f"{result.frame.seq:6d}  {faces}"


def _photo_lines(photo: str, faces: list[Face]) -> list[str]:
    count = "no face" if not faces else "1 face" if len(faces) == 1 else f"{len(faces)} faces"
    places = (f"  {_emotion(f):16} at x {f.box.x}, y {f.box.y}, {f.box.w}×{f.box.h} pixels" for f in faces)
    return [f"{photo}: {count}", *places]


def _emotion(face: Face) -> str:
    return f"{face.label} {float(face.probabilities.max()):.0%}"


def _output_for_photos(options: argparse.Namespace) -> Path | None:
    if options.output is None:
        return None
    output = Path(options.output)
    if len(options.photos) > 1 or not output.suffix or options.output.endswith(os.sep):
        try:
            output.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(f"{output}: is not a folder and cannot become one: {error.strerror}") from error
    photos = {Path(photo).resolve() for photo in options.photos}
    if output.resolve() in photos | {photo.parent for photo in photos}:
        raise OutputError(f"{output}: would overwrite the photos; choose another place")
    names = Counter(Path(photo).name for photo in options.photos)
    if output.is_dir() and (twice := [name for name, count in names.items() if count > 1]):
        raise OutputError(f"{output / twice[0]}: several photos are named {twice[0]}; write them to different folders")
    return output


def _write_photo(path: Path, picture: Any) -> None:
    try:
        encoded = cv2.imencode(path.suffix, picture)[1]
    except cv2.error:
        raise OutputError(f"{path}: pictures cannot be written as {path.suffix}; use .jpg or .png") from None
    try:
        path.write_bytes(encoded.tobytes())
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error


@contextmanager
def _stderr_hidden() -> Iterator[None]:
    sys.stderr.flush()
    kept = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _quiet_opencv() -> None:
    # what OpenCV and FFmpeg print beside is reported by our own errors, once and in words
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    set_level = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel  # it moved between 4.11 and 4.14
    set_level(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ferlite",
        description="The emotion on a face, on small computers.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"ferlite {ferlite.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    image = commands.add_parser("image", help="faces and emotions in photos")
    image.add_argument("photos", nargs="+", metavar="PHOTO", help="a JPEG, PNG or other picture")
    image.add_argument("--json", action="store_true", help="print one JSON object a photo instead of text")
    image.add_argument(
        "--output",
        metavar="FILE|FOLDER",
        help="write the photos with the faces drawn in; a folder where it has no suffix",
    )
    _add_model_options(image)
    image.set_defaults(command=_image)

    run = commands.add_parser("run", help="faces and emotions live from a camera or stream, or from a video file")
    run.add_argument(
        "--source", default="0", metavar="0|FILE|URL", help="camera number, video file or stream (default: camera 0)"
    )
    run.add_argument("--output", metavar="FILE.mp4", help="write the video with the faces drawn in")
    run.add_argument("--jsonl", metavar="FILE", help="write one JSON object a frame; - is standard output")
    run.add_argument("--show", action="store_true", help="show the faces in a window; q ends")
    run.add_argument("--frames", type=_positive_int, metavar="N", help="stop after N frames")
    _add_model_options(run)
    run.set_defaults(command=_run)

    bench_parser = commands.add_parser("bench", help="how long each stage takes on this machine")
    bench_parser.add_argument("--source", metavar="FILE", help="a video (default: the demo's moving portrait)")
    bench_parser.add_argument(
        "--frames", type=_enough_frames, default=200, metavar="N", help="frames to time (default: 200)"
    )
    bench_parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    _add_model_options(bench_parser)
    bench_parser.set_defaults(command=_bench)

    demo_parser = commands.add_parser(
        "demo", help="the live pipeline on a synthetic camera: needs no camera, no network"
    )
    demo_parser.add_argument("--seconds", type=_positive, default=10.0, metavar="S", help="how long (default: 10)")
    demo_parser.add_argument(
        "--output",
        default="ferlite-demo.mp4",
        metavar="FILE.mp4",
        help="the annotated clip (default: ferlite-demo.mp4)",
    )
    _add_model_options(demo_parser)
    demo_parser.set_defaults(command=_demo)
    return parser


def _add_model_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("model")
    group.add_argument("--model", metavar="FILE|NAME", help=f"weights with a card (default: {DEFAULT_MODEL})")
    group.add_argument("--detector", default="haar", choices=detectors.NAMES, help="face detector (default: haar)")
    group.add_argument(
        "--min-face",
        type=_part,
        metavar="PART",
        help="smallest face to find, as a part of the picture's longer side; half of it takes up to four times as long "
        f"(default: {THOROUGH:g} in image and in run on files, {QUICK:g} live, in demo and in bench)",
    )
    group.add_argument("--threads", type=_positive_int, default=1, metavar="N", help="processor threads (default: 1)")


def _positive_int(text: str) -> int:
    return _whole(text, 1)


def _enough_frames(text: str) -> int:
    return _whole(text, bench.MIN_FRAMES)


def _whole(text: str, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} on")
    return int(text)


def _positive(text: str) -> float:
    return _real(text, float("inf"), "a number above 0")


def _part(text: str) -> float:
    return _real(text, 1.0, "a number above 0 and at most 1")


def _real(text: str, most: float, wanted: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not 0 < number <= most or number == float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")
    return number
