"""One place between two threads: what one puts there, the other takes.

Where the newest wins, an item that nobody has taken yet is replaced and counted, so that the taker never sees an old
one; else whoever puts waits until the place is free, so that nothing is lost.
"""

import math
import os
from threading import TIMEOUT_MAX, Condition
from typing import Generic, TypeVar

from ferlite.errors import SettingError

T = TypeVar("T")


class Handover(Generic[T]):
    """A bounded hand-over of one item at a time, from one thread to another; several may put and take.

    A fork copies it without its threads, and perhaps locked for ever. There `take` raises SettingError and all else
    does nothing.
    """

    def __init__(self, newest_wins: bool) -> None:
        self._newest_wins = newest_wins
        self._changed = Condition()
        self._item: T | None = None
        self._error: BaseException | None = None
        self._finished = self._closed = False
        self._dropped = 0
        self._process = os.getpid()

    @property
    def forked(self) -> bool:
        """Whether this is a copy in another process than the threads are in."""
        return os.getpid() != self._process

    @property
    def dropped(self) -> int:
        """Items that were put and will never be taken."""
        if self.forked:
            return self._dropped
        with self._changed:
            return self._dropped

    def put(self, item: T) -> bool:
        """Hand an item over; false where nobody will take it any more."""
        if self.forked:
            return False
        with self._changed:
            if not self._newest_wins:
                self._changed.wait_for(lambda: self._item is None or self._closed)
            if self._closed:
                self._dropped += 1
                return False
            self._dropped += self._item is not None
            self._item = item
            self._changed.notify_all()
            return True

    def finish(self, error: BaseException | None = None) -> None:
        """Say that nothing more comes, because of an error or because the end is reached."""
        if self.forked:
            return
        with self._changed:
            self._error, self._finished = error, True
            self._changed.notify_all()

    def take(self, timeout: float = math.inf) -> T | None:
        """The next item; None at the end. Raises the error that ended it, and TimeoutError after `timeout` seconds."""
        if self.forked:
            raise SettingError(
                f"this was opened by process {self._process}, and a fork copies no threads; open it in process "
                f"{os.getpid()} itself"
            )
        with self._changed:
            longest = timeout if timeout < TIMEOUT_MAX else None
            if not self._changed.wait_for(lambda: self._item is not None or self._finished or self._closed, longest):
                raise TimeoutError
            item, self._item = self._item, None
            if item is None and self._error is not None and not self._closed:
                raise self._error
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """Say that nothing more will be taken: what lies there is dropped, whoever waits goes on."""
        if self.forked:
            return
        with self._changed:
            self._closed = True
            self._dropped += self._item is not None
            self._item = None
            self._changed.notify_all()
