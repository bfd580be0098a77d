"""Getting the data: FER-2013 by Kaggle's own client, the FER+ votes from their repository.

FER-2013 needs an account at Kaggle, its credentials on this computer, and the competition's rules accepted on the web
site. Files take their names only when they are complete and checked; nothing half-written is left, whatever happens.
"""

import contextlib
import gzip
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

from export.errors import DatasetError
from ferlite import downloads
from ferlite.cards import sha256
from ferlite.downloads import Download
from ferlite.errors import DownloadError, OutputError

COMPETITION = "challenges-in-representation-learning-facial-expression-recognition-challenge"
ARCHIVE = "fer2013.tar.gz"  # what of the competition is fetched
PICTURES = "fer2013.csv"  # what of the archive is kept
VOTES = Download(
    name="ferplus",
    file="fer2013new.csv",
    url="https://raw.githubusercontent.com/microsoft/FERPlus/master/fer2013new.csv",
    sha256="9206e20d62f56475939f516847d61753e4860caeac9718b560129541b776fc2c",
    size=1_602_762,
    license="MIT",
    about="the FER+ votes (https://github.com/microsoft/FERPlus)",
)
COUNTS: Mapping[str, tuple[int, ...]] = {
    "Training": (3995, 436, 4097, 7215, 4830, 3171, 4965),
    "PublicTest": (467, 56, 496, 895, 653, 415, 607),
    "PrivateTest": (491, 55, 528, 879, 594, 416, 626),
}
"""The published numbers of pictures by split and label, in the order of the codes 0…6."""

SPACE = 450_000_000  # bytes: the archive has about 90 MB, the file in it 301 MB
PATIENCE = 60.0  # seconds without a byte from Kaggle

_PAGE = "https://www.kaggle.com/competitions/"


def fetch(
    folder: Path,
    what: Sequence[str] = ("fer2013", "ferplus"),
    *,
    competition: str = COMPETITION,
    archive: str = ARCHIVE,
    counts: Mapping[str, tuple[int, ...]] = COUNTS,
    votes: Download = VOTES,
    patience: float = PATIENCE,
) -> dict[str, Path]:
    """Put `fer2013.csv` and `fer2013new.csv` into `folder`, unless they are there already; returns where each lies.

    Raises DownloadError where a file cannot be had, OutputError where it cannot be written, and DatasetError where what
    came, or lies there under its name, is something else. The votes have to have their checksum. For `fer2013.csv`
    there is none to rely on, so it is counted through: pixels of every row, and rows by Usage and label.
    """
    folder = Path(folder)
    fetchers: dict[str, Callable[[], Path]] = {
        "fer2013": lambda: _fer2013(folder, competition, archive, counts, patience),
        "ferplus": lambda: _ferplus(folder, votes),
    }
    unknown = [name for name in what if name not in fetchers]
    if unknown:
        raise DatasetError(f"nothing to fetch by the name {', '.join(unknown)}; there are {', '.join(fetchers)}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return {name: fetchers[name]() for name in what}
    except (DownloadError, OutputError):
        raise
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror or error}") from error


def _fer2013(
    folder: Path, competition: str, archive: str, counts: Mapping[str, tuple[int, ...]], patience: float
) -> Path:
    place = folder / PICTURES
    if _is_there(place, lambda: _fault(place, counts)):
        return place
    free = shutil.disk_usage(folder).free
    if free < SPACE:
        raise OutputError(f"{folder}: {free / 1e6:,.0f} MB are free there, {SPACE / 1e6:,.0f} MB are needed")
    with _beside(place) as staging:
        _ask_kaggle(competition, archive, staging, patience)
        unpacked = staging / PICTURES
        _unpack(staging / archive, unpacked)
        fault = _fault(unpacked, counts)
        if fault is not None:
            raise DatasetError(f"{archive} of {_PAGE}{competition} has another {PICTURES} than expected: {fault}")
        unpacked.replace(place)
    return place


def _ferplus(folder: Path, votes: Download) -> Path:
    place = folder / votes.file
    if _is_there(place, lambda: None if sha256(place) == votes.sha256 else "it has another checksum"):
        return place
    with (
        _beside(place) as staging,
        tqdm(total=votes.size, desc=votes.file, unit="B", unit_scale=True, disable=None, leave=False) as bar,
    ):
        downloads.fetch(votes, staging / votes.file, lambda done, _: bar.update(done - bar.n))
        (staging / votes.file).replace(place)
    return place


def _is_there(place: Path, fault: Callable[[], str | None]) -> bool:
    """Whether the right file is there; a wrong one is not ours to replace."""
    if not place.exists():
        return False
    found = fault()
    if found is not None:
        raise DatasetError(f"{place}: not the file expected: {found}; move it away, or choose another folder")
    return True


