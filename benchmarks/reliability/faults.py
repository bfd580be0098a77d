"""Everything that goes wrong around a running ferlite, in random order.

    python -m benchmarks.reliability.faults --rounds 100 --seed 1

Each round starts ferlite in a process of its own, lets things go wrong and looks at what is left: nothing may hang, no
thread or child may stay, every whole line of JSON Lines and CSV has to be valid, finished videos have to play, and what
lies in the cache has to be whole. The printed seed and the number of a round make it again: `--round 17`.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import cv2
from tqdm import tqdm

from benchmarks.command import print_machine, run
from benchmarks.mjpeg import MjpegServer
from benchmarks.reliability.running import Child, FindingError, check_no_child, environment, finish
from ferlite import cards, demo
from ferlite.errors import FerliteError, SettingError

FPS = 30.0
NUMBERED = 30  # pictures of the stream, which come again


Scenario = Callable[[random.Random, Path], str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100, help="(default: 100)")
    parser.add_argument("--seed", type=int, help="of the order and of all that is random (default: another each time)")
    parser.add_argument("--round", type=int, metavar="K", help="only this one")
    parser.add_argument("--only", nargs="+", choices=SCENARIOS, default=list(SCENARIOS), help="(default: all)")
    options = parser.parse_args()
    if options.rounds < 1:
        raise SettingError(f"{options.rounds} rounds; at least 1 is needed")
    print_machine()
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    print(f"seed {seed}")
    chosen = range(options.rounds) if options.round is None else range(options.round, options.round + 1)
    done: Counter[str] = Counter()
    findings = []
    for number in tqdm(chosen, unit="round", disable=None):
        name, found = play(seed, number, options.only)
        done[name] += 1
        if found.startswith("FINDING"):
            findings.append(f"round {number}, {name}: {found}")
        tqdm.write(f"{number:5d}  {name:9} {found}")
    print(f"{sum(done.values())} rounds: {', '.join(f'{name} {count}' for name, count in sorted(done.items()))}")
    if findings:
        raise FerliteError(f"{len(findings)} findings with seed {seed}:\n" + "\n".join(findings))
    print("nothing hung, nothing was left, everything written was whole")


def play(seed: int, number: int, names: list[str]) -> tuple[str, str]:
    """One round: the name of its scenario, and what happened in words."""
    rng = random.Random(f"{seed}:{number}")
    name = rng.choice(names)
    with tempfile.TemporaryDirectory(prefix="ferlite-faults-") as folder:
        try:
            return name, SCENARIOS[name](rng, Path(folder))
        except FindingError as finding:
            return name, f"FINDING: {finding}"


def stream(rng: random.Random, folder: Path) -> str:
    """A network camera that fails in several ways; then the program is stopped in one of three."""
    with _camera() as server:
        child = Child(folder, server.url, timeout=20)
        child.wait_for_lines(3)
        faults = [rng.choice(list(FAULTS)) for _ in range(rng.randint(1, 3))]
        for fault in faults:
            FAULTS[fault](server, rng)
        child.wait_for_lines(child.lines() + 5)  # it has found the stream again
        how = rng.choice([signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
        child.stop(how)
        child.check_files(killed=how == signal.SIGKILL)
    return f"{', '.join(faults)}; {how.name} after {child.lines()} frames"


def start(rng: random.Random, folder: Path) -> str:
    """Stopped at a random moment of its start, with an empty cache; what is left has to serve the next start."""
    with _camera() as server:
        child = Child(folder, server.url)
        after = rng.uniform(0.05, 1.5)
        time.sleep(after)
        how = rng.choice([signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
        child.stop(how, started=False)
        child.check_files(killed=True)  # there may have been no time for a header
        again = Child(folder, server.url, frames=3)
        again.wait(0)
        again.check_files(killed=False)
    return f"{how.name} after {after:.2f} s, then a start from what was left"


def sink(rng: random.Random, folder: Path) -> str:
    """A disk that is full, a limit, a pipe that is closed, or a folder that is missing or cannot be written to."""
    kind = rng.choice(["full disk", "size limit", "closed pipe", "no folder", "read-only folder"])
    with _camera() as server:
        if kind == "full disk":
            with _disk(folder, f"size={rng.randint(16, 200)}k") as disk:
                child = Child(disk or folder, server.url, jsonl=None if disk else "/dev/full")
                child.wait(1, "No space left on device", "MB left on the disk", "playable")
                child.check_files(killed=False, video=False)
        elif kind == "read-only folder":
            with _disk(folder, "ro") as disk:
                if disk is None:  # such a limit holds for all but root, who can mount
                    folder.chmod(0o555)
                child = Child(disk or folder, server.url)
                child.wait(1, "cannot be written: Read-only file system", "cannot be written: Permission denied")
            folder.chmod(0o755)
        elif kind == "size limit":
            child = Child(folder, server.url, largest=rng.randint(2_000, 60_000))
            child.wait(1, "File too large", "writing stopped", "playable")
            child.check_files(killed=False, video=False)
        elif kind == "closed pipe":
            child = Child(folder, server.url, jsonl="-")
            assert child.process.stdout is not None
            for _ in range(rng.randint(1, 5)):
                child.process.stdout.readline()
            child.process.stdout.close()
            child.wait(0)
        else:
            child = Child(folder, server.url, jsonl="/proc/faces.jsonl")
            child.wait(1, "cannot be written", "No such file")
    return kind


def consumer(rng: random.Random, folder: Path) -> str:
    """A program of the user's that raises, blocks, leaves early, or closes from another thread."""
    how = rng.choice(["raises", "blocks", "leaves", "closes", "abandons"])
    with _camera() as server:
        command = [sys.executable, "-c", _CONSUMER, how, server.url, str(rng.randint(1, 15))]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=environment(folder),
        )
        out, err = finish(process)
    if process.returncode or out.strip() != "nothing left":
        raise FindingError(f"a consumer that {how} ended with {process.returncode}: {out.strip()} {err.strip()[-500:]}")
    check_no_child(process.pid)
    return how


