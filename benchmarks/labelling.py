"""What `ferlite label` withstands and costs: kills at random moments, very many pictures, a Ray cluster.

    python -m benchmarks.labelling kills --kills 50
    python -m benchmarks.labelling many --count 200000
    python -m benchmarks.labelling cluster --source FOLDER --rounds 3
    python -m benchmarks.labelling nodes

`kills` kills it with SIGKILL, again and again, and compares each table that comes out with the one of an undisturbed
run. `many` gives pictures a second and the memory of all its processes. `cluster` labels the pictures of a folder, and
a quarter of them, by two local Ray nodes of a processor each and by two processes in turn, and compares rows and cost;
`nodes` only starts these nodes, prints their addresses and ends when its input does. The last two need the extra `ray`,
the others `label`.
"""

import argparse
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from statistics import median

import cv2
import numpy as np

from benchmarks.command import print_machine, run
from ferlite import demo

TICK = os.sysconf("SC_CLK_TCK")
SIZE = 64, 75  # pixels: what is measured is not the reading of pictures
MOMENT = 10.0  # seconds in which workers have to be gone after their parent
# Ray's own patience, in seconds and milliseconds, is too short for a machine that has other work
PATIENT = {
    "RAY_raylet_start_wait_time_s": "300",
    "RAY_agent_register_timeout_ms": "300000",
    "RAY_worker_register_timeout_seconds": "300",
    "RAY_gcs_server_request_timeout_seconds": "300",
    "RAY_gcs_rpc_server_connect_timeout_s": "100",
    "RAY_USAGE_STATS_ENABLED": "0",
}
PORTS = ("metrics_agent_port", "metrics_export_port", "runtime_env_agent_port", "dashboard_agent_listen_port")


class Watched:
    """Processor seconds and memory of some processes and all that they start, sampled five times a second."""

    def __init__(self, *roots: int) -> None:
        self._roots = set(roots)
        self._spent: dict[tuple[int, int], float] = {}
        self._before: float | None = None
        self.most_memory = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Watched":
        self._sample()
        self._before = sum(self._spent.values())
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def alive(self) -> bool:
        """Whether any of the processes that were seen is still there."""
        now = {(pid, born) for pid, (_, born, _) in _processes()}
        return not now.isdisjoint(self._spent)

    @property
    def cpu(self) -> float:
        return sum(self._spent.values()) - (self._before or 0.0)

    def _watch(self) -> None:
        while not self._ended.wait(0.2):
            self._sample()

    def _sample(self) -> None:
        processes = dict(_processes())
        ours = {pid for pid in processes if pid in self._roots}
        ours |= {pid for pid, (_, born, _) in processes.items() if (pid, born) in self._spent}  # also the orphans
        grown = True
        while grown:
            more = {pid for pid, (parent, _, _) in processes.items() if parent in ours} - ours
            ours |= more
            grown = bool(more)
        for pid in ours:
            _, born, spent = processes[pid]
            self._spent[pid, born] = spent
        self.most_memory = max(self.most_memory, sum(map(_memory, ours)))


