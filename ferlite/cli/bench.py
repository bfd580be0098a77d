"""`ferlite bench`: how fast ferlite is on this machine, as tables, files and a page; and two such reports compared."""

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from ferlite import detectors, device
from ferlite.bench import Amount, Bench, compare, files, footage, page, plan, plots, text
from ferlite.capture import open_source
from ferlite.capture.camera import shown
from ferlite.cli.options import Commands, native_stderr_hidden, part, positive, positive_int, size, thread_count, whole
from ferlite.cli.progress import progress_bar
from ferlite.detectors import QUICK
from ferlite.errors import EngineError, ModelError, SettingError, SourceError
from ferlite.interpreters import BACKENDS
from ferlite.synthetic import MOST
from ferlite.types import Detector

SIZES = ((320, 240), (640, 480), (1280, 720), (1920, 1080))
FACES = (0, 1, 3, 7)
FULL = Amount()
SHORT = Amount(rounds=1, frames=24, seconds=3.0, quick=True)


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "bench",
        help="how fast ferlite is on this machine",
        description="Times ferlite on this machine, on drawn faces or on your own video or camera. Settings are varied "
        "one at a time around the first of each list, and measured in turns.",
    )
    parser.add_argument("--quick", action="store_true", help="seconds instead of minutes; one of each list by default")
    parser.add_argument("--source", metavar="FILE|0|URL", help="a video, camera or stream (default: drawn faces)")
    parser.add_argument("--output", metavar="FOLDER|NAME", help="write NAME.json, NAME.md and NAME.html")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--compare", nargs=2, metavar=("A.json", "B.json"), help="compare two reports, measure nothing")
    _add_lists(parser.add_argument_group("what is compared"))
    _add_amounts(parser.add_argument_group("how much"))
    parser.set_defaults(command=_bench)


def _add_lists(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "--model", action="append", default=[], metavar="FILE|NAME", help="a model; may be repeated (default: bundled)"
    )
    group.add_argument(
        "--backend", nargs="+", choices=BACKENDS[1:], default=[], help="engines (default: all installed)"
    )
    group.add_argument("--threads", nargs="+", type=thread_count, metavar="N", help="(default: 1, and all cores)")
    group.add_argument(
        "--detector", nargs="+", choices=detectors.NAMES, help="(default: all; yunet where it was pulled)"
    )
    group.add_argument("--detector-model", metavar="FILE", help="file of the yunet detector")
    group.add_argument("--sizes", nargs="+", type=size, metavar="WxH", help="of drawn frames (default: four)")
    group.add_argument("--faces", nargs="+", type=_faces, metavar="N", help="in drawn frames (default: 0 1 3 7)")


def _add_amounts(group: "argparse._ArgumentGroup") -> None:
    group.add_argument("--frames", type=_enough_frames, metavar="N", help="timed in each round (default: 60)")
    group.add_argument("--rounds", type=positive_int, metavar="N", help="through all settings (default: 5)")
    group.add_argument("--seconds", type=positive, metavar="N", help="for each setting of a live source (default: 10)")
    group.add_argument(
        "--min-face",
        type=part,
        default=QUICK,
        metavar="PART",
        help=f"smallest face to find, as a part of the picture's longer side (default: {QUICK:g}, as live)",
    )


def _bench(options: argparse.Namespace) -> int:
    if options.compare is not None:
        return _compare(options)
    _check(options)
    work, skipped = _prepared(options)
    with_page = options.output is not None and _can_write(options.output)
    with native_stderr_hidden():  # LiteRT announces itself there, and has no setting for it
        work.load()
    with progress_bar(unit="pass", leave=False) as bar:

        def progress(what: str) -> None:
            bar.total = work.passes
            bar.set_description(what, refresh=False)
            bar.update()

        report = work.measure(progress)
    report["warnings"] += skipped
    # names without folders: reports are passed on, and other people's folders are no business of theirs
    report["command"] = shlex.join(["ferlite", *(Path(argument).name or argument for argument in sys.argv[1:])])
    report["commit"] = files.commit()
    if options.output is None:
        print(files.as_json(report) if options.json else text.plain(report))
    else:
        _write(report, options.output, with_page)
    return 0


def _can_write(output: str) -> bool:
    """Whether a page can be made besides; all that is wrong with the output shows now, not after minutes."""
    files.prepare(output)
    try:
        plots.check()
    except EngineError as error:
        print(f"ferlite: {error}", file=sys.stderr)
        return False
    return True


def _write(report: dict[str, Any], output: str, with_page: bool) -> None:
    path = files.stem(output, report)
    contents = {".json": files.as_json(report) + "\n", ".md": text.markdown(report)}
    if with_page:
        contents[".html"] = page.html(report)
    for suffix, content in contents.items():
        place = path.with_name(path.name + suffix)
        files.write(place, content)
        print(place)


def _compare(options: argparse.Namespace) -> int:
    before, after = (files.read(path) for path in options.compare)
    try:
        table, notes = compare.compare(before, after)
    except SettingError:
        raise
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        both = " and ".join(options.compare)
        raise SourceError(f"{both}: cannot be compared: a report is damaged ({error!r}); make it again") from error
    if options.output is None:
        print("\n\n".join([*notes, text.aligned(table)]))
        return 0
    path = Path(options.output)
    files.write(path, text.markdown_table(table, notes))
    print(path)
    return 0


def _check(options: argparse.Namespace) -> None:
    if options.source is not None and (options.sizes or options.faces):
        raise SettingError(f"--sizes and --faces are for drawn frames; {shown(str(options.source))} has its own")
    if options.detector_model is not None and options.detector is not None and "yunet" not in options.detector:
        raise SettingError(
            "--detector-model is YuNet's file here; the detectors haar and ferlite are those that come along"
        )


def _prepared(options: argparse.Namespace) -> tuple[Bench, list[str]]:
    standard = SHORT if options.quick else FULL
    amount = Amount(
        options.rounds or standard.rounds,
        options.frames or standard.frames,
        options.seconds or standard.seconds,
        options.quick,
    )
    networks, skipped = plan.networks(options.model, options.backend)
    found = _detectors(options)
    threads = options.threads or ([1] if options.quick else list(dict.fromkeys([1, device.cores()])))
    sizes = options.sizes or ([plan.SIZE] if options.quick else list(SIZES))
    faces = options.faces or ([plan.FACES] if options.quick else list(FACES))
    if options.source is None:
        return Bench(plan.around(networks, threads, list(found), sizes, faces), found, amount), skipped
    settings = plan.around(networks, threads, list(found), [None], [None])
    return Bench(settings, found, amount, lambda: open_source(options.source), shown(str(options.source))), skipped


def _detectors(options: argparse.Namespace) -> dict[str, Detector]:
    names = options.detector or list(detectors.NAMES)
    found = {}
    for name in names:
        own = {"model": options.detector_model} if name == "yunet" and options.detector_model else {}
        try:
            with native_stderr_hidden():
                found[name] = detectors.create(name, min_face=options.min_face, **own)
        except (ModelError, EngineError):
            if options.detector or own:
                raise
            # YuNet is not pulled, or OpenCV is too old for it: nobody asked for it by name
    return found


def _faces(text: str) -> int:
    if whole(text, 0) > MOST:
        raise argparse.ArgumentTypeError(f"{text!r}: a drawn frame has at most {MOST} faces")
    return int(text)


def _enough_frames(text: str) -> int:
    return whole(text, footage.LEAST)
