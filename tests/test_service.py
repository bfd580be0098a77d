"""The unit, judged by systemd's own programs where they are installed."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferlite.__main__ import main
from ferlite.cli import main as main_command
from ferlite.cli import service
from ferlite.errors import SettingError


@pytest.fixture(autouse=True)
def installation(monkeypatch):
    """As if ferlite lay where everybody can read it: a clone in somebody's home need not."""
    found = service._installation()
    monkeypatch.setattr(service, "_installation", list)
    return found


def systemd(*arguments):
    program = shutil.which(arguments[0])
    if program is None:
        pytest.skip(f"{arguments[0]} is not installed")
    return subprocess.run([program, *arguments[1:]], capture_output=True, text=True, check=False)


def settings_of(text):
    return [line for line in text.splitlines() if "=" in line and not line.startswith("#")]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["picamera", "--csv", "-"],
        ["http://camera/stream.mjpg", "--timeout", "inf"],
        ["0", "--mqtt", "mqtts://board@broker/hall", "--jsonl", "faces.jsonl"],
    ],
)
def test_systemd_takes_the_unit_and_finds_it_well_closed_in(arguments, tmp_path):
    path = tmp_path / "ferlite.service"
    path.write_text(service.unit(arguments))
    verified = systemd("systemd-analyze", "verify", "--man=no", path)
    assert verified.returncode == 0
    assert "ferlite.service" not in verified.stderr
    judged = systemd("systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=25", path)
    assert judged.returncode == 0, judged.stdout


def test_the_command_is_that_of_this_installation(capsys):
    assert main_with("service", "--", "0", "--timeout", "inf") == 0
    lines = settings_of(capsys.readouterr().out)
    assert f"ExecStart=:{sys.executable} -P -m ferlite run 0 --timeout inf" in lines


def main_with(*arguments):
    before, sys.argv = sys.argv, ["ferlite", *arguments]
    try:
        return main()
    finally:
        sys.argv = before


def test_only_what_is_needed_is_open(tmp_path):
    camera, stream = (settings_of(service.unit([place])) for place in ("0", "http://camera/stream.mjpg"))
    assert "PrivateNetwork=yes" in camera
    assert "DeviceAllow=char-video4linux rw" in camera
    assert not any(line.startswith(("PrivateNetwork", "DeviceAllow")) for line in stream)
    assert "PrivateDevices=yes" in stream
    assert "After=network-online.target" in stream
    assert "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK" in settings_of(service.unit(["0", "--web"]))
    assert "DeviceAllow=char-dma_heap rw" in settings_of(service.unit(["picamera"]))
    assert "StandardOutput=null" in camera
    assert "StandardOutput=journal" in settings_of(service.unit(["0", "--jsonl", "-"]))


def test_homes_can_be_read_only_where_something_lies_in_them(monkeypatch):
    assert "ProtectHome=yes" in settings_of(service.unit([]))
    monkeypatch.setattr(service, "_check_readable", lambda _: None)
    monkeypatch.setattr(service, "_installation", lambda: [Path("/home/pi/ferlite/.venv/bin/python")])
    assert "ProtectHome=read-only" in settings_of(service.unit([]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["0", "--show"], "a service does not have"),
        (["0", "--mqtt", "mqtt://me:secret@broker"], r"leave the password out .* /etc/ferlite\.env"),
        (["0", "--web", "--web-token", "secret"], r"write FERLITE_WEB_TOKEN=… into /etc/ferlite\.env"),
        (["0", "--jsonl", "/tmp/faces.jsonl"], "give a name without a folder"),
        (["clip.mp4"], r"give its whole path, /.*/clip\.mp4"),
        (["0", "--model", "models/mine.onnx"], r"give its whole path, /.*/models/mine\.onnx"),
        (["/none/clip.mp4"], r"/none/clip\.mp4: cannot be read: No such file"),
        (["0", "--jsonl", "a\udcff"], "is not UTF-8"),
    ],
)
def test_what_cannot_work_in_a_service_is_said(arguments, message):
    with pytest.raises(SettingError, match=message) as said:
        service.unit(arguments)
    assert "secret" not in str(said.value)


def test_what_others_may_not_read_is_said(tmp_path):
    file = tmp_path / "clip.mp4"
    file.touch(0o600)
    with pytest.raises(SettingError, match=r"clip\.mp4: the service, a user of its own, cannot read it, as .*o\+r"):
        service._check_readable(file)
    file.chmod(0o644)
    tmp_path.chmod(0o700)
    with pytest.raises(SettingError, match=rf"as {tmp_path} is closed to others; .*o\+x"):
        service._check_readable(file)


def test_the_installation_is_checked_too(installation, tmp_path, monkeypatch):
    assert all(path.exists() for path in installation)
    tmp_path.chmod(0o700)
    (tmp_path / "python").touch()
    monkeypatch.setattr(service, "_installation", lambda: [tmp_path / "python"])
    with pytest.raises(SettingError, match="a virtual environment in /opt"):
        service.unit([])


def test_wrong_arguments_are_found_before_the_service_is(capsys):
    assert main_with("service", "--", "0", "--nope") == 2
    assert "unrecognized arguments: --nope" in capsys.readouterr().err


NAMES = (
    # control characters are written as in C, of which systemd-tmpfiles knows nothing
    st.text(st.characters(codec="utf-8", exclude_characters="/", exclude_categories=["Cc"]), min_size=1, max_size=60)
    | st.text("ab \"'\\$%;#{}~-", min_size=1, max_size=20)
).filter(lambda name: name not in (".", ".."))


@settings(max_examples=15)
@given(st.lists(NAMES, min_size=1, max_size=30, unique=True))
def test_systemd_reads_what_was_quoted(names):
    """systemd-tmpfiles takes words apart and looks for %… in them as units do; it makes folders of these names."""
    with tempfile.TemporaryDirectory() as made:  # hypothesis does not get fixtures anew
        folder = Path(made)
        rules = folder / "rules.conf"
        rules.write_text("".join(f"d {service.quoted('/made/' + name)}\n" for name in names))
        done = systemd("systemd-tmpfiles", "--create", f"--root={folder}", rules)
        assert done.returncode == 0, done.stderr
        assert {path.name for path in (folder / "made").iterdir()} == set(names)


@pytest.mark.parametrize("source", ["rtsp://board:secret@camera/live", "http://:secret@camera:81/a"])
def test_a_password_of_a_stream_stays_out_of_the_unit(source):
    with pytest.raises(SettingError, match=r"write FERLITE_STREAM_PASSWORD=… into /etc/ferlite\.env") as refused:
        service.unit([source])
    assert "secret" not in str(refused.value)
    assert "rtsp://board@camera:554/live@2" in service.unit(["rtsp://board@camera:554/live@2"])


@pytest.mark.parametrize(("option", "value"), [("--mqtt", "mqtt://broker"), ("--web", "0.0.0.0:8000")])
def test_an_extra_that_is_missing_is_said_before_it_is_tried_again_for_ever(option, value, monkeypatch):
    monkeypatch.setattr(service, "find_spec", lambda name: None)
    with pytest.raises(SettingError, match=f"{option} needs .* pip install 'PATH_TO_A_CLONE.{option[2:]}.'"):
        service.unit(["0", option, value])


def test_arguments_without_the_dashes_before_them_are_explained(capsys):
    with pytest.raises(SystemExit):
        main_command(["service", "0", "--timeout", "inf"])
    assert "unrecognized arguments: --timeout inf; those of `ferlite run` stand after --" in capsys.readouterr().err
