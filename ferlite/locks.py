"""A lock that a fork cannot leave locked for ever."""

import os
from threading import Lock
from types import TracebackType
from weakref import WeakSet


class ForkSafeLock:
    """For one thread at a time; in a forked process it begins anew, whoever held it in the other one."""

    def __init__(self) -> None:
        self._lock = Lock()
        _known.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._lock.release()

    def renew(self) -> None:
        self._lock = Lock()


_known: WeakSet[ForkSafeLock] = WeakSet()


def _renew_all() -> None:
    for lock in _known:
        lock.renew()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_renew_all)
