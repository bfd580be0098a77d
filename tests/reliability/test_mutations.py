import shutil

import pytest

from benchmarks.reliability import mutations
from benchmarks.reliability.mutations import MUTATIONS, Mutation
from ferlite.errors import FerliteError


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.safeguard)
def test_every_safeguard_is_where_the_mutation_expects_it(mutation, tmp_path):
    (tmp_path / mutation.file).parent.mkdir(parents=True)
    shutil.copy(mutations.ROOT / mutation.file, tmp_path / mutation.file)
    mutations.mutate(tmp_path, mutation)
    changed = (tmp_path / mutation.file).read_text()
    compile(changed, mutation.file, "exec")
    with pytest.raises(FerliteError, match="0 times, not once"):
        mutations.mutate(tmp_path, mutation)


def test_tests_that_notice_and_tests_that_do_not(tmp_path):
    (tmp_path / "guard.py").write_text("LIMIT = 5\n")
    (tmp_path / "test_guard.py").write_text("import guard\n\ndef test_limit():\n    assert guard.LIMIT == 5\n")
    (tmp_path / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
    assert mutations.tested(tmp_path, ("test_guard.py",)) is None
    mutations.mutate(tmp_path, Mutation("the limit", "guard.py", "LIMIT = 5", "LIMIT = 6", ()))
    assert "test_guard.py::test_limit" in mutations.tested(tmp_path, ("test_guard.py",))
    assert mutations.tested(tmp_path, ("test_nothing.py",)) is None