def _processes() -> Iterator[tuple[int, tuple[int, int, float]]]:
    """Each process's parent, start, and processor seconds."""
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            try:
                fields = (path / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            yield int(path.name), (int(fields[1]), int(fields[19]), (int(fields[11]) + int(fields[12])) / TICK)


def _memory(pid: int) -> int:
    """Bytes that are the process's own, and its share of those that several have."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))


def label(source: Path, output: Path, *more: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "ferlite", "label", str(source), "--output", str(output), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: "subprocess.Popen[str]") -> str:
    out, err = process.communicate()
    if process.returncode:
        sys.exit(f"ended with {process.returncode}: {err}")
    return out.strip()


def draw(folder: Path, count: int) -> None:
    """Small pictures, every third without a face; of those beyond 1,000 each is a link to an earlier one."""
    folder.mkdir()
    small = cv2.resize(demo.portrait(), SIZE, interpolation=cv2.INTER_AREA)
    for number in range(count):
        path = folder / f"{number // 1000:04}" / f"{number:07}.jpg"
        path.parent.mkdir(exist_ok=True)
        if number >= 1000:
            os.link(folder / "0000" / f"{number % 1000:07}.jpg", path)
            continue
        picture = cv2.convertScaleAbs(small, alpha=1 - 0.0005 * number)
        cv2.imwrite(str(path), np.full_like(picture, number % 250) if number % 3 == 0 else picture)


def kills(options: argparse.Namespace, folder: Path) -> None:
    pictures, whole, output = folder / "pictures", folder / "whole.parquet", folder / "table.parquet"
    draw(pictures, options.pictures)
    began = time.monotonic()
    finish(label(pictures, whole, "--jobs", "1"))
    longest = time.monotonic() - began
    wanted = whole.read_bytes()
    order = random.Random(options.seed)
    killed = tables = different = left = before_listing = 0
    while killed < options.kills or not output.exists():
        process = label(pictures, output, "--jobs", str(order.choice((1, 2, 3))))
        with Watched(process.pid) as watched:
            try:
                process.wait(order.uniform(0, 1.5 * longest) if killed < options.kills else None)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                killed += 1
                before_listing += not (folder / "table.parquet.parts" / "manifest.json").exists()
            finish_or_killed(process)
            left += not all_gone(watched)
        if output.exists():
            tables += 1
            different += output.read_bytes() != wanted
            if killed < options.kills:
                output.unlink()
    print(f"kills {killed}, of them before there was a manifest {before_listing}; processes left {left}")
    print(f"tables {tables}, of them different from that of an undisturbed run {different} (seed {options.seed})")
    if different or left:
        sys.exit(1)


def finish_or_killed(process: "subprocess.Popen[str]") -> None:
    _, err = process.communicate()
    if process.returncode not in (0, -signal.SIGKILL):
        sys.exit(f"ended with {process.returncode}: {err}")


def all_gone(watched: Watched) -> bool:
    deadline = time.monotonic() + MOMENT
    while watched.alive():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def many(options: argparse.Namespace, folder: Path) -> None:
    for count in (options.count // 10, options.count):
        pictures = folder / f"pictures-{count}"
        draw(pictures, count)
        process = label(pictures, folder / "table.parquet", "--restart", "--jobs", str(options.jobs))
        with Watched(process.pid) as watched:
            said = finish(process)
        size = (folder / "table.parquet").stat().st_size
        print(f"{count:,} pictures, {options.jobs} processes: {said}")
        print(
            f"  CPU {watched.cpu / count * 1000:.2f} ms a picture; at most {watched.most_memory >> 20} MiB in all "
            f"processes together; table {size / 1e6:.1f} MB"
        )


@contextmanager
def two_nodes() -> Iterator[tuple[str, str]]:
    """A Ray cluster of two nodes with a processor each on this machine; its address, and that for Ray's client."""
    os.environ.update(PATIENT)
    from ray.cluster_utils import Cluster

    (client,) = free_ports("ray_client_server_port").values()
    head = {"num_cpus": 1, "include_dashboard": False, "ray_client_server_port": client, **free_ports(*PORTS)}
    nodes = Cluster(initialize_head=True, head_node_args=head)
    try:
        nodes.add_node(num_cpus=1, **free_ports(*PORTS))
        yield nodes.address, f"ray://127.0.0.1:{client}"
    finally:
        nodes.shutdown()


def free_ports(*names: str) -> dict[str, int]:
    """Chosen here: a node that chooses itself has 15 seconds for it, which a machine with other work exceeds."""
    sockets = [socket.socket() for _ in names]
    try:
        for one in sockets:
            one.bind(("", 0))
        return {name: one.getsockname()[1] for name, one in zip(names, sockets, strict=True)}
    finally:
        for one in sockets:
            one.close()


def nodes(options: argparse.Namespace, folder: Path) -> None:
    with two_nodes() as addresses:
        print(*addresses, flush=True)
        sys.stdin.read()


def cluster(options: argparse.Namespace, folder: Path) -> None:
    order = random.Random(options.seed)
    paths = sorted(str(path.absolute()) for path in options.source.iterdir())
    counts = (len(paths) // 4, len(paths))
    for count in counts:
        (folder / f"{count}.txt").write_text("".join(f"{path}\n" for path in paths[:count]))
    figures: dict[tuple[str, int], list[tuple[float, float]]] = {}
    tables: dict[int, set[bytes]] = {count: set() for count in counts}
    with two_nodes() as (address, _):
        ways = {"two processes": ["--jobs", "2"], "two Ray nodes": ["--ray", address]}
        for _ in range(options.rounds):
            for way, count in order.sample(list(product(ways, counts)), 4):
                output = folder / "table.parquet"
                began = time.monotonic()
                process = label(folder / f"{count}.txt", output, "--restart", *ways[way])
                # with Ray the nodes' work counts too, which are processes of ours
                with Watched(os.getpid() if "--ray" in ways[way] else process.pid) as watched:
                    finish(process)
                    seconds = time.monotonic() - began
                figures.setdefault((way, count), []).append((seconds, watched.cpu))
                tables[count].add(output.read_bytes())
                print(f"{way}, {count} pictures: {seconds:.1f} s, CPU {watched.cpu:.1f} s", flush=True)
    same = all(len(contents) == 1 for contents in tables.values())
    print(f"the tables are {'the same' if same else 'DIFFERENT'}, byte for byte; medians of {options.rounds}:")
    for number, name in enumerate(("time", "CPU")):
        few, all_ = ([median(run[number] for run in figures[way, count]) for way in ways] for count in counts)
        further = [(most - least) / (counts[1] - counts[0]) for least, most in zip(few, all_, strict=True)]
        for what, (one, two) in ((f"{counts[1]} pictures", all_), ("each further one", further)):
            print(f"{name}, {what}: {one:.3f} s, with Ray {two:.3f} s, {two / one:.2f} times as much")
    if not same:
        sys.exit(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    part = commands.add_parser("kills")
    part.add_argument("--kills", type=int, default=50, help="(default: 50)")
    part.add_argument("--pictures", type=int, default=400, help="(default: 400)")
    part.add_argument("--seed", type=int, default=1, help="of the moments (default: 1)")
    part.set_defaults(work=kills)
    part = commands.add_parser("many")
    part.add_argument("--count", type=int, default=200_000, help="pictures (default: 200,000)")
    part.add_argument("--jobs", type=int, default=2, help="(default: 2)")
    part.set_defaults(work=many)
    part = commands.add_parser("cluster")
    part.add_argument("--source", type=Path, required=True, metavar="FOLDER")
    part.add_argument("--rounds", type=int, default=3, help="(default: 3)")
    part.add_argument("--seed", type=int, default=1, help="of the order (default: 1)")
    part.set_defaults(work=cluster)
    commands.add_parser("nodes").set_defaults(work=nodes)
    options = parser.parse_args()
    if options.work is not nodes:
        print_machine()
    folder = Path(tempfile.mkdtemp(prefix="labelling-"))
    try:
        options.work(options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    run(main)
