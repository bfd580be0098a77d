"""Whether the tests notice when a safeguard is taken out.

    python -m benchmarks.reliability.mutations

In a copy of the project, each safeguard is broken by itself and the tests that should notice are run; a mutation that
all of them pass is a finding. That the same tests pass without it is checked first.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from benchmarks.command import run
from ferlite.errors import FerliteError

ROOT = Path(__file__).parents[2]
COPIED = ("ferlite", "export", "benchmarks", "models", "tests", "pyproject.toml", "setup.cfg")
LIMIT = 180.0  # seconds for the tests of one mutation; a test that hangs has noticed


class Mutation(NamedTuple):
    safeguard: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]


MUTATIONS = (
    Mutation(
        "the checksum of a model",
        "ferlite/cards.py",
        "if actual != card.sha256:",
        "if not actual:",
        ("tests/test_cards.py",),
    ),
    Mutation(
        "the timeout of a silent camera",
        "ferlite/capture/live.py",
        "return self._newest.take(self.timeout)",
        "return self._newest.take(3600)",
        ("tests/capture/test_live.py",),
    ),
    Mutation(
        "the bounds of a crop",
        "ferlite/images.py",
        "x0, x1 = max(left, 0), min(left + side, width)",
        "x0, x1 = left, left + side",
        ("tests/test_images.py",),
    ),
    Mutation(
        "the newest frame in the place of the last one",
        "ferlite/handover.py",
        "            self._item = item\n",
        "            self._item = item if self._item is None else self._item\n",
        ("tests/test_handover.py",),
    ),
    Mutation(
        "the name a download takes only when it is whole",
        "ferlite/downloads.py",
        'part = place.with_name(f"{place.name}.part")',
        "part = place",
        ("tests/test_downloads.py",),
    ),
)


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    missed = []
    with tempfile.TemporaryDirectory(prefix="ferlite-mutations-") as folder:
        copy = Path(folder)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy / name)
        for mutation in MUTATIONS:
            whole = tested(copy, mutation.tests)
            if whole is not None:
                raise FerliteError(f"{', '.join(mutation.tests)} fail without a mutation: {whole}")
            mutate(copy, mutation)
            noticed = tested(copy, mutation.tests)
            shutil.copy(ROOT / mutation.file, copy / mutation.file)
            print(f"{mutation.safeguard}: {noticed or 'NOT NOTICED'}", flush=True)
            if noticed is None:
                missed.append(mutation.safeguard)
    if missed:
        raise FerliteError(f"no test notices when these are taken out: {', '.join(missed)}")
    print(f"all {len(MUTATIONS)} were noticed")


def mutate(root: Path, mutation: Mutation) -> None:
    """Break the safeguard. Raises FerliteError where the code has changed since."""
    path = root / mutation.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutation.before) != 1:
        raise FerliteError(
            f"{mutation.file} has {mutation.before.strip()!r} {text.count(mutation.before)} times, not once"
        )
    path.write_text(text.replace(mutation.before, mutation.after), encoding="utf-8")


def tested(root: Path, tests: tuple[str, ...]) -> str | None:
    """Which test fails first, in words; None where all pass."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    environment = os.environ | {"PYTHONPATH": str(root), "FERLITE_TEST_DATA": str(ROOT.parent / "shared")}
    try:
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return f"a test hangs for {LIMIT:g} s"
    if done.returncode == 0:
        return None
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0] if failed else f"pytest ended with {done.returncode}: {done.stdout[-300:]}"


if __name__ == "__main__":
    run(main)
