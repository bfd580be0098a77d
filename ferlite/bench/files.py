"""Reports as files: their names, writing them whole, and reading one back."""

import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import ferlite
from ferlite.bench import SCHEMA
from ferlite.errors import OutputError, SourceError

LONGEST = 40  # characters of the board in a file's name


def commit() -> str | None:
    """The commit of the clone ferlite is imported from, with -changed where files differ from it; None elsewhere."""
    clone = Path(ferlite.__file__).resolve().parents[1]
    if not (clone / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(clone), "describe", "--always", "--exclude=*", "--dirty=-changed"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):  # no git
        return None
    return done.stdout.strip() or None


def name(report: dict[str, Any]) -> str:
    """Date, commit or else version, and board, fit for a file's name."""
    board = re.sub(r"[^A-Za-z0-9.]+", "-", report["machine"]["board"]).strip("-.")[:LONGEST].strip("-.") or "unknown"
    return f"{report['date'][:10]}-{report['commit'] or report['machine'].get('ferlite', ferlite.__version__)}-{board}"


def prepare(output: str) -> None:
    """Make the folder that a report is to lie in, and see that it can: before minutes have been spent on measuring.

    Raises OutputError where it cannot.
    """
    folder = _folder(output)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(f"{folder}: no report can be written there: {error.strerror}") from error


def stem(output: str, report: dict[str, Any]) -> Path:
    """Where the report's files go, without suffix: into an existing folder (or one named with a slash), or as given."""
    path = Path(output)
    if _folder(output) == path:
        return path / name(report)
    return path.with_name(path.name.removesuffix(".json").removesuffix(".html").removesuffix(".md"))


def write(path: Path, text: str) -> None:
    """Write a file, whole or not at all. Raises OutputError."""
    try:
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            new = Path(folder, "new")
            new.write_text(text, encoding="utf-8")
            new.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error


def as_json(report: dict[str, Any]) -> str:
    return json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False)


def read(path: str) -> dict[str, Any]:
    """A report that was written as JSON. Raises SourceError for any other file."""
    try:
        report = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SourceError(f"{path}: not a report in JSON: {error}") from error
    if not isinstance(report, dict) or report.get("kind") != "ferlite bench":
        raise SourceError(f"{path}: not a report of `ferlite bench`")
    if report.get("schema") != SCHEMA:
        raise SourceError(
            f"{path}: written in schema {report.get('schema')}, this ferlite reads {SCHEMA}; make the report again"
        )
    return report


def _folder(output: str) -> Path:
    path = Path(output)
    return path if path.is_dir() or output.endswith("/") else path.parent