@contextlib.contextmanager
def _beside(place: Path) -> Iterator[Path]:
    """A folder beside `place` for what is not complete yet; gone afterwards."""
    staging = place.with_name(f"partial-{place.name}")
    shutil.rmtree(staging, ignore_errors=True)  # of a process that was killed
    staging.mkdir()
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _ask_kaggle(competition: str, archive: str, staging: Path, patience: float) -> None:
    """Have Kaggle's client fetch the archive into `staging`, and see to it that it gets on."""
    root = str(Path(__file__).parents[2])  # where `export` is found, whatever the working folder
    quiet = "loud" if sys.stderr.isatty() else "quiet"
    command = [sys.executable, "-W", "ignore", "-m", "export.datasets.kaggle_client"]
    with subprocess.Popen(
        [*command, competition, archive, str(staging), quiet],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))},
    ) as client:
        try:
            if not _gets_on(client, staging, patience):
                advice = f"fetch again later{_by_hand(competition)}"
                raise DownloadError(f"{archive}: Kaggle has sent nothing for {patience:g} s; {advice}")
            answer = client.communicate()[0]
        finally:
            client.kill()
    try:
        outcome = json.loads(answer)
    except ValueError:
        raise DownloadError(f"{archive}: Kaggle's client ended without a word, code {client.returncode}") from None
    if outcome["problem"] is not None:
        raise DownloadError(f"{archive} cannot be fetched from Kaggle: {_advice(outcome, competition)}")


def _gets_on(client: subprocess.Popen, staging: Path, patience: float) -> bool:
    """Wait until the client has ended; False as soon as nothing has come for too long."""
    size, since = 0, time.monotonic()
    while time.monotonic() - since < patience:
        with contextlib.suppress(subprocess.TimeoutExpired):
            client.wait(0.2)
            return True
        with contextlib.suppress(FileNotFoundError):  # the client removes files of its own
            now = sum(path.stat().st_size for path in staging.iterdir())
            if now != size:
                size, since = now, time.monotonic()
    return False


def _advice(outcome: dict, competition: str) -> str:
    """What went wrong and what to do about it, in one sentence."""
    page = f"{_PAGE}{competition}"
    status, reason = outcome["status"], outcome["reason"]
    if outcome["problem"] == "missing":
        return "its client is not installed; pip install kaggle"
    if outcome["problem"] == "credentials":
        return (
            "no credentials, or none that are valid; make a token at https://www.kaggle.com/settings and put it into "
            "the variable KAGGLE_API_TOKEN or the file ~/.kaggle/access_token (an older kaggle.json goes to "
            f"~/.kaggle/kaggle.json), and accept the competition's rules at {page}/rules"
        )
    if status == 401:
        return f"the credentials are refused ({reason}); make a new token at https://www.kaggle.com/settings"
    if status == 403:
        return (
            f"not allowed ({reason}); log in, accept the competition's rules at {page}/rules (Kaggle may ask to verify "
            "a phone number first), and fetch again"
        )
    if status == 404:
        return f"there is no such file ({reason}){_by_hand(competition)}"
    if status is not None:
        return f"the server answers {status} ({reason}); fetch again later{_by_hand(competition)}"
    if outcome["problem"] == "network":
        return f"no connection ({reason}); fetch again later{_by_hand(competition)}"
    return f"{reason}{_by_hand(competition)}"


def _by_hand(competition: str) -> str:
    return f", or by a browser from {_PAGE}{competition}/data"


def _unpack(archive: Path, place: Path) -> None:
    """Write the file of the name of `place` out of a .tar.gz."""
    try:
        with gzip.open(archive) as stream, tarfile.open(fileobj=stream) as opened:
            source = next((member for member in opened if Path(member.name).name == place.name), None)
            if source is None:
                raise DatasetError(f"{archive.name} from Kaggle has no {place.name} inside")
            with place.open("wb") as target:
                shutil.copyfileobj(opened.extractfile(source), target, 1 << 20)
            while stream.read(1 << 20):  # up to the checksum at the end
                pass
    except FileNotFoundError:
        raise DatasetError(f"Kaggle's client has put {archive.name} elsewhere than it was asked to") from None
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DatasetError(f"{archive.name} from Kaggle is damaged ({error}); fetch again") from error


def _fault(path: Path, counts: Mapping[str, tuple[int, ...]]) -> str | None:
    """What is wrong with a `fer2013.csv`: its columns, the pixels of a row, or the rows by Usage and label."""
    found = {usage: [0] * len(of_label) for usage, of_label in counts.items()}
    with path.open("rb") as lines:
        header = next(lines, b"").strip()
        if header != b"emotion,pixels,Usage":
            return f"row 1 is {header[:60].decode(errors='replace')!r} instead of 'emotion,pixels,Usage'"
        for number, line in enumerate(lines, start=2):
            code, _, rest = line.strip().partition(b",")
            pixels, _, usage = rest.rpartition(b",")
            mine = found.get(usage.decode(errors="replace"))
            if mine is None or not code.isdigit() or int(code) >= len(mine) or pixels.count(b" ") != 48 * 48 - 1:
                return f"row {number} is no picture: {line.strip()[:40].decode(errors='replace')!r}"
            mine[int(code)] += 1
    for usage, expected in counts.items():
        if tuple(found[usage]) != expected:
            return f"{found[usage]} rows by label with Usage {usage} instead of {list(expected)}"
    return None
