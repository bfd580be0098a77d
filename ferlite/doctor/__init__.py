"""What keeps ferlite from working here, and what mends it; needs nothing but Python, which may be all that works.

`cli/doctor.py` prints it; docs/doctor.md says what each finding means.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ferlite.device import ROOT
from ferlite.doctor import cameras, machine, software
from ferlite.doctor.finding import Finding as Finding
from ferlite.doctor.finding import Status as Status
from ferlite.doctor.remedies import in_this_environment


def examine(root: Path = ROOT) -> Iterator[Finding]:
    """Look at everything, one finding after the other; takes some seconds, and most of them for the engines.

    `root` is the folder that the files of the system are looked for in: another one than "/" in tests.
    """
    for finding in _all(root):
        yield replace(finding, advice=in_this_environment(finding.advice))


def _all(root: Path) -> Iterator[Finding]:
    yield from machine.findings(root)
    yield from software.findings()
    yield from cameras.findings(root)
