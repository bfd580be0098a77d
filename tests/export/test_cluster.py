import json
import signal
import socket
import sys
import threading
import time

import pytest

from export import cluster
from export.cluster import launch
from export.errors import RunError


def config(addresses=("localhost:40001", "localhost:40002"), kind="worker", index=0, job="worker"):
    return json.dumps({"cluster": {job: list(addresses)}, "task": {"type": kind, "index": index}})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "look like"),
        ("[]", "look like"),
        (json.dumps({"cluster": {"worker": ["a:1", "b:2"]}}), "KeyError: 'task'"),
        (config(["here", "there:2"]), "host:port"),
        (config(["here:1", "here:1"]), "different addresses"),
        (config(["here:1", "there:70000"]), "host:port"),
        (config(job="ps"), "under `worker`"),
        (config(kind="evaluator"), "evaluator 0; its cluster has worker 0…1"),
        (config(index=2), "worker 2; its cluster has worker 0…1"),
    ],
)
def test_a_bad_tf_config_is_explained(text, complaint):
    with pytest.raises(RunError, match="TF_CONFIG") as caught:
        cluster.read(text)
    assert complaint in str(caught.value)


@pytest.fixture
def addresses():
    return [f"localhost:{port}" for port in cluster._free_ports(2)]


@pytest.mark.parametrize(
    ("index", "complaint"),
    [(0, r"worker 1 \(localhost:\d+\) did not come within 0.3 s"), (1, r"worker 1 waited 0.3 seconds")],
)
def test_a_worker_that_never_comes_is_not_waited_for_for_ever(addresses, index, complaint):
    with pytest.raises(RunError, match=complaint):
        cluster.meet(addresses, index, timeout=0.3)


def test_a_port_in_use_is_said_to_be(addresses):
    port = int(addresses[0].rpartition(":")[2])
    with socket.create_server(("", port)), pytest.raises(RunError, match="another port"):
        cluster.meet(addresses, 0, timeout=5)


def test_strangers_at_the_port_are_not_taken_for_workers(addresses):
    port = int(addresses[0].rpartition(":")[2])
    answers = []

    def knock():
        while not answers:
            try:
                with socket.create_connection(("localhost", port)) as door:
                    door.sendall(b"GET / HTTP/1.0\n")
                    answers.append(door.recv(32))
            except ConnectionRefusedError:
                time.sleep(0.02)

    stranger = threading.Thread(target=knock)
    stranger.start()
    with pytest.raises(RunError, match="worker 1"):
        cluster.meet(addresses, 0, timeout=1)
    stranger.join()
    assert answers == [b""]


def test_launch_gives_every_worker_its_place_and_returns_the_worst_exit_code():
    code = "import json, os, sys; sys.exit(3 * json.loads(os.environ['TF_CONFIG'])['task']['index'])"
    assert launch(3, [sys.executable, "-c", code]) == 6


def test_launch_ends_the_others_when_one_fails(monkeypatch):
    monkeypatch.setattr(cluster, "GRACE", 0.2)
    code = "import os, time; '\"index\": 0' in os.environ['TF_CONFIG'] and os._exit(1); time.sleep(60)"
    assert launch(2, [sys.executable, "-c", code]) == 128 + signal.SIGKILL


def test_launch_passes_signals_on():
    code = (
        "import os, signal, time; '\"index\": 1' in os.environ['TF_CONFIG'] and os.kill(os.getppid(), signal.SIGTERM); "
        "time.sleep(60)"
    )
    assert launch(2, [sys.executable, "-c", code]) == 128 + signal.SIGTERM
