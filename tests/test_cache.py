import pytest

from ferlite import cache
from ferlite.errors import OutputError


def test_the_folder_is_the_first_that_is_set(monkeypatch, tmp_path):
    monkeypatch.setenv("FERLITE_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "shared"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.folder() == tmp_path / "own"
    monkeypatch.setenv("FERLITE_CACHE", "~/there")
    assert cache.folder() == tmp_path / "there"
    monkeypatch.delenv("FERLITE_CACHE")
    assert cache.folder() == tmp_path / "shared" / "ferlite"
    for unusable in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", unusable)
        assert cache.folder() == tmp_path / ".cache" / "ferlite"
    assert list(tmp_path.iterdir()) == []


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch):
    monkeypatch.setenv("FERLITE_CACHE", "~no such user/cache")
    with pytest.raises(OutputError, match="set FERLITE_CACHE"):
        cache.folder()
