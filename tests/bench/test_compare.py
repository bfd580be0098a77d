import copy

import pytest

from ferlite.bench import compare
from ferlite.errors import SettingError


def test_a_report_is_as_fast_as_itself(report):
    table, notes = compare.compare(report, report)
    assert {row[-1] for row in table.rows} == {"1.00"}
    assert len(table.rows) == len(report["steps"]) + 1
    assert all("not a reference" in note for note in notes)


def test_ratios_above_one_say_that_the_second_is_faster(report):
    faster = copy.deepcopy(report)
    for row, factor in zip(faster["steps"], (2.0, 8.0), strict=False):
        row["fps"] *= factor
    faster["steps"] = faster["steps"][:2]
    table, notes = compare.compare(report, faster)
    assert [row[-1] for row in table.rows] == ["2.00", "8.00", "4.00"]
    assert table.rows[-1][0] == "geometric mean"
    assert f"{len(report['steps']) - 2} rows are in one report only" in notes


def test_other_machines_and_thread_counts_are_pointed_out(report):
    other = copy.deepcopy(report)
    other["machine"]["board"] = "Another Board"
    other["steps"] = [row for row in other["steps"] if row["threads"] == 1]
    notes = compare.compare(report, other)[1]
    assert any(note.startswith("different machines:") and "Another Board" in note for note in notes)
    assert "different thread counts: 1, 2 | 1" in notes


def test_reports_without_anything_in_common_cannot_be_compared(report):
    other = copy.deepcopy(report)
    for row in other["steps"]:
        row["detector"] = "yunet"
    with pytest.raises(SettingError, match="no setting in common"):
        compare.compare(report, other)


def test_smallest_faces_are_those_of_the_detectors_in_both(report):
    more = copy.deepcopy(report)
    more["min_face"] = {"another": 0.3, **more["min_face"]}
    assert not any("smallest faces" in note for note in compare.compare(more, report)[1])
    name = next(iter(report["min_face"]))
    more["min_face"][name] = 0.5
    assert any(
        note.startswith("different smallest faces: ") and f"{name} 0.50" in note
        for note in compare.compare(more, report)[1]
    )