def cache(rng: random.Random, folder: Path) -> str:
    """A download that is killed at a random moment; the next one goes on, and the file is whole."""
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    from ferlite import downloads

    known = downloads.DOWNLOADS["yunet"]
    content = Path(os.environ.get("FERLITE_YUNET", "")).read_bytes() if "FERLITE_YUNET" in os.environ else None

    class Slow(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(known.size))
            self.end_headers()
            with suppress(OSError):  # the client was killed
                for place in range(0, known.size, 8192):
                    self.wfile.write((content or bytes(known.size))[place : place + 8192])
                    time.sleep(0.005)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/yunet.onnx"
        command = [sys.executable, "-m", "ferlite", "models", "pull", "yunet", "--url", url]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True, env=environment(folder))
        after = rng.uniform(0.1, 0.8)
        time.sleep(after)
        process.kill()
        process.communicate()
        again = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, start_new_session=True, env=environment(folder)
        )
        _, err = finish(again)
    finally:
        server.shutdown()
        server.server_close()
    place = folder / "cache" / known.file
    if content is None:
        if again.returncode != 1 or "wrong checksum" not in err or place.exists():
            raise FindingError(f"zeros in the place of the file: code {again.returncode}, {err.strip()[-300:]}")
        return f"killed after {after:.2f} s; then a file of zeros was refused"
    if again.returncode or cards.sha256(place) != known.sha256:
        raise FindingError(f"after a kill the file was not fetched: code {again.returncode}, {err.strip()[-300:]}")
    return f"killed after {after:.2f} s, then fetched whole"


SCENARIOS: dict[str, Scenario] = {"stream": stream, "start": start, "sink": sink, "consumer": consumer, "cache": cache}


def _kill_server(server: MjpegServer, rng: random.Random) -> None:
    server.kill()
    time.sleep(rng.uniform(0.0, 1.0))
    server.start()


def _stall(server: MjpegServer, rng: random.Random) -> None:
    server.stalled = True
    time.sleep(rng.choice([0.5, 2.0, 6.0]))  # the last is longer than ferlite waits on one connection
    server.stalled = False


def _slow(server: MjpegServer, rng: random.Random) -> None:
    server.pause = 1.0
    time.sleep(2.5)
    server.pause = 0.0


def _spoil(change: Callable[[bytes, random.Random], bytes]) -> Callable[[MjpegServer, random.Random], None]:
    def fault(server: MjpegServer, rng: random.Random) -> None:
        server.spoil = lambda part: change(part, rng)
        time.sleep(rng.uniform(0.3, 1.5))
        server.spoil = bytes

    return fault


def _other_size(server: MjpegServer, rng: random.Random) -> None:
    before = server.picture
    size = rng.choice([(160, 120), (640, 480), (33, 71)])
    other = _jpeg(0, size)
    server.picture = lambda _: other
    time.sleep(rng.uniform(0.2, 1.0))
    server.picture = before


FAULTS: dict[str, Callable[[MjpegServer, random.Random], None]] = {
    "killed and restarted": _kill_server,
    "stalled": _stall,
    "slowed to 1 fps": _slow,
    "half frames": _spoil(lambda part, rng: part[: rng.randint(0, len(part))]),
    "garbage": _spoil(lambda part, rng: rng.randbytes(rng.randint(0, 5000)) + part),
    "flipped bytes": _spoil(
        lambda part, rng: bytes(b ^ rng.getrandbits(8) if rng.random() < 0.01 else b for b in part)
    ),
    "another size": _other_size,
}


@contextmanager
def _disk(folder: Path, option: str) -> Iterator[Path | None]:
    """A small disk in the memory, mounted with that option; None for who may not mount."""
    disk = folder / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", option, "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    try:
        yield disk if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", str(disk)], check=True)


def _camera() -> MjpegServer:
    pictures = [_jpeg(number) for number in range(NUMBERED)]
    return MjpegServer(lambda number: pictures[number % NUMBERED], FPS)


def _jpeg(number: int, size: tuple[int, int] = (320, 240)) -> bytes:
    picture = demo.moving_picture(demo.portrait(), number / FPS)
    return bytes(cv2.imencode(".jpg", cv2.resize(picture, size))[1].tobytes())


_CONSUMER = """
import sys, threading, time
import ferlite
how, url, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
class Mine(Exception): pass
def consume(pipeline):
    for number, result in enumerate(pipeline, start=1):
        if number == count:
            if how == "raises": raise Mine
            if how == "blocks": time.sleep(2)
            if how == "closes": threading.Thread(target=pipeline.close).start()
            if how in ("leaves", "abandons"): return
        if number == count + 5: return
if how == "abandons":  # no `with`, no close: the garbage collector and the end of the process have to do
    pipeline = ferlite.Pipeline(url)
    consume(pipeline)
    print("nothing left")
    sys.exit()
try:
    with ferlite.Pipeline(url) as pipeline:
        consume(pipeline)
except Mine:
    pass
time.sleep(0.05)
left = [thread.name for thread in threading.enumerate() if thread.name.startswith("ferlite")]
print("nothing left" if not left else left)
"""


if __name__ == "__main__":
    run(main)
