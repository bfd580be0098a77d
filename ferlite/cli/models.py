"""`ferlite models`: the models that came along, and files to fetch."""

import argparse
import sys
from functools import partial
from pathlib import Path

from tqdm import tqdm

from ferlite import cache, cards, downloads, interpreters
from ferlite.cards import Card, DetectorCard
from ferlite.classifier import EmotionClassifier
from ferlite.cli.options import Commands, native_stderr_hidden
from ferlite.cli.progress import progress_bar
from ferlite.detectors import yunet
from ferlite.detectors.ferlite import OVERVIEW, FerliteDetector
from ferlite.errors import FerliteError, ModelError, SettingError
from ferlite.interpreters import trial
from ferlite.interpreters.registry import Engine


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("models", help="the models that came along, and files to fetch")
    actions = parser.add_subparsers(required=True, metavar="COMMAND")
    actions.add_parser("list", help="all of them, and what is here").set_defaults(command=_list)
    for name, command, about in (
        ("pull", _pull, "fetch a file from the Internet, checked against its checksum"),
        ("path", _path, "print where a model or file lies"),
        (
            "verify",
            _verify,
            "check the checksums of models and files, and run them; all that are here without names",
        ),
    ):
        one = actions.add_parser(name, help=about)
        one.add_argument(
            "names", nargs="*" if name == "verify" else "+", metavar="NAME", help="see `ferlite models list`"
        )
        if name == "pull":
            one.add_argument("--url", help="where to fetch it from instead (one NAME only)")
        one.set_defaults(command=command)


def _list(options: argparse.Namespace) -> int:
    for about, found in (("classifier", cards.bundled_models()), ("face detector", cards.bundled_detectors())):
        for weights in found:
            print(f"{weights.name:34}{weights.stat().st_size / 1e6:6.2f} MB  bundled {about}")
    for name, download in downloads.DOWNLOADS.items():
        here = "fetched" if _is_fetched(name) else f"not here: ferlite models pull {name}"
        print(f"{name:34}{download.size / 1e6:6.2f} MB  {here}\n{'':45}{download.about}; license: {download.license}")
    return 0


def _pull(options: argparse.Namespace) -> int:
    if options.url is not None and len(options.names) > 1:
        raise SettingError("--url goes with one name only")
    for name in options.names:
        with progress_bar(desc=name, unit="B", unit_scale=True) as bar:
            place = downloads.pull(name, options.url, partial(_show, bar))
        print(place)
    return 0


def _show(bar: "tqdm[None]", done: int, total: int) -> None:
    bar.total = total
    bar.update(done - bar.n)


def _path(options: argparse.Namespace) -> int:
    for name in options.names:
        found = _found(name)
        print(found if isinstance(found, Path) else found.weights)
    return 0


def _verify(options: argparse.Namespace) -> int:
    here = [str(path) for path in (*cards.bundled_models(), *cards.bundled_detectors())]
    here += filter(_is_fetched, downloads.DOWNLOADS)
    failed = 0
    for name in options.names or here:
        try:
            found = _found(name)
            path = found if isinstance(found, Path) else found.weights
            usable, said = _run_on_engines(found, path)
            lines = "".join(f"\n    {line}" for line in said)
            if not usable:
                raise ModelError(f"{path}: its checksum is right, but no engine here can use it{lines}")
            print(f"{path}: ok{lines}")
        except FerliteError as error:
            failed += 1
            print(f"ferlite: {error}", file=sys.stderr)
    return 1 if failed else 0


def _run_on_engines(found: Card | DetectorCard | Path, path: Path) -> tuple[bool, list[str]]:
    """Whether one of the installed engines can use the file, and a line about each."""
    engines = [yunet.OPENCV] if isinstance(found, Path) else interpreters.engines_for(path)
    installed = [engine for engine in engines if engine.location is not None]
    if not installed:
        return False, [f"{engine.title} is not installed: {engine.install}" for engine in engines]
    faults = [_fault(engine, found, path) for engine in installed]
    named = zip(installed, faults, strict=True)
    return None in faults, [fault or f"{engine.title} {engine.version} works" for engine, fault in named]


def _fault(engine: Engine, found: Card | DetectorCard | Path, path: Path) -> str | None:
    shape = (1, OVERVIEW, OVERVIEW, 1) if isinstance(found, DetectorCard) else None
    try:
        fault = trial.fault(engine, path, anew=True, shape=shape)
        if fault is None and not isinstance(found, Path):
            use = FerliteDetector if isinstance(found, DetectorCard) else EmotionClassifier
            with native_stderr_hidden():
                use(path, backend=engine.name)  # compares the network with its card
    except FerliteError as error:
        return f"{engine.title} {engine.version} refuses it: {error}"
    return fault


def _is_fetched(name: str) -> bool:
    return (cache.folder() / downloads.DOWNLOADS[name].file).exists()


def _found(name: str) -> Card | DetectorCard | Path:
    """The card of a bundled model or a model file, or where a download lies, once its checksum was found right."""
    return downloads.path(name) if name in downloads.DOWNLOADS else cards.find_any(name)
