"""An MJPEG stream over HTTP, as cheap network cameras send it, that also fails in the ways they do.

For measurements and tests: the pictures are given as JPEG bytes and sent at a pace; each connection gets those that are
due from then on, like a camera, and none that are past.
"""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

PATH = "/stream.mjpg"


class MjpegServer:
    """`picture(n)` is the JPEG of picture number n; they are sent `fps` times a second to whoever connects.

    `sent` are the times, on the monotonic clock, at which pictures were handed to the network. `stalled` keeps
    connections open and silent, `pause` waits so many seconds before each picture, and `spoil` changes the bytes of
    each part. `kill` and `start` take the server away, its connections too, and bring it back at the same address.
    """

    def __init__(self, picture: Callable[[int], bytes], fps: float = 30.0, last: int | None = None) -> None:
        self.picture, self.fps, self.last = picture, fps, last
        self.sent: dict[int, float] = {}
        self.stalled = False
        self.pause = 0.0
        self.spoil: Callable[[bytes], bytes] = bytes
        self.connections = 0
        self._began = time.monotonic()
        self._port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}{PATH}"

    def start(self) -> None:
        stream = self
        self._gone = threading.Event()
        self._clients: list[socket.socket] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stream._clients.append(self.connection)
                stream.connections += 1
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                with suppress(OSError):  # the client has gone
                    stream._send(self.wfile.write)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def kill(self) -> None:
        self._gone.set()
        self._server.shutdown()
        self._server.server_close()
        for client in self._clients:
            with suppress(OSError):  # it was faster
                client.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _send(self, write: Callable[[bytes], object]) -> None:
        number = int((time.monotonic() - self._began) * self.fps) + 1
        while self.last is None or number <= self.last:
            if self._gone.wait(max(0.0, self._began + number / self.fps - time.monotonic())):
                return
            if not self.stalled:
                jpeg = self.picture(number)
                self.sent[number] = time.monotonic()
                head = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg)
                write(self.spoil(head + jpeg + b"\r\n"))
            if self.pause and self._gone.wait(self.pause):
                return
            number = max(number + 1, int((time.monotonic() - self._began) * self.fps))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
