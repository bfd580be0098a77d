import threading
from dataclasses import replace

import pytest

from ferlite.errors import SettingError
from ferlite.sinks.callback import Callback, Change, OnChange


@pytest.fixture
def seen(face, make_result):
    """Results made of {track_id: label}."""

    def make(timestamp, **labels):
        faces = tuple(replace(face, track_id=int(name[1:]), label=label) for name, label in labels.items())
        return replace(make_result(0, timestamp), faces=faces)

    return make


def test_every_result_is_handed_on_in_the_thread_that_writes(make_result):
    calls = []
    results = [make_result(0), make_result(1)]
    with Callback(lambda result: calls.append((result, threading.current_thread()))) as sink:
        for result in results:
            sink.write(result)
    assert calls == [(result, threading.current_thread()) for result in results]


@pytest.mark.parametrize("sink", [Callback, OnChange])
def test_what_the_function_raises_goes_to_the_writer(sink, seen):
    def refuse(_):
        raise KeyError("mine")

    with sink(refuse) as opened, pytest.raises(KeyError, match="mine"):
        opened.write(seen(0, _1="happy"))


def test_changes_are_coming_another_label_and_leaving(seen):
    changes = []
    first, same, other = seen(0.0, _1="happy"), seen(0.1, _1="happy"), seen(0.2, _1="sad", _2="fear")
    with OnChange(changes.append) as sink:
        sink.write(first)
        assert changes == [Change(1, None, "happy", 0.0, first.faces[0])]
        sink.write(same)
        assert len(changes) == 1
        sink.write(other)
        assert changes[1:] == [
            Change(1, "happy", "sad", 0.2, other.faces[0]),
            Change(2, None, "fear", 0.2, other.faces[1]),
        ]
        sink.write(seen(0.3, _2="fear"))
        assert changes[3:] == [Change(1, "sad", None, 0.3, None)]
    assert len(changes) == 4  # at the end nobody is said to have left


def test_states_are_compared_so_that_dropped_frames_do_not_matter(seen):
    changes = []
    with OnChange(changes.append) as sink:
        sink.write(seen(0, _1="happy", _2="sad"))
        del changes[:]
        sink.write(seen(9, _3="sad", _2="fear"))
    assert [change[:3] for change in changes] == [(1, "happy", None), (3, None, "sad"), (2, "sad", "fear")]


def test_changes_after_one_that_the_function_refused_come_with_the_next_result(seen):
    changes = []

    def refuse_once(change):
        changes.append(change.track_id)
        if len(changes) == 1:
            raise KeyError

    with OnChange(refuse_once) as sink:
        with pytest.raises(KeyError):
            sink.write(seen(0, _1="happy", _2="sad"))
        sink.write(seen(1, _1="happy", _2="sad"))
    assert changes == [1, 2]


def test_faces_without_tracking_are_said(make_result):
    with OnChange(print) as sink, pytest.raises(SettingError, match="need tracking"):
        sink.write(make_result())
