"""What the documentation shows is run as it stands there."""

import doctest
import re
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import cv2
import pytest

import ferlite

README = Path(__file__).parents[1] / "README.md"
MODULES = [
    module.name
    for module in walk_packages(ferlite.__path__, "ferlite.")
    # importing the one runs the command, the other an engine that need not be installed
    if not module.name.endswith(("__main__", "interpreters.onnx"))
]


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name):
    assert doctest.testmod(import_module(name)).failed == 0


def test_there_are_docstrings_to_run():
    finder = doctest.DocTestFinder()
    found = [test.name for name in MODULES for test in finder.find(import_module(name)) if test.examples]
    assert {"ferlite.recognizer.Recognizer", "ferlite.pipeline.Pipeline"} <= set(found)


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL))
def test_readme(code, tmp_path, monkeypatch, portrait, capsys):
    """The user's photo, and the user's camera: here a short clip."""
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("photo.jpg", portrait)
    writer = cv2.VideoWriter("clip.avi", cv2.VideoWriter.fourcc(*"MJPG"), 25, (512, 600))
    for _ in range(5):
        writer.write(portrait)
    writer.release()
    exec(compile(code.replace("Pipeline(0", 'Pipeline("clip.avi"'), "README.md", "exec"), {})
    assert "neutral" in capsys.readouterr().out
