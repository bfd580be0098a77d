import json

import pytest

from ferlite.bench import files
from ferlite.errors import OutputError, SourceError


def test_a_report_comes_back_as_it_was_written(report, tmp_path):
    path = tmp_path / "report.json"
    files.write(path, files.as_json(report))
    assert files.read(str(path)) == report
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_named_by_date_commit_and_board(report):
    report |= {"date": "2026-01-02T03:04:05+0000", "commit": "0123abc"}
    report["machine"] |= {"board": "Raspberry Pi 4 Model B Rev 1.4 / (4 GB)", "ferlite": "9.9"}
    assert files.name(report) == "2026-01-02-0123abc-Raspberry-Pi-4-Model-B-Rev-1.4-4-GB"
    assert files.name(report | {"commit": None}).startswith("2026-01-02-9.9-")
    report["machine"]["board"] = "../.."
    assert files.name(report) == "2026-01-02-0123abc-unknown"


def test_a_folder_gets_a_name_of_its_own_and_a_name_is_taken_as_it_is(report, tmp_path):
    assert files.stem(str(tmp_path), report) == tmp_path / files.name(report)
    assert files.stem(f"{tmp_path}/new/", report) == tmp_path / "new" / files.name(report)
    assert files.stem(f"{tmp_path}/mine.html", report) == tmp_path / "mine"
    assert files.stem(f"{tmp_path}/v1.2", report) == tmp_path / "v1.2"


def test_the_folder_of_a_report_is_made(tmp_path):
    files.prepare(f"{tmp_path}/a/b/")
    files.prepare(f"{tmp_path}/c/name")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "b", "c"]


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="no report can be written there: Not a directory"):
        files.prepare(f"{tmp_path}/file/sub/")
    with pytest.raises(OutputError, match="cannot be written"):
        files.write(tmp_path / "file" / "report.md", "")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not a report in JSON"),
        ("[]", "not a report of `ferlite bench`"),
        (json.dumps({"kind": "ferlite bench", "schema": 99}), "written in schema 99"),
    ],
)
def test_files_that_are_no_reports_are_refused(tmp_path, content, message):
    path = tmp_path / "report.json"
    path.write_text(content)
    with pytest.raises(SourceError, match=message):
        files.read(str(path))


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(SourceError, match="No such file"):
        files.read(str(tmp_path / "none.json"))
