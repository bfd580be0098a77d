"""Computers that are not well, and one that is a Raspberry Pi."""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import ferlite as package
from ferlite import cards


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the rights of root, who may open everything."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.fixture
def fakes(tmp_path) -> Callable[..., Path]:
    """Write packages, `name="code"`, into a folder that Python is then to look in first."""
    folder = tmp_path / "fakes"
    folder.mkdir()

    def write(**packages: str) -> Path:
        for name, code in packages.items():
            (folder / name).mkdir()
            (folder / name / "__init__.py").write_text(code)
        return folder

    return write


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory) -> str:
    """A Python with its standard library and nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, symlinks=os.name != "nt")
    return str(folder / "bin/python")


@pytest.fixture(scope="session")
def alone(tmp_path_factory) -> Path:
    """A folder with ferlite and its models: where a wheel puts it, the packages it needs lie beside it."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "ferlite").symlink_to(Path(package.__file__).parent)
    (folder / "models").symlink_to(cards.find().weights.parent)
    return folder


@pytest.fixture
def ferlite(tmp_path, alone):
    """Run the command with the packages of a folder first; the process as it ended."""

    def run(
        *arguments: str, fakes: Path | None = None, python: str = sys.executable, home: Path = alone, **settings: str
    ) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
        places = os.pathsep.join(map(str, [home] if fakes is None else [fakes, home]))
        done = subprocess.run(
            [python, "-m", "ferlite", *arguments],
            cwd=tmp_path,
            env=kept | {"PYTHONPATH": places, "VIRTUAL_ENV": sys.prefix} | settings,
            capture_output=True,
            text=True,
            timeout=600,  # an emulated processor takes minutes
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.fixture
def checks(ferlite) -> Callable[..., dict[str, dict[str, Any]]]:
    """What `ferlite doctor --json` says by name, of several cameras or models the last; its exit code is checked."""

    def run(**settings: Any) -> dict[str, dict[str, Any]]:
        done = ferlite("doctor", "--json", **settings)
        report = json.loads(done.stdout)
        assert report["healthy"] == (report["problems"] == 0) == (done.returncode == 0)
        assert report["problems"] == sum(check["status"] == "problem" for check in report["checks"])
        return {check["name"]: check for check in report["checks"]}

    return run


@pytest.fixture
def pi(tmp_path) -> Callable[..., Path]:
    """The files of a Raspberry Pi, with what its firmware and its sensor say."""
    root = tmp_path / "pi"

    def write(throttled: int = 0, celsius: float = 48.3, available: int = 2_000_000) -> Path:
        files = {
            "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
            "proc/meminfo": f"MemTotal: 3884336 kB\nMemFree: 1 kB\nMemAvailable: {available} kB\n",
            "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
            "sys/class/thermal/thermal_zone0/temp": f"{celsius * 1000:.0f}\n",
            "usr/bin/vcgencmd": f"#!/bin/sh\necho throttled=0x{throttled:x}\n",
        }
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content)
        (root / "usr/bin/vcgencmd").chmod(0o755)
        return root

    return write
