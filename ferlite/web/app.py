"""What the preview answers to: the page, the streams of pictures and results, and the newest of both alone."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from importlib.resources import files

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ferlite.web.feed import Feed
from ferlite.web.guard import Guard

STREAMS = 64  # viewers of each kind of stream at the same time
WAIT = 1.0  # seconds without a result after which viewers are told that nothing comes
RETRY = 2000  # milliseconds after which a browser that has lost its connection tries again
BOUNDARY = "ferlite"
TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
NOTHING_YET = "There is no picture yet.\n"


def make_app(feed: Feed, token: str | None, name: str, port: int) -> ASGIApp:
    """The application; `name` is the host's as the preview was started with it."""
    pictures, events = Seats(), Seats()

    async def stream(request: Request) -> Response:
        return Stream(request, feed, pictures, jpegs(feed), f"multipart/x-mixed-replace; boundary={BOUNDARY}")

    async def event_stream(request: Request) -> Response:
        return Stream(request, feed, events, messages(feed), "text/event-stream")

    async def result(request: Request) -> Response:
        state = await feed.state()
        return JSONResponse(state) if state else _not_yet()

    async def snapshot(request: Request) -> Response:
        if feed.moment is None:
            return _not_yet()
        number, jpeg = await feed.picture()
        if jpeg is None:
            return PlainTextResponse("The picture cannot be drawn.\n", 500)
        return Response(jpeg, 200, {"Content-Disposition": f'inline; filename="ferlite-{number}.jpg"'}, "image/jpeg")

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok", "seconds_since_result": feed.silent()})

    routes = [
        Route("/stream.mjpg", stream),
        Route("/api/events", event_stream),
        Route("/api/result", result),
        Route("/snapshot.jpg", snapshot),
        Route("/healthz", health),
        *(_page(file, "/" if file == "index.html" else f"/{file}") for file in _files() if file != "token.html"),
    ]
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    return Guard(app, token, name, port, _files()["token.html"])


async def messages(feed: Feed) -> AsyncGenerator[bytes, None]:
    """Server-sent events: `history` first, then each `result`, `waiting` every second without one, `end` at the end."""
    yield f"retry: {RETRY}\n\n".encode() + _event("history", json.dumps(feed.history()))
    number = 0
    while not feed.closed:
        moment = await feed.newer(number, WAIT)
        if moment is not None:
            number = moment.number
            yield _event("result", moment.json)
        elif not feed.closed:
            yield _event("waiting", json.dumps({"seconds": feed.silent()}))
    yield _event("end", "{}")


async def jpegs(feed: Feed) -> AsyncGenerator[bytes, None]:
    """The parts of an MJPEG stream; each ends with the next one's boundary, as viewers show it only then."""
    yield f"--{BOUNDARY}\r\n".encode()
    number = 0
    while not feed.closed:
        if await feed.newer(number, WAIT) is None:
            continue
        number, jpeg = await feed.picture()
        if jpeg is not None:
            head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            yield b"%b%b\r\n--%b\r\n" % (head.encode(), jpeg, BOUNDARY.encode())


class Seats:
    """How many viewers a kind of stream has."""

    taken = 0


class Stream(StreamingResponse):
    """A response without an end, whose next part is asked for only when the viewer has taken the last one."""

    def __init__(
        self, request: Request, feed: Feed, seats: Seats, parts: AsyncGenerator[bytes, None], media_type: str
    ) -> None:
        # proxies shall not collect it either
        super().__init__(parts, 200, {"X-Accel-Buffering": "no"}, media_type)
        self._feed, self._seats, self._parts, self._head = feed, seats, parts, request.method == "HEAD"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._seats.taken >= STREAMS:
            words = f"There are {STREAMS} viewers already, and no more at the same time.\n"
            await PlainTextResponse(words, 503, {"Retry-After": "5"})(scope, receive, send)
            return
        self._seats.taken += 1
        self._feed.viewers += 1
        try:
            async with aclosing(self._parts):
                await super().__call__(scope, receive, send)
        finally:
            self._seats.taken -= 1
            self._feed.viewers -= 1

    async def stream_response(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        while not self._head:
            # returns once the last part has gone: what is chosen before that is old when it leaves
            await send({"type": "http.response.body", "body": b"", "more_body": True})
            part = await anext(self._parts, None)
            if part is None:
                break
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _event(name: str, data: str) -> bytes:
    return f"event: {name}\ndata: {data}\n\n".encode()


def _not_yet() -> Response:
    return PlainTextResponse(NOTHING_YET, 503, {"Retry-After": "1"})


def _files() -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in files("ferlite.web").joinpath("page").iterdir()}


def _page(file: str, path: str) -> Route:
    text, kind = _files()[file], TYPES[file.rpartition(".")[2]]

    async def page(request: Request) -> Response:
        return Response(text, media_type=kind)

    return Route(path, page)
