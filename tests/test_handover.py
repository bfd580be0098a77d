import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferlite.handover import Handover


def test_where_the_newest_wins_nothing_waits_and_all_is_counted():
    handover = Handover(newest_wins=True)
    assert all(handover.put(number) for number in range(5))
    assert handover.take() == 4
    assert handover.dropped == 4


def test_where_nothing_may_be_lost_putting_waits():
    handover = Handover(newest_wins=False)
    taken = []

    def take_slowly():
        while (item := handover.take()) is not None:
            time.sleep(0.002)
            taken.append(item)

    thread = threading.Thread(target=take_slowly)
    thread.start()
    for number in range(1, 21):
        handover.put(number)
    handover.finish()
    thread.join(5)
    assert taken == list(range(1, 21))
    assert handover.dropped == 0


def test_what_was_put_before_the_end_is_still_taken():
    for newest_wins in (True, False):
        handover = Handover(newest_wins)
        handover.put("last")
        handover.finish()
        assert handover.take() == "last"
        assert handover.take() is None
        assert handover.take() is None


def test_an_error_is_raised_after_what_came_before_it():
    handover = Handover(newest_wins=True)
    handover.put("last")
    handover.finish(ZeroDivisionError("of the other thread"))
    assert handover.take() == "last"
    with pytest.raises(ZeroDivisionError, match="of the other thread"):
        handover.take()


def test_waiting_in_vain_is_said():
    with pytest.raises(TimeoutError):
        Handover(newest_wins=True).take(timeout=0.01)


@pytest.mark.parametrize("newest_wins", [True, False])
def test_closing_wakes_both_sides_and_counts_what_is_left(newest_wins):
    handover = Handover(newest_wins)
    results = {}
    taker = threading.Thread(target=lambda: results.update(taken=handover.take()))
    taker.start()
    time.sleep(0.02)
    handover.close()
    taker.join(5)
    assert results == {"taken": None}

    full = Handover(newest_wins)
    full.put(1)
    putter = threading.Thread(target=lambda: results.update(put=full.put(2)))
    putter.start()
    time.sleep(0.02)
    full.close()
    putter.join(5)
    assert results["put"] is newest_wins  # it had replaced the first one, or was still waiting
    assert full.dropped == 2
    assert not full.put(3)
    assert full.dropped == 3
    assert full.take() is None


@given(st.lists(st.sampled_from(["put", "take"]), max_size=30))
def test_every_item_is_taken_dropped_or_still_there(steps):
    handover = Handover(newest_wins=True)
    put = taken = 0
    waiting = False
    for step in steps:
        if step == "put":
            handover.put(put)
            put, waiting = put + 1, True
        elif waiting:
            assert handover.take() == put - 1
            taken, waiting = taken + 1, False
    assert put == taken + handover.dropped + waiting
