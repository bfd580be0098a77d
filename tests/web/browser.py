"""A headless Chromium, driven over a pipe by its DevTools protocol: no port, no library, no other dependency."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--mute-audio",
    "--disable-quic", "--host-resolver-rules=MAP door.test 127.0.0.1", "--remote-debugging-pipe",
)  # fmt: skip
LIMIT = 30.0  # seconds for anything, on a loaded machine


def find() -> str | None:
    """The browser of FERLITE_CHROMIUM, or one on the path."""
    return os.environ.get("FERLITE_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """A browser process with a profile of its own that is gone afterwards; `page` opens a tab."""

    def __init__(self, program: str) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="ferlite-chromium-", ignore_cleanup_errors=True)
        commands, self._writing = os.pipe()
        self._reading, answers = os.pipe()

        def prepare() -> None:  # it reads from 3 and writes to 4
            os.dup2(os.dup(commands), 13)
            os.dup2(os.dup(answers), 14)
            os.dup2(13, 3)
            os.dup2(14, 4)

        self._process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={self._profile.name}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=prepare,
            close_fds=False,
        )
        os.close(commands)
        os.close(answers)
        self._number, self._rest = 0, b""
        self._pages: dict[str, Page] = {}

    def send(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """What the browser answers to a command; events that come before it go to their pages."""
        self._number += 1
        number = self._number
        command = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        os.write(self._writing, json.dumps(command).encode() + b"\0")
        end = time.monotonic() + LIMIT
        while True:
            message = self._next(end)
            if message.get("id") == number:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]

    def listen(self, seconds: float) -> None:
        """Take what the browser reports by itself."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                self._next(end)
            except TimeoutError:
                return

    @contextmanager
    def page(self, width: int = 1280, height: int = 800, dark: bool = False) -> Iterator["Page"]:
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, session)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.send(f"{domain}.enable")
        page.resize(width, height)
        page.send("Emulation.setEmulatedMedia", features=[scheme])
        try:
            yield page
        finally:
            self.send("Target.closeTarget", targetId=target)
            del self._pages[session]

    def close(self) -> None:
        os.close(self._writing)
        os.close(self._reading)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._profile.cleanup()

    def _next(self, end: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            if not select.select([self._reading], [], [], max(0.0, end - time.monotonic()))[0]:
                raise TimeoutError("the browser says nothing")
            data = os.read(self._reading, 1 << 20)
            if not data:
                raise RuntimeError(f"the browser has ended with {self._process.wait()}")
            self._rest += data
        text, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        page = self._pages.get(message.get("sessionId", ""))
        if page is not None and "method" in message:
            page.note(message["method"], message["params"])
        return message


class Page:
    """A tab; `problems` are errors on its console, `requested` the addresses it has asked for."""

    def __init__(self, browser: Browser, session: str) -> None:
        self.problems: list[str] = []
        self.requested: list[str] = []
        self._browser, self._session = browser, session

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.send(method, self._session, **parameters)

    def note(self, event: str, about: dict[str, Any]) -> None:
        if event == "Network.requestWillBeSent":
            self.requested.append(about["request"]["url"])
        elif event == "Runtime.exceptionThrown":
            self.problems.append(str(about["exceptionDetails"]))
        elif event == "Log.entryAdded" and about["entry"]["level"] == "error":
            self.problems.append(f"{about['entry']['text']} {about['entry'].get('url', '')}")

    def open(self, url: str) -> None:
        self.send("Page.navigate", url=url)
        self.wait_for("location.href !== 'about:blank' && document.readyState === 'complete'")

    def resize(self, width: int, height: int) -> None:
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression, promises awaited."""
        done = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def keep_downloads(self, folder: Path) -> None:
        self._browser.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))

    def wait_for(self, script: str, holds: Callable[[Any], bool] = bool) -> Any:
        """The value of an expression once it holds."""
        end = time.monotonic() + LIMIT
        while not holds(value := self.run(script)):
            assert time.monotonic() < end, f"{script} stays {value!r}; problems: {self.problems}"
            self._browser.listen(0.02)
        return value

    def text(self, selector: str) -> str:
        return self.run(f"document.querySelector({selector!r})?.textContent ?? ''")

    def wait_for_text(self, selector: str, part: str) -> str:
        script = f"document.querySelector({selector!r})?.textContent ?? ''"
        return self.wait_for(script, lambda text: part in text)

    def press(self, key: str, code: str = "") -> None:
        about = {"key": key, "code": code or f"Key{key.upper()}"}
        self.send("Input.dispatchKeyEvent", type="keyDown", text=key if len(key) == 1 else "", **about)
        self.send("Input.dispatchKeyEvent", type="keyUp", **about)

    def screenshot(self, path: Path, whole: bool = False) -> None:
        data = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(data))
