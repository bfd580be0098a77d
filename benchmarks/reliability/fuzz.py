"""Hostile input: for whatever comes in, ferlite gives a result that keeps its promises or one clear error.

    python -m benchmarks.reliability.fuzz --cases 20000
    python -m benchmarks.reliability.fuzz --target images --seed 7 --case 1234

Each target makes its cases from the printed seed; the second line makes one of them again and shows how it ended.
A finding is any other exception, a crash, a hang, a warning, and a result that breaks a promise. `--guided` lets
atheris (pip install atheris) make the inputs, by what code they reach; it keeps what it found in `--corpus`, and the
input of a finding as a file for `--bytes`. The exit code is 1 where there are findings.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from tqdm import tqdm

from benchmarks.reliability.fuzz_process import ERROR, FINDING, RESULT, Outcome, TargetError, Task, outcomes

PACKAGE = "benchmarks.reliability"
TARGETS = {
    "images": f"{PACKAGE}.fuzz_images:prepare",
    "arrays": f"{PACKAGE}.fuzz_arrays:prepare",
    "frames": f"{PACKAGE}.fuzz_arrays:prepare_frames",
    "detectors": f"{PACKAGE}.fuzz_arrays:prepare_detectors",
    "boxes": f"{PACKAGE}.fuzz_boxes:prepare",
    "cards": f"{PACKAGE}.fuzz_cards:prepare",
    "csv": f"{PACKAGE}.fuzz_csv:prepare",
    "arguments": f"{PACKAGE}.fuzz_arguments:prepare",
    "http": f"{PACKAGE}.fuzz_http:prepare",
}
KINDS = 12  # of errors in the table, the most frequent ones


@dataclass(slots=True)
class Tally:
    """What came of a target's cases."""

    name: str
    cases: int = 0
    results: int = 0
    findings: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def add(self, outcome: Outcome) -> None:
        self.cases += 1
        self.results += outcome.how == RESULT
        self.findings += outcome.how == FINDING
        if outcome.how == ERROR:
            self.kinds[outcome.text] += 1


def main(arguments: list[str] | None = None) -> int:
    options = _parsed(arguments)
    if options.case is not None or options.bytes is not None:
        return again(options)
    print(f"seed {options.seed}")
    if options.guided:
        options.corpus = options.corpus or Path(tempfile.mkdtemp(prefix="ferlite-corpus-"))
        options.corpus.mkdir(parents=True, exist_ok=True)
        print(f"inputs are kept in {options.corpus}")
    tallies: list[Tally] = []
    interrupted = False
    try:
        for name in options.target:
            tallies.append(Tally(name))
            fuzz(tallies[-1], options)
    except KeyboardInterrupt:  # what was found until then is worth telling
        interrupted = True
    except TargetError as error:
        sys.exit(f"error: {error}")
    print("\n".join(table(tallies)))
    return 130 if interrupted else 1 if any(tally.findings for tally in tallies) else 0


def fuzz(tally: Tally, options: argparse.Namespace) -> None:
    """Run the cases of a target, and print each new kind of finding as it comes."""
    name, known, began = tally.name, Counter[str](), time.monotonic()
    corpus = options.corpus if options.guided else None
    task = Task(TARGETS.get(name, name), options.seed, 0, options.cases, options.limit, corpus)
    with tqdm(total=options.cases, desc=name, unit=" cases", disable=None, leave=False) as bar:
        for outcome in _until(began + options.seconds, task):
            tally.add(outcome)
            tally.seconds = time.monotonic() - began
            bar.update()
            if outcome.how == FINDING:
                kind = _where(outcome.text)
                known[kind] += 1
                if known[kind] == 1:
                    choice = f"--seed {options.seed} --case {outcome.case}"
                    choice = choice if outcome.data is None else f"--bytes {outcome.data}"
                    command = f"python -m {PACKAGE}.fuzz --target {name} {choice}"
                    tqdm.write(f"FINDING in {name}, case {outcome.case}: {kind}\n  again: {command}", file=sys.stdout)
    for kind, count in known.most_common():
        print(f"{name}: {count} × {kind}")


def again(options: argparse.Namespace) -> int:
    """One case alone, and how it ended."""
    place = TARGETS.get(options.target[0], options.target[0])
    number = options.case or 0
    task = Task(place, options.seed, number, number + 1, options.limit, data=options.bytes)
    try:
        (outcome,) = outcomes(task)
    except TargetError as error:
        sys.exit(f"error: {error}")
    print(f"{options.target[0]}, case {number}: {outcome.how}\n{outcome.text}")
    return 1 if outcome.how == FINDING else 0


def table(tallies: list[Tally]) -> list[str]:
    lines = [f"{'target':<12}{'cases':>9}{'results':>9}{'errors':>9}{'findings':>9}{'cases/s':>9}"]
    for tally in tallies:
        speed = tally.cases / max(tally.seconds, 1e-9)
        errors = tally.kinds.total()
        numbers = f"{tally.cases:9,}{tally.results:9,}{errors:9,}{tally.findings:9,}{speed:9,.0f}"
        lines.append(f"{tally.name:<12}{numbers}")
        lines += [f"{'':21}{count:18,}  {kind}" for kind, count in tally.kinds.most_common(KINDS)]
        if len(tally.kinds) > KINDS:
            lines.append(f"{'':39}  and {len(tally.kinds) - KINDS} other kinds")
    return lines


def _parsed(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", nargs="+", default=list(TARGETS), metavar="NAME", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--cases", type=int, default=2000, metavar="N", help="of each target (default: 2000)")
    parser.add_argument("--seed", type=int, help="of all cases (default: another each time)")
    parser.add_argument("--seconds", type=float, default=float("inf"), metavar="T", help="for each target at most")
    parser.add_argument("--limit", type=float, default=20.0, metavar="S", help="for one case (default: 20 seconds)")
    parser.add_argument("--case", type=int, metavar="K", help="this one alone, with its traceback")
    parser.add_argument("--guided", action="store_true", help="inputs by atheris")
    parser.add_argument("--corpus", type=Path, metavar="FOLDER", help="where --guided keeps inputs, for the next time")
    parser.add_argument("--bytes", type=Path, metavar="FILE", help="the input of a finding of --guided, alone")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.target if name not in TARGETS and ":" not in name]
    if unknown:
        parser.error(f"no target {', '.join(unknown)}; there are {', '.join(TARGETS)}, or MODULE:FUNCTION")
    if (options.case is not None or options.bytes is not None) and len(options.target) != 1:
        parser.error("--case and --bytes are for one --target")
    if options.bytes is not None and not options.bytes.is_file():
        parser.error(f"{options.bytes}: no such file")
    if options.guided and find_spec("atheris") is None:
        parser.error("--guided needs atheris: pip install atheris")
    if options.seed is None:
        options.seed = random.randrange(1_000_000)
    return options


def _until(deadline: float, task: Task) -> Iterator[Outcome]:
    with closing(outcomes(task)) as running:
        for outcome in running:
            yield outcome
            if time.monotonic() > deadline:
                return


def _where(text: str) -> str:
    """The last line of a traceback and the last place in it that is of this project."""
    lines = text.splitlines()
    ours = [line.strip() for line in lines if "File " in line and ("/ferlite/" in line or "/export/" in line)]
    return " | ".join([lines[-1][:160], *ours[-1:]])


if __name__ == "__main__":
    sys.exit(main())
