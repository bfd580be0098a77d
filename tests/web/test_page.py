"""The page in a real browser: what people see, hear and do there."""

import json
import re
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ferlite import Box, Face, FrameResult, WebPreview
from ferlite.drawing import COLORS
from ferlite.web import app
from tests.conftest import EMOTIONS
from tests.web.browser import Browser, Page
from tests.web.conftest import wait_for

STATE = "document.querySelector('#state').textContent"
PIXEL = "[...document.querySelector('#picture').getContext('2d').getImageData(5, 5, 1, 1).data]"


@contextmanager
def writing(sink: WebPreview, make: Callable[[int], FrameResult]) -> Iterator[None]:
    """Results all the time, from a thread."""
    stop = threading.Event()

    def write() -> None:
        seq = 0
        while not stop.wait(0.03):
            sink.write(make(seq))
            seq += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def looks(make_result: Callable[..., FrameResult], face: Face) -> Callable[..., Callable[[int], FrameResult]]:
    """Results with a face for each label given, numbered from 1 on."""

    def make(*labels: str, shade: int = 128) -> Callable[[int], FrameResult]:
        faces = []
        for number, label in enumerate(labels, 1):
            part = np.full(7, 0.05, np.float32)
            part[EMOTIONS.index(label)] = 0.7
            box = Box(20 * number, 30, 15, 15)
            faces.append(replace(face, track_id=number, label=label, probabilities=part, raw=part, box=box))

        def result(seq: int) -> FrameResult:
            made = replace(make_result(seq), faces=tuple(faces))
            made.frame.image[:] = shade
            return made

        return result

    return make


@contextmanager
def opened(browser: Browser, sink: WebPreview, path: str = "", **settings: Any) -> Iterator[Page]:
    with browser.page(**settings) as page:
        page.open(sink.url + path)
        yield page


def test_it_shows_the_picture_the_emotions_and_the_past_with_nothing_from_elsewhere(chromium, preview, looks):
    with writing(preview, looks("happy", "sad", shade=200)), opened(chromium, preview) as page:
        page.wait_for(STATE, lambda state: state == "Live")
        assert page.wait_for(PIXEL, lambda pixel: pixel[3] == 255)[:3] == pytest.approx([200] * 3, abs=4)
        page.wait_for("document.querySelectorAll('.face').length", lambda count: count == 2)
        assert page.text(".face:nth-child(1) h3 b") == "happy"
        assert page.text(".face:nth-child(2) h3 span") == "Face 2"
        rows = page.run("[...document.querySelectorAll('.face:nth-child(1) .bars li')].map((row) => row.innerText)")
        assert [row.split() for row in rows] == [[name, "70" if name == "happy" else "5", "%"] for name in EMOTIONS]
        colors = page.run(
            "[...document.querySelectorAll('.face:nth-child(1) .bar i')]"
            ".map((bar) => getComputedStyle(bar).backgroundColor)"
        )
        assert colors == [f"rgb({red}, {green}, {blue})" for blue, green, red in COLORS]
        page.wait_for("document.querySelector('#timeline')?.innerText ?? ''", lambda text: "sad 100 %" in text)
        page.wait_for("document.title", lambda title: title == "happy, sad – ferlite")
        assert float(page.text("#fps")) > 0
        assert page.text("#latency") == "10 ms"
        assert page.problems == []
        assert {url for url in page.requested if not url.startswith(preview.url)} == set()
        assert page.run("document.querySelectorAll('[style*=url], iframe, object').length") == 0


def test_it_works_behind_a_proxy_that_asks_by_another_name(chromium, preview, looks):
    with writing(preview, looks("happy")), renaming(preview.port) as port, chromium.page() as page:
        # by this name, as in a network without TLS, the browser does not say whose request it is
        page.open(f"http://door.test:{port}/")
        page.wait_for(STATE, lambda state: state == "Live")
        page.wait_for(PIXEL, lambda pixel: pixel[3] == 255)


@contextmanager
def renaming(port: int) -> Iterator[int]:
    """A proxy in front of a port, as nginx is by default: the Host of each request is the one behind it."""

    class Proxy(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            taken.append(self.request)
            with socket.create_connection(("127.0.0.1", port)) as behind:
                back = threading.Thread(target=self.carry, args=(behind, self.request))
                back.start()
                self.carry(self.request, behind)
                with suppress(OSError):  # it has ended by itself
                    behind.shutdown(socket.SHUT_RDWR)
                back.join()

        def carry(self, one: socket.socket, other: socket.socket) -> None:
            with suppress(OSError):  # either side has left
                while data := one.recv(1 << 16):
                    other.sendall(re.sub(rb"\r\nHost: [^\r]*", b"\r\nHost: 127.0.0.1:%d" % port, data))

    taken: list[socket.socket] = []
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Proxy) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
            for connection in taken:
                with suppress(OSError):  # closed already
                    connection.shutdown(socket.SHUT_RDWR)


def test_nobody_in_the_picture_is_said(chromium, preview, looks):
    with writing(preview, looks()), opened(chromium, preview) as page:
        page.wait_for(STATE, lambda state: state == "Live")
        page.wait_for("document.title", lambda title: title == "No face – ferlite")
        assert page.run("document.querySelector('#people').innerText.includes('No face in the picture.')")
        page.wait_for_text("#more", "No face so far.")


