import pytest

from ferlite.errors import OutputError
from ferlite.sinks.window import Window


@pytest.mark.parametrize("display", [None, ":77"])
def test_no_screen_is_said_instead_of_ending_the_process(monkeypatch, display):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    if display:
        monkeypatch.setenv("DISPLAY", display)
    with pytest.raises(OutputError, match="no screen"):
        Window()
