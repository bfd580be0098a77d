"""Finding the other workers of a run: who they are, waiting until they are there, and starting them on one machine.

Who takes part says the variable `TF_CONFIG`, in the form that TensorFlow documents.
"""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from export.errors import RunError

GRACE = 30.0  # seconds for the other local workers to end by themselves; TensorFlow tells them within 15


def launch(count: int, command: Sequence[str]) -> int:
    """Run `command` as `count` workers on this machine; returns their worst exit code, 128 + n for signal n.

    SIGINT and SIGTERM are passed on. Where one worker fails, the others are given half a minute to notice.
    """
    addresses = [f"localhost:{port}" for port in _free_ports(count)]
    running: list[subprocess.Popen[bytes]] = []
    try:
        with _passed_on(running):
            for index in range(count):  # each in a session of its own, or Ctrl-C would reach it twice
                environment = os.environ | {"TF_CONFIG": _cluster(addresses, index)}
                running.append(subprocess.Popen(command, env=environment, start_new_session=True))
            failed = None
            while any(process.poll() is None for process in running):
                if failed is None and any(process.returncode for process in running):
                    failed = time.monotonic()
                if failed is not None and time.monotonic() - failed > GRACE:
                    break
                time.sleep(0.1)
    finally:
        for process in running:
            process.kill()  # does nothing to those that have ended
            process.wait()
    return max(128 - code if code < 0 else code for code in (process.returncode for process in running))


def read(text: str) -> tuple[list[str], int]:
    """The addresses of all workers in TensorFlow's order, and which of them this process is."""
    example = _cluster(["host1:12345", "host2:12345"], 0)
    try:
        config = json.loads(text)
        jobs, task = config["cluster"], config["task"]
        kind, index = task["type"], int(task["index"])
        unknown = set(jobs) - {"chief", "worker"}
        addresses = [address for job in ("chief", "worker") for address in jobs.get(job, [])]
        split = [address.rpartition(":") for address in addresses]
        usable = [bool(host) and 0 < int(port) < 65536 for host, _, port in split]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(
            f"TF_CONFIG is {text!r}, which does not say who takes part ({type(error).__name__}: {error}); it has to "
            f"look like {example}"
        ) from None
    if unknown or not all(usable) or len(set(addresses)) < len(addresses):
        raise RunError(
            f"TF_CONFIG has the cluster {jobs}; it has to be a list of different addresses host:port under `worker`, "
            f"as in {example}"
        )
    if kind not in jobs or not 0 <= index < len(jobs[kind]):
        raise RunError(
            f"TF_CONFIG says that this process is {kind} {index}; its cluster has "
            + ", ".join(f"{job} 0…{len(jobs[job]) - 1}" for job in jobs)
        )
    return addresses, index + (len(jobs.get("chief", [])) if kind == "worker" else 0)


def meet(addresses: Sequence[str], index: int, timeout: float) -> None:
    """Return when all workers are there: TensorFlow itself would wait for ever, deaf to signals."""
    deadline = time.monotonic() + timeout
    if index == 0:
        _await_others(addresses, deadline, timeout)
    else:
        _report_to_chief(addresses[0], index, deadline, timeout)


def _cluster(addresses: Sequence[str], index: int) -> str:
    return json.dumps({"cluster": {"worker": list(addresses)}, "task": {"type": "worker", "index": index}})


def _await_others(addresses: Sequence[str], deadline: float, timeout: float) -> None:
    port = int(addresses[0].rpartition(":")[2])
    there: dict[int, socket.socket] = {}
    try:
        with socket.create_server(("", port)) as server:
            while len(there) < len(addresses) - 1:
                server.settimeout(max(deadline - time.monotonic(), 0.001))
                guest, _ = server.accept()
                guest.settimeout(5)
                index = _index_from(guest)
                if index is None or not 0 < index < len(addresses):
                    guest.close()
                    continue
                if index in there:  # it was started anew
                    there[index].close()
                there[index] = guest
        for guest in there.values():
            guest.sendall(b"all there\n")
    except TimeoutError:
        missing = [f"{i} ({addresses[i]})" for i in range(1, len(addresses)) if i not in there]
        raise RunError(
            f"worker {', '.join(missing)} did not come within {timeout:g} seconds; start every worker of TF_CONFIG, "
            f"and see that port {port} of worker 0 can be reached from there"
        ) from None
    except OSError as error:
        raise RunError(f"worker 0 cannot wait for the others at {addresses[0]}: {error}; choose another port") from None
    finally:
        for guest in there.values():
            guest.close()


def _index_from(guest: socket.socket) -> int | None:
    try:
        with guest.makefile() as lines:
            return int(lines.readline(32))
    except (OSError, ValueError):
        return None


def _report_to_chief(address: str, index: int, deadline: float, timeout: float) -> None:
    host, _, port = address.rpartition(":")
    while True:
        try:
            with socket.create_connection((host, int(port)), timeout=5) as chief:
                chief.sendall(f"{index}\n".encode())
                chief.settimeout(max(deadline - time.monotonic(), 0.001))
                with chief.makefile() as lines:
                    if lines.readline(32) == "all there\n":
                        return
        except OSError:  # not there yet
            pass
        if time.monotonic() > deadline:
            raise RunError(
                f"worker {index} waited {timeout:g} seconds for the others at {address}, worker 0's; start every "
                "worker of TF_CONFIG, and see that this address can be reached from here"
            )
        time.sleep(0.2)


@contextmanager
def _passed_on(running: Iterable[subprocess.Popen[bytes]]) -> Iterator[None]:
    def pass_on(number: int, _: Any) -> None:
        for process in running:
            process.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server(("localhost", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in held]
    for server in held:
        server.close()
    return ports
