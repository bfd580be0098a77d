import re
import sys
from html.parser import HTMLParser

import pytest

from ferlite.bench import page
from ferlite.errors import EngineError

VOID = {"meta", "br", "path", "use", "rect"}


class Checker(HTMLParser):
    """Notes what is opened and never closed, all ids, and all that a browser would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.open, self.ids, self.fetched, self.text = [], [], [], []

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)
        self._note(dict(attributes))

    def handle_startendtag(self, tag, attributes):
        self._note(dict(attributes))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def _note(self, attributes):
        self.ids += [attributes["id"]] if "id" in attributes else []
        links = [attributes.get(name) for name in ("src", "href", "xlink:href")]
        self.fetched += [link for link in links if link and not link.startswith("#")]


def checked(text):
    checker = Checker()
    checker.feed(text)
    assert checker.open == []
    return checker


def test_the_page_is_whole_and_fetches_nothing(report):
    text = page.html(report)
    checker = checked(text)
    assert checker.fetched == []
    assert not re.search(r"@import|url\((?!#)|<script|<link", text)
    assert len(checker.ids) == len(set(checker.ids))


def test_the_page_has_all_plots_and_tables(report):
    text = page.html(report)
    for title in ("Latency of a frame", "Where the time goes", "More faces", "Larger frames", "Accuracy against time"):
        assert f"<h2>{title}</h2>" in text
    assert text.count("<svg") == 5
    assert text.count("<caption>") == text.count("<table>") == 5


def test_colours_of_the_plots_are_those_of_the_page(report):
    text = page.html(report)
    drawn = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
    assert "var(--s1)" in drawn
    assert not set(re.findall(r"#[0-9a-f]{6}\b", drawn)) - {"#ffffff"}


def test_what_comes_from_outside_is_text(report):
    report["machine"]["board"] = "<b>board & co</b>"
    report["source"]["name"] = "<i>clip</i>"
    assert "<b>board" not in page.html(report)
    assert "<b>board & co</b>" in "".join(checked(page.html(report)).text)


def test_a_throttled_run_has_a_banner(report):
    report["reasons"] = ["the machine was slowed down: throttled"]
    assert 'class="note bad" role="note">Not a reference: the machine was slowed down' in page.html(report)


def test_a_report_without_accuracy_or_a_setting_that_works_still_has_a_page(report):
    report["models"][0]["accuracy"] = {}
    for row in report["steps"]:
        row["right_number"] = 0.0
    text = page.html(report)
    checked(text)
    assert "No setting" in text
    assert text.count("<svg") == 4


def test_without_matplotlib_it_says_what_to_install(report, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(EngineError, match=r"pip install 'ferlite\[report\]'"):
        page.html(report)