def test_a_lost_source_is_said_and_its_return(chromium, preview, looks):
    with opened(chromium, preview) as page:
        page.wait_for_text("#notice", "has had no picture yet")
        with writing(preview, looks("fear")):
            page.wait_for(STATE, lambda state: state == "Live")
            assert page.text("#notice") == ""
        page.wait_for_text("#notice", "No picture for some seconds")
        assert page.text("#state") == "No picture"
        assert page.run("document.title") == "No picture – ferlite"
        with writing(preview, looks("fear")):
            page.wait_for(STATE, lambda state: state == "Live")


def test_the_end_is_said_and_the_page_goes_on_by_itself_when_it_is_started_again(chromium, looks):
    with chromium.page() as page:
        with WebPreview(port=0) as sink:
            page.open(sink.url)
            with writing(sink, looks("happy")):
                page.wait_for(STATE, lambda state: state == "Live")
        page.wait_for_text("#notice", "ferlite has ended")
        assert page.text("#state") == "Ended"
        with WebPreview(port=sink.port) as again, writing(again, looks("sad", shade=60)):
            page.wait_for(STATE, lambda state: state == "Live")
            page.wait_for_text(".face h3 b", "sad")
            page.wait_for(PIXEL, lambda pixel: pixel[0] < 70)
            assert page.text("#notice") == ""


def test_a_page_too_many_says_why_it_has_no_picture(chromium, preview, looks, monkeypatch):
    monkeypatch.setattr(app, "STREAMS", 1)
    with writing(preview, looks("happy")), opened(chromium, preview) as first:
        first.wait_for(PIXEL, lambda pixel: pixel[3] == 255)
        with opened(chromium, preview) as second:
            second.wait_for_text("#notice", "There are 1 viewers already")
            assert second.text("#state") == "Not connected"


def test_pause_is_this_pages_alone(chromium, preview, looks):
    with opened(chromium, preview) as page:
        with writing(preview, looks("happy", shade=200)):
            page.wait_for(STATE, lambda state: state == "Live")
            page.wait_for(PIXEL, lambda pixel: pixel[3] == 255)
            page.press(" ", "Space")
            assert page.wait_for(STATE, lambda state: state == "Paused")
            assert page.text("#pause") == "Resume"
            wait_for(lambda: preview._feed.viewers == 1)  # of results only: the device draws nothing for this page
        with writing(preview, looks("sad", shade=60)):
            wait_for(lambda: preview._feed.moment.result.faces[0].label == "sad")
            chromium.listen(0.3)
            assert page.text(".face h3 b") == "happy"
            assert page.run(PIXEL)[0] > 190
            page.run("document.querySelector('#pause').click()")
            page.wait_for_text(".face h3 b", "sad")
            page.wait_for(PIXEL, lambda pixel: pixel[0] < 70)


