"""Several threads and processes on the same objects: everything works, or says what does not."""

import os
import threading
import time

import numpy as np
import pytest

from ferlite import AnnotatedVideo, FerliteError, Mqtt, Pipeline, Recognizer, demo
from ferlite.handover import Handover
from ferlite.stats import Stats

SECONDS = float(os.environ.get("FERLITE_STRESS", "2"))  # of each stress; a minute by FERLITE_STRESS=60


def together(*works):
    """Run all of them at once, again and again; raises what the first of them raised."""
    failures, end = [], time.monotonic() + SECONDS

    def repeat(work):
        try:
            while time.monotonic() < end and not failures:
                work()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=repeat, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS + 120)
    assert not any(thread.is_alive() for thread in threads)
    if failures:
        raise failures[0]


def in_a_fork(function):
    """What a function returns, or the text of its FerliteError, in a forked process that must not hang."""
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            said = str(function())
        except FerliteError as error:
            said = f"{type(error).__name__}: {error}"
        except BaseException as error:
            said = f"not ferlite's own: {error!r}"
        os.write(sending, said.encode())
        os._exit(0)
    os.close(sending)
    end = time.monotonic() + 120
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > end:
            os.kill(child, 9)
            os.waitpid(child, 0)
            pytest.fail("the forked process hangs")
        time.sleep(0.01)
    with os.fdopen(receiving) as pipe:
        return pipe.read()


def test_one_recognizer_in_several_threads_gives_what_it_gives_alone(portrait):
    recognizer = Recognizer()
    small = np.ascontiguousarray(portrait[::2, ::2])
    expected = {id(image): [str(face) for face in recognizer(image)] for image in (portrait, small)}

    def read(image):
        assert [str(face) for face in recognizer(image)] == expected[id(image)]

    together(*(lambda image=image: read(image) for image in (portrait, small, portrait)))


def test_one_recognizer_in_two_pipelines():
    recognizer = Recognizer()

    def follow():
        with Pipeline(demo.synthetic_camera(seconds=0.4), recognizer) as pipeline:
            assert all(len(result.faces) <= 1 for result in pipeline)

    together(follow, follow)


def test_several_threads_share_the_results_of_a_pipeline():
    seen = []
    with Pipeline(demo.synthetic_camera(seconds=1)) as pipeline:
        threads = [threading.Thread(target=lambda: seen.extend(r.frame.seq for r in pipeline)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert len(seen) == len(set(seen)) == pipeline.stats.count > 0


def test_figures_can_be_asked_for_while_they_are_counted():
    stats = Stats(window=50)
    asked = lambda: stats.latency(50)  # noqa: E731
    together(lambda: stats.add(0.01), lambda: stats.add(0.02), asked, asked)


def test_pipelines_may_be_closed_from_anywhere_at_any_time():
    def short():
        pipeline = Pipeline(demo.synthetic_camera(seconds=5))
        closer = threading.Thread(target=pipeline.close)
        for number, _ in enumerate(pipeline):
            if number == 2:
                closer.start()
        closer.join(60)
        assert not closer.is_alive()

    together(short, short)
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("ferlite")]


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of fork beside threads, from Python 3.12 on
def test_what_runs_in_threads_is_refused_in_a_forked_process(tmp_path, make_result):
    with (
        Pipeline(demo.synthetic_camera(seconds=20)) as pipeline,
        AnnotatedVideo(tmp_path / "clip.avi") as video,
        Mqtt("mqtt://127.0.0.1:9") as mqtt,  # nobody is there, and it is waited for
    ):
        next(pipeline)
        assert "SettingError: this was opened by process" in in_a_fork(lambda: next(pipeline))
        assert in_a_fork(pipeline.close) == "None"
        assert in_a_fork(pipeline.source.close) == "None"
        assert "OutputError: " in in_a_fork(lambda: video.write(make_result()))
        assert in_a_fork(video.close) == "None"
        assert "OutputError: " in in_a_fork(lambda: mqtt.write(make_result()))
        assert in_a_fork(mqtt.close) == "None"
        next(pipeline)  # here all goes on
        video.write(make_result())


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_recognizer_works_in_a_forked_process(portrait):
    recognizer = Recognizer()
    expected = str(recognizer(portrait)[0])
    assert in_a_fork(lambda: recognizer(portrait)[0]) == expected
    assert in_a_fork(lambda: Recognizer()(portrait)[0]) == expected


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_handover_that_was_locked_when_it_was_forked_hangs_nobody():
    handover = Handover(newest_wins=True)
    handover.put(1)
    with handover._changed:
        assert in_a_fork(lambda: (handover.put(2), handover.dropped, handover.close(), handover.finish())) == str(
            (False, 0, None, None)
        )
        assert "SettingError" in in_a_fork(handover.take)
    assert handover.take() == 1
