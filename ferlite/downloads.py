"""Files that ferlite can use but does not bundle: which there are, where they lie, and how they are fetched.

Nothing is fetched unless `pull` is called. What it fetches takes its final name only after its checksum has been found
right; until then it lies beside it as `.part`, which a later `pull` continues.
"""

import contextlib
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage, HTTPResponse, InvalidURL
from pathlib import Path
from typing import IO, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from ferlite import __version__, cache
from ferlite.cards import sha256
from ferlite.errors import DownloadError, FerliteError, ModelError, OutputError, SettingError

if sys.platform != "win32":
    import fcntl

TIMEOUT = 15.0  # seconds without a byte until a connection counts as dead
PAUSES = (1.0, 2.0, 4.0)  # seconds between the tries
CHUNK = 1 << 16  # bytes


@dataclass(frozen=True, slots=True)
class Download:
    """A file that can be fetched. `sha256` in hex digits, `size` in bytes; `about` says in one line what it is."""

    name: str
    file: str
    url: str
    sha256: str
    size: int
    license: str
    about: str


DOWNLOADS = {
    "yunet": Download(
        name="yunet",
        file="face_detection_yunet_2023mar.onnx",
        url="https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models/face_detection_yunet/"
        "face_detection_yunet_2023mar.onnx",
        sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
        size=232_589,
        license="MIT",
        about="YuNet, the face detector of OpenCV's model zoo (https://github.com/opencv/opencv_zoo)",
    ),
}


def path(name: str) -> Path:
    """Where a download lies, its checksum verified.

    Raises SettingError for a name that does not exist, ModelError for a file that was not pulled or is damaged.
    """
    download = _known(name)
    place = cache.folder() / download.file
    advice = f"`ferlite models pull {name}` fetches it"
    try:
        actual = sha256(place)
    except FileNotFoundError:
        raise ModelError(f"{place}: no such file; {advice}, or give the path of a file you have") from None
    except OSError as error:
        raise ModelError(f"{place}: cannot be read: {error.strerror}") from error
    if actual != download.sha256:
        raise ModelError(f"{place}: damaged: {_difference(actual, download)}; {advice} again")
    return place


def pull(name: str, url: str | None = None, progress: Callable[[int, int], None] | None = None) -> Path:
    """Fetch a download, from `url` instead of its own address if given, unless it is there already.

    `progress` is called with the bytes that are there and those of the whole file. An earlier attempt that was cut off
    is continued; of two processes at once, one waits for the other. Raises SettingError for an unknown name or a `url`
    that is neither https nor on this computer, DownloadError where the file cannot be fetched, OutputError where it
    cannot be written.
    """
    download = _known(name)
    address = download.url if url is None else url
    if not _is_safe(address):
        raise SettingError(f"{address}: only https:// addresses are fetched from, or http:// on this computer")
    place = cache.folder() / download.file
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with _alone_in(place.parent):
            with contextlib.suppress(ModelError):
                return path(name)
            _fetch(download, address, place, progress)
    except (FerliteError, BrokenPipeError):  # a broken pipe is that of `progress`
        raise
    except OSError as error:
        raise OutputError(f"{place}: cannot be written: {error.strerror}; FERLITE_CACHE sets the folder") from error
    return place


def fetch(download: Download, place: Path, progress: Callable[[int, int], None] | None = None) -> None:
    """Fetch to `place` a download that is none of DOWNLOADS. Raises what `pull` does, and OSError."""
    if not _is_safe(download.url):
        raise SettingError(f"{download.url}: only https:// addresses are fetched from, or http:// on this computer")
    _fetch(download, download.url, place, progress)


class _TryError(Exception):
    """Why one try failed; `passing` where another one may do better."""

    def __init__(self, reason: object, passing: bool) -> None:
        super().__init__(reason)
        self.passing = passing


