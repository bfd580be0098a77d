"""What the documentation shows is run as it stands there."""

import doctest
import re
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import cv2
import pytest

import ferlite
from ferlite.labelling import label

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MODULES = [
    module.name
    for module in walk_packages(ferlite.__path__, "ferlite.")
    # importing the first runs the command, the others need what is not always installed
    if not module.name.endswith(("__main__", "interpreters.onnx", "web.app", "web.connections", "web.guard"))
]


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name):
    assert doctest.testmod(import_module(name)).failed == 0


def test_there_are_docstrings_to_run():
    finder = doctest.DocTestFinder()
    found = [test.name for name in MODULES for test in finder.find(import_module(name)) if test.examples]
    assert {"ferlite.recognizer.Recognizer", "ferlite.pipeline.Pipeline"} <= set(found)


PROGRAMS = [
    pytest.param(path, code, id=f"{path.name}-{number}")
    for path in PAGES
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL))
]


@pytest.mark.parametrize(("path", "code"), PROGRAMS)
def test_programs(path, code, tmp_path, monkeypatch, portrait, capsys):
    """The user's photo, table and camera, here a short clip."""
    for module in re.findall(r"^import (\w+)", code, re.MULTILINE):
        pytest.importorskip(module)
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("photo.jpg", portrait)
    writer = cv2.VideoWriter("clip.avi", cv2.VideoWriter.fourcc(*"MJPG"), 25, (512, 600))
    for _ in range(5):
        writer.write(portrait)
    writer.release()
    if "faces.parquet" in code:
        pytest.importorskip("pyarrow")
        label("photo.jpg", "faces.parquet")
    exec(compile(code.replace("Pipeline(0", 'Pipeline("clip.avi"'), str(path), "exec"), {})
    said = capsys.readouterr().out
    expected = {"WebPreview": "http:", "duckdb": "photo.jpg", "pyarrow": "1\n"}
    assert next((text for name, text in expected.items() if name in code), "neutral") in said


def test_the_errors_of_the_faq_are_those_of_the_library():
    source = "".join(path.read_text(encoding="utf-8") for path in Path(ferlite.__file__).parent.rglob("*.py"))
    errors = re.findall(r"^`(.+)`\n:", (ROOT / "docs/faq.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(errors) > 10
    for error in errors:
        assert error in source, error


def test_every_benchmark_that_can_be_run_is_on_its_page_and_no_other():
    table = [
        line.split("|")[1]
        for line in (ROOT / "docs/benchmarks.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    ]
    scripts = [path for path in (ROOT / "benchmarks").glob("*.py") if "__main__" in path.read_text(encoding="utf-8")]
    runnable = [path.stem for path in scripts] + [path.parent.name for path in ROOT.glob("benchmarks/*/__main__.py")]
    assert sorted(re.findall("`(.*?)`", "".join(table))) == sorted(runnable)


def test_the_readme_links_to_what_is_there():
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert links
    assert not [link for link in links if not (ROOT / link).exists()]


def test_every_page_and_every_public_name_is_in_the_documentation():
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for path in PAGES[1:]:
        assert path.name in navigation
    reference = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    for name in ferlite.__all__:
        home = getattr(ferlite, name).__module__
        assert f"::: {home}.{name}\n" in reference or (home == "ferlite.errors" and f"::: {home}\n" in reference), name
