"""The server's side of each connection, with the bounds that uvicorn leaves open: how many, how slow, and how full."""

import asyncio
import logging
import socket
from contextlib import suppress

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ferlite.web.app import STREAMS
from ferlite.web.feed import Feed

log = logging.getLogger(__name__)
log.setLevel(logging.ERROR)  # uvicorn warns of every request that is none: what strangers send is no matter for a log
MOST = 2 * STREAMS + 32  # connections: a page has two streams open, and asks for its files beside
PATIENCE = 10.0  # seconds; who has neither asked nor taken anything for as long, at most twice as long, is cut off
# bytes that the system keeps for a viewer: a picture or a few. By default it is megabytes, seconds of old pictures.
SEND_BUFFER, UNSENT = 1 << 17, 1 << 14
GRACE = 0.3  # seconds for viewers to take the end of their streams


class Connection(H11Protocol):
    """One of at most `MOST` connections."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.logger, self.access_log = log, False
        self._watch: asyncio.TimerHandle | None = None
        if len(self.connections) > MOST:
            transport.abort()
            return
        transport.set_write_buffer_limits(0)  # the next part is chosen when all of the last one has gone to the system
        sock: socket.socket = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
        self._look_again((None, 0))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        # uvicorn gives this answer also where an earlier request has one under way, and both fail
        if self.conn.our_state is h11.IDLE:
            super().send_400_response(msg)
        else:
            self.transport.close()
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def _look(self, before: tuple[object, int]) -> None:
        now = self.cycle, self.transport.get_write_buffer_size()
        answered = self.cycle is None or self.cycle.response_complete
        if now == before and (answered or now[1]):
            self.transport.abort()
        else:
            self._look_again(now)

    def _look_again(self, state: tuple[object, int]) -> None:
        self._watch = self.loop.call_later(PATIENCE, self._look, state)


class Server(uvicorn.Server):
    """Lets the viewers of its feed go when it ends, and cuts off those who stay."""

    def __init__(self, config: uvicorn.Config, feed: Feed) -> None:
        super().__init__(config)
        self._feed = feed

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._feed.close()
        for sock in sockets or ():
            with suppress(OSError):  # systems that refuse it
                sock.shutdown(socket.SHUT_RDWR)  # also for processes that were forked meanwhile and have a copy of it
        asyncio.get_running_loop().call_later(GRACE, self._cut_off)
        await super().shutdown(sockets)

    def _cut_off(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()