def test_the_picture_on_the_page_is_saved_by_key_and_button(chromium, preview, looks, tmp_path):
    with writing(preview, looks("happy", shade=200)), opened(chromium, preview) as page:
        page.wait_for("document.querySelector('#snapshot').disabled", lambda disabled: not disabled)
        page.send("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
        page.press("s")
        (path,) = wait_for(lambda: list(tmp_path.glob("ferlite-*.jpg")))
        wait_for(lambda: path.read_bytes()[-2:] == b"\xff\xd9")
        assert path.read_bytes()[:2] == b"\xff\xd8"
        page.run("document.querySelector('#shortcuts').click()")  # switched off, as 2.1.4 of the WCAG asks for
        page.run("document.querySelector('#shortcuts').blur()")
        page.press(" ", "Space")
        chromium.listen(0.1)
        assert page.text("#state") == "Live"


def test_space_on_a_button_presses_the_button_alone(chromium, preview, looks):
    with writing(preview, looks("happy")), opened(chromium, preview) as page:
        page.wait_for(STATE, lambda state: state == "Live")
        page.run("document.querySelector('#pause').focus()")
        page.press(" ", "Space")
        page.wait_for(STATE, lambda state: state == "Paused")


def test_changes_are_spoken_once_and_nothing_else_is(chromium, preview, looks):
    with opened(chromium, preview) as page:
        page.wait_for_text("#notice", "no picture yet")
        page.run(
            "window.said = []; new MutationObserver(() => said.push(document.querySelector('#spoken').textContent))"
            ".observe(document.querySelector('#spoken'), { childList: true, characterData: true, subtree: true })"
        )
        with writing(preview, looks("happy", "sad")):
            page.wait_for("said", lambda said: said == ["Face 1 happy and Face 2 sad"])
            chromium.listen(0.5)
        assert page.run("said") == ["Face 1 happy and Face 2 sad"]
        live = page.run(
            "[...document.querySelectorAll('[aria-live], [role=status], [role=alert]')].map(({ id }) => id)"
        )
        assert sorted(live) == ["notice", "spoken"]


@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_phones_and_all_its_text_can_be_read(chromium, preview, looks, dark):
    make = looks(*(EMOTIONS * 2))

    def many(seq: int) -> FrameResult:
        result = make(seq)  # in every other frame one of them is not found
        return replace(result, faces=(replace(result.faces[0], unseen=0.1), *result.faces[1:])) if seq % 2 else result

    with writing(preview, many), opened(chromium, preview, width=360, height=640, dark=dark) as page:
        page.wait_for("document.querySelectorAll('.face').length", lambda count: count == 14)
        page.wait_for_text("#timeline", "100 %")
        assert page.run("document.documentElement.scrollWidth <= innerWidth")
        wide = page.run(
            "[...document.querySelectorAll('body *')].filter((e) => e.getClientRects().length && "
            "e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 80))"
        )
        assert wide == []
        buttons = page.run("[...document.querySelectorAll('button')].map((b) => b.getBoundingClientRect().height)")
        assert min(buttons) >= 44  # for fingers
        assert [found for found in page.run(CONTRASTS) if found[0] < 4.5] == []
        page.resize(1280, 800)
        assert [found for found in page.run(CONTRASTS) if found[0] < 4.5] == []
        see_through = page.run(
            "[...document.querySelectorAll('body *')].filter((e) => getComputedStyle(e).opacity < 1 && "
            "e.textContent.trim()).map((e) => e.outerHTML.slice(0, 80))"
        )
        assert see_through == []  # contrasts would be lower than they are counted here


def test_everything_has_a_role_and_a_name(chromium, preview, looks):
    with writing(preview, looks("happy")), opened(chromium, preview) as page:
        page.wait_for(STATE, lambda state: state == "Live")
        nodes = page.send("Accessibility.getFullAXTree")["nodes"]
    found = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]
    roles = {role for role, _ in found}
    assert {"banner", "main", "contentinfo", "heading", "button", "checkbox", "status"} <= roles
    named = ("button", "checkbox", "image", "Canvas", "region", "heading", "link")
    assert [entry for entry in found if entry[0] in named and not entry[1].strip()] == []
    assert ("button", "Pause") in found
    assert {name for role, name in found if role == "region"} == {"Picture", "Faces", "Last 5 minutes"}


def test_what_does_not_move_needs_no_motion(chromium, preview, looks):
    with writing(preview, looks("happy")), opened(chromium, preview) as page:
        motion = "getComputedStyle(document.querySelector('.bar i')).transitionDuration"
        page.wait_for("document.querySelectorAll('.bar i').length")
        assert page.run(motion) != "0s"
        page.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
        assert page.run(motion) == "0s"
        assert page.run("document.getAnimations().length") == 0


def test_strange_labels_are_text(chromium, preview, make_result, face):
    label = "<img src=x onerror=alert(1)>"
    values = np.float32([0.5, 0.5])
    strange = replace(face, labels=(label, "1"), label=label, probabilities=values, raw=values)
    with writing(preview, lambda seq: replace(make_result(seq), faces=(strange,))), opened(chromium, preview) as page:
        page.wait_for_text(".face h3 b", label)
        assert page.run("document.querySelectorAll('#people img').length") == 0
        assert page.problems == []


def test_the_token_leaves_the_address_and_those_without_are_asked(chromium, looks):
    token = "correct horse battery"
    with WebPreview(port=0, token=token) as sink, writing(sink, looks("happy")), chromium.page() as page:
        page.open(f"http://127.0.0.1:{sink.port}/")
        page.wait_for("document.title", lambda title: title == "Token needed – ferlite")
        assert [found for found in page.run(CONTRASTS) if found[0] < 4.5] == []
        places = page.run("[...document.querySelectorAll('main > *')].map((e) => e.getBoundingClientRect().toJSON())")
        assert (
            len({place["left"] for place in places if place["width"]}) == 1
        )  # below each other, also where it is wide
        page.run("document.querySelector('#token').value = 'a wrong one'")
        page.run("document.querySelector('form').requestSubmit()")
        page.wait_for("document.querySelector('[role=alert]')?.getClientRects().length")
        page.run(f"document.querySelector('#token').value = {json.dumps(token)}")
        page.run("document.querySelector('form').requestSubmit()")
        page.wait_for("document.querySelector('#state')?.textContent", lambda state: state == "Live")
        page.wait_for(PIXEL, lambda pixel: pixel[3] == 255)
        assert page.run("location.href") == f"http://127.0.0.1:{sink.port}/"
        assert page.run("document.cookie") == ""  # no script sees it


# of each element with text of its own: the contrast as the WCAG define it, and what it is
CONTRASTS = """(() => {
  const parse = (color) => { const v = color.match(/[\\d.]+/g).map(Number); return [v[0], v[1], v[2], v[3] ?? 1]; };
  const part = (value) => { const v = value / 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = parse(getComputedStyle(e).backgroundColor);
      if (color[3] > 0) return color;
    }
    return [255, 255, 255, 1];
  };
  const found = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.getClientRects().length || element.closest('noscript, .unseen')) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found.push([Math.round(contrast * 100) / 100, element.outerHTML.slice(0, 80)]);
  }
  return found;
})()"""
