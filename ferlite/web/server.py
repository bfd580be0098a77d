"""The live preview as a sink: a web server in a thread of its own that shows each result to whoever looks."""

import asyncio
import atexit
import errno
import ipaddress
import os
import secrets
import socket
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from urllib.parse import quote

from ferlite.errors import EngineError, OutputError, SettingError
from ferlite.types import FrameResult, Sink
from ferlite.web import HOST, PORT
from ferlite.web.feed import Feed

SHORTEST_TOKEN = 16  # characters: it can be tried out from afar
CLOSE_TIMEOUT = 5.0  # seconds; it takes less than one


class WebPreview(Sink):
    """A page in the browser with the picture, the faces and their emotions, and an API; see docs/preview.md.

    It runs from here on until `close`, at `url`. `host` is the address to listen on, by default one that only this
    machine reaches; on any other one viewers need a `token`, and where none is given one is made, which is part of
    `url`. Port 0 is any free one. At most `fps` pictures and results a second go to each viewer, fewer to one who is
    slow and to all where there are many. `write` never waits.

    Raises OutputError for an address that cannot be listened on, SettingError for one or a token that cannot be, and
    EngineError without the extra `web`.
    """

    def __init__(self, host: str = HOST, port: int = PORT, token: str | None = None, fps: float = 15.0) -> None:
        if not host:
            raise SettingError("host is empty; 127.0.0.1 is for this machine alone, 0.0.0.0 for its network")
        if not 0 <= port <= 65535:
            raise SettingError(f"port is {port}; it has to be 0 to 65535, and 0 is any free one")
        if not 0 < fps <= 1000:
            raise SettingError(f"fps is {fps}; it has to be above 0 and at most 1000")
        if token is not None and (len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable()):
            raise SettingError(
                f"a token needs at least {SHORTEST_TOKEN} printable ASCII characters, as strangers can try it out; "
                f"this one has {len(token)} characters. Leave it out for one made at random, or take what "
                "`python3 -c 'import secrets; print(secrets.token_urlsafe())'` prints"
            )
        try:
            import uvicorn

            from ferlite.web.app import make_app
            from ferlite.web.connections import Connection, Server
        except ImportError as error:
            advice = "pip install 'ferlite[web]'"
            raise EngineError(f"the live preview needs Starlette and uvicorn ({error}): {advice}") from error
        self._socket = _listening(host, port)
        address, self.port = self._socket.getsockname()[:2]
        if token is None and not ipaddress.ip_address(address).is_loopback:
            token = secrets.token_urlsafe(16)
        self.host, self.token = host, token
        self.url = f"http://{_reachable(host, address)}:{self.port}/" + (f"?token={quote(token)}" if token else "")
        self._pool = ThreadPoolExecutor(2, "ferlite web")
        self._feed = Feed(self._pool, fps)
        config = uvicorn.Config(
            make_app(self._feed, token, host, self.port),
            http=Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        self._server = Server(config, self._feed)
        self._failure: BaseException | None = None
        self._closed = False
        self._process = os.getpid()
        self._thread = Thread(target=self._serve, name="ferlite web", daemon=True)
        atexit.register(self.close)  # so that viewers are told, and no thread is in OpenCV when the interpreter goes
        self._thread.start()

    def write(self, result: FrameResult) -> None:
        """Show a result to whoever looks. Raises OutputError after `close`, after a fork, and if the server failed."""
        if self._closed:
            raise OutputError(f"{self._place}: the preview is closed")
        if os.getpid() != self._process:
            raise OutputError(f"{self._place}: is served by process {self._process}; a fork copies no threads")
        if self._failure is not None:
            raise OutputError(f"{self._place}: the preview has failed: {self._failure!r}")
        self._feed.put(result)

    def close(self) -> None:
        """Tell the viewers that it ends, and end, within a second or so, whatever they do."""
        if self._closed or os.getpid() != self._process:
            return
        self._closed = self._server.should_exit = True
        self._thread.join(CLOSE_TIMEOUT)
        atexit.unregister(self.close)

    @property
    def _place(self) -> str:
        return f"{self.host}:{self.port}"  # without the token

    def _serve(self) -> None:
        try:
            asyncio.run(self._serve_all())
        except BaseException as error:  # the writer's, whatever it is
            self._failure = error
        finally:
            self._socket.close()
            self._pool.shutdown()

    async def _serve_all(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            offering = tasks.create_task(self._feed.run())
            await self._server.serve([self._socket])
            offering.cancel()


def _listening(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, _, _, _, address = found[0]
        return socket.create_server(address, family=family, backlog=128)
    except (OSError, UnicodeError) as error:  # names of a form that no host has are the latter
        raise OutputError(f"{host}:{port}: cannot be listened on: {_reason(error)}") from error


def _reason(error: OSError | UnicodeError) -> str:
    if isinstance(error, socket.gaierror | UnicodeError):
        return "no such address; 127.0.0.1 is for this machine alone, 0.0.0.0 for its network"
    if error.errno == errno.EADDRINUSE:
        return "another program does so already; choose another port, or 0 for any free one"
    if error.errno == errno.EADDRNOTAVAIL:
        return "not an address of this machine; 0.0.0.0 is all it has"
    if error.errno == errno.EACCES:
        return "not allowed; choose a port from 1024 on"
    return str(error.strerror)


def _reachable(host: str, address: str) -> str:
    """The host for a URL: of a machine that listens on all of its addresses, the one its network knows it by."""
    if ipaddress.ip_address(address).is_unspecified:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(("192.0.2.1", 9))  # sends nothing; the address is of documentation, RFC 5737
                host = probe.getsockname()[0]
            except OSError:
                host = socket.gethostname()
    return f"[{host}]" if ":" in host else host