class _SafeRedirects(HTTPRedirectHandler):
    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        fp.close()  # or its body would be read to the end, however long
        if not _is_safe(newurl):
            raise HTTPError(newurl, code, f"and points to {newurl}, which is not https", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _known(name: str) -> Download:
    if name not in DOWNLOADS:
        raise SettingError(f"{name}: no download of that name (there are: {', '.join(DOWNLOADS)})")
    return DOWNLOADS[name]


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1"))


def _difference(actual: str, download: Download) -> str:
    return f"wrong checksum: sha256 {actual[:12]}…, expected {download.sha256[:12]}…"


@contextlib.contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """Wait until no other process fetches into this directory, and keep others waiting; a killed one keeps nobody."""
    if sys.platform == "win32":
        yield
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network drives lock no directories: then the checksum has to do
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _fetch(download: Download, url: str, place: Path, progress: Callable[[int, int], None] | None) -> None:
    part = place.with_name(f"{place.name}.part")
    for _ in range(2):  # what was there of an earlier attempt may be to blame: once more, from zero
        _complete(download, url, part, progress)
        actual = sha256(part)
        if actual == download.sha256:
            part.replace(place)
            return
        part.unlink()
    raise DownloadError(_refusal(download, url, _difference(actual, download)))


def _complete(download: Download, url: str, part: Path, progress: Callable[[int, int], None] | None) -> None:
    """Bring `part` to its full size, in as many tries as there are pauses and one more."""
    for pause in (*PAUSES, None):
        try:
            return _receive(download, url, part, progress)
        except _TryError as error:
            if pause is None or not error.passing:
                raise DownloadError(_refusal(download, url, str(error))) from error
        time.sleep(pause)


def _receive(download: Download, url: str, part: Path, progress: Callable[[int, int], None] | None) -> None:
    """Ask once for what `part` lacks and append it, piece by piece: what came is kept whatever happens."""
    with part.open("ab") as file:
        done = file.tell()
        if done >= download.size:
            return  # too long is wrong as well, and the checksum says so
        with _ask(url, done) as response:
            if response.status != 206:
                if response.length not in (None, download.size):
                    reason = f"the server has {response.length:,} bytes there, the file {download.size:,}"
                    raise _TryError(f"{reason}: a log-in page, or another file", passing=False)
                done = 0
                file.truncate(0)
            while done < download.size:
                with _network():
                    chunk = response.read1(min(CHUNK, download.size - done))
                if not chunk:
                    raise _TryError(f"it ended after {done:,} of {download.size:,} bytes", passing=True)
                file.write(chunk)
                file.flush()
                done += len(chunk)
                if progress is not None:
                    progress(done, download.size)
        os.fsync(file.fileno())


def _ask(url: str, start: int) -> HTTPResponse:
    """The server's answer: status 206 from byte `start` on, any other from the beginning."""
    headers = {"User-Agent": f"ferlite/{__version__}"}
    if start:
        headers["Range"] = f"bytes={start}-"
    with _network():
        try:
            return cast(HTTPResponse, build_opener(_SafeRedirects).open(Request(url, headers=headers), timeout=TIMEOUT))
        except HTTPError as error:
            if error.code != 416 or not start:
                raise
            error.close()
    return _ask(url, 0)


@contextlib.contextmanager
def _network() -> Iterator[None]:
    """Whatever goes wrong with the connection, as a _TryError."""
    try:
        yield
    except HTTPError as error:
        error.close()
        passing = error.code >= 500 or error.code in (408, 429)
        reason = " ".join(str(error.reason).split())  # urllib's own has several lines where redirects go in a circle
        raise _TryError(f"the server answers {error.code} {reason}", passing) from error
    except (OSError, HTTPException, ValueError) as error:
        cause = error.reason if isinstance(error, URLError) else error
        # no such host, nobody listening, no valid certificate (a ValueError), no valid address: waiting does not help
        lasting = isinstance(cause, socket.gaierror | ConnectionRefusedError | InvalidURL | ValueError)
        raise _TryError(getattr(cause, "strerror", None) or cause, not lasting) from error


def _refusal(download: Download, url: str, reason: str) -> str:
    return (
        f"{download.file} cannot be fetched from {url}: {reason}; try again later, or fetch the file elsewhere "
        "and give its path"
    )
