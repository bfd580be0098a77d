"""A running ferlite in a process of its own, and what has to be left of it at its end."""

import csv
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2

LIMIT = 60.0  # seconds in which anything has to end
MOMENT = 5.0  # seconds that a child has after its parent


class FindingError(Exception):
    """What must not happen has happened."""


class Child:
    """`ferlite run` on a stream, with all its outputs."""

    def __init__(
        self,
        folder: Path,
        url: str,
        jsonl: str | None = None,
        frames: int | None = None,
        timeout: float = 10.0,
        largest: int | None = None,
    ) -> None:
        self.folder = folder
        self.jsonl = folder / "faces.jsonl" if jsonl is None else Path(jsonl)
        command = [sys.executable, "-m", "ferlite", "run", url, "--timeout", f"{timeout:g}", "--jsonl", str(self.jsonl)]
        command += ["--csv", str(folder / "faces.csv"), "--output", str(folder / "faces.mkv")]
        if frames is not None:
            command += ["--frames", str(frames)]

        def prepare() -> None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored where a script has us in the background
            if largest is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))

        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE if jsonl == "-" else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=environment(folder),
            preexec_fn=prepare,
        )

    def lines(self) -> int:
        return self.jsonl.read_text().count("\n") if self.jsonl.exists() else 0

    def wait_for_lines(self, count: int) -> None:
        end = time.monotonic() + LIMIT
        while self.lines() < count:
            if self.process.poll() is not None:
                _, err = self.process.communicate()
                raise FindingError(f"ended by itself with {self.process.returncode}: {err.strip()[-500:]}")
            if time.monotonic() > end:
                self.process.kill()
                raise FindingError(f"only {self.lines()} of {count} results in {LIMIT:g} s")
            time.sleep(0.02)

    def stop(self, how: signal.Signals, started: bool = True) -> None:
        self.process.send_signal(how)
        _, err = finish(self.process)
        expected = {signal.SIGINT: [130], signal.SIGTERM: [143], signal.SIGKILL: [-signal.SIGKILL]}[how]
        if not started:  # before its own handlers are there
            expected = [*expected, -how]
        if self.process.returncode not in expected or ("Traceback" in err and started):
            raise FindingError(f"{how.name} ended it with {self.process.returncode}: {err.strip()[-800:]}")
        check_no_child(self.process.pid)

    def wait(self, code: int, *texts: str) -> None:
        """For the end by itself; one of the texts has to be in what it says."""
        _, err = finish(self.process)
        if self.process.returncode != code or "Traceback" in err or (texts and not any(text in err for text in texts)):
            raise FindingError(f"ended with {self.process.returncode}, not {code}: {err.strip()[-800:]}")
        check_no_child(self.process.pid)

    def check_files(self, killed: bool, video: bool = True) -> None:
        """What was written is whole; after a kill the last line may be cut."""
        text = self.jsonl.read_text() if self.jsonl.exists() else ""
        whole, _, rest = text.rpartition("\n")
        if rest and not killed:
            raise FindingError(f"{self.jsonl.name} ends with half a line: {rest[-80:]!r}")
        try:
            numbers = [json.loads(line)["seq"] for line in whole.splitlines()]
        except (ValueError, KeyError) as error:
            raise FindingError(f"{self.jsonl.name} has a bad line: {error}") from error
        if numbers != sorted(set(numbers)):
            raise FindingError(f"{self.jsonl.name} is not in order: {numbers}")
        table = self.folder / "faces.csv"
        rows = list(csv.reader(table.read_text().rpartition("\n")[0].splitlines())) if table.exists() else []
        if len({len(row) for row in rows}) > 1:
            raise FindingError(f"{table.name} has rows of {sorted({len(row) for row in rows})} fields")
        if video and not killed and numbers:
            clip = cv2.VideoCapture(str(self.folder / "faces.mkv"))
            playable = clip.read()[0]
            clip.release()
            if not playable:
                raise FindingError("the video does not play")
        kept = self.folder / "cache" / "engines.json"
        if kept.exists():
            try:
                json.loads(kept.read_text())
            except ValueError as error:
                raise FindingError(f"the cache is damaged: {error}") from error


def finish(process: "subprocess.Popen[str]") -> tuple[str, str]:
    """What it wrote, once it has ended by itself."""
    try:
        out, err = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGABRT)  # faulthandler says where every thread is
        _, err = process.communicate()
        raise FindingError(f"did not end within {LIMIT:g} s:\n{(err or '')[-4000:]}") from None
    return out or "", err or ""


def check_no_child(session: int) -> None:
    """No process of the ended child's session may be alive; those it started get a moment to go."""
    end = time.monotonic() + MOMENT
    while left := [pid for pid in _processes() if _session(pid) == session]:
        if time.monotonic() > end:
            os.killpg(session, signal.SIGKILL)
            raise FindingError(f"processes are left: {left}")
        time.sleep(0.05)


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]


def _session(pid: int) -> int | None:
    try:
        state, _, _, session = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:4]
    except OSError:  # it has gone
        return None
    return None if state == "Z" else int(session)


def environment(folder: Path) -> dict[str, str]:
    root = str(Path(__file__).parents[2])
    return os.environ | {"FERLITE_CACHE": str(folder / "cache"), "PYTHONPATH": root, "PYTHONFAULTHANDLER": "1"}
