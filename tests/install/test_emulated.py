"""The list of what is left out on an emulated processor: it names nothing that is gone, and nothing by mistake."""

import ast
from itertools import pairwise

from tests.conftest import ROOT

LINES = (ROOT / "benchmarks/install/emulated.txt").read_text(encoding="utf-8").splitlines()


def test_it_names_tests_that_are_there_and_no_other_that_begins_alike():
    left_out = [line for line in LINES if line.startswith("tests/")]
    assert left_out
    for line in left_out:
        file, _, name = line.partition("::")
        nodes = ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8")))
        tests = [node.name for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
        # pytest leaves out all that begin so
        assert not name or [test for test in tests if test.startswith(name)] == [name], line


def test_every_group_has_its_reason_above_it():
    for before, line in pairwise(LINES):
        assert line.startswith(("# ", "tests/")) or line == ""
        assert not line.startswith("tests/") or before.startswith(("# ", "tests/")), line
