"""`ferlite doctor`: what works here and what does not, with what mends it. Imports nothing that may be broken."""

import argparse
import json
import os
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING

from ferlite import __version__, doctor
from ferlite.doctor import Finding, Status

if TYPE_CHECKING:
    from ferlite.cli.options import Commands

COLORS = {Status.OK: "32", Status.NOTE: "33", Status.PROBLEM: "31"}  # ECMA-48: green, yellow, red
WIDTH = 100
MARGIN = 25  # columns for the status and the name


def add_to(commands: "Commands") -> None:
    parser = commands.add_parser(
        "doctor",
        help="what works here and what does not, with the line that mends it",
        description="Looks at the board, Python, the engines, OpenCV, the models and the cameras. Exit code 0: "
        "healthy, 1: something has to be mended.",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object, for scripts")
    parser.set_defaults(command=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    found = []
    for finding in doctor.examine():
        found.append(finding)
        if not options.json:
            print(_lines(finding, _colored()), flush=True)
    problems = sum(finding.status is Status.PROBLEM for finding in found)
    if options.json:
        report = {"ferlite": __version__, "healthy": problems == 0, "problems": problems}
        print(json.dumps(report | {"checks": [finding.as_dict() for finding in found]}))
    else:
        print(f"\n{problems} problem{'s' * (problems > 1)}" if problems else "\nhealthy")
    return 1 if problems else 0


def _lines(finding: Finding, colored: bool) -> str:
    width = min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)
    lines = textwrap.wrap(finding.text, max(20, width - MARGIN), break_long_words=False, break_on_hyphens=False)
    if finding.advice:
        lines.append(f"→ {finding.advice}")  # in one line, so that it can be copied
    status = f"{finding.status.value:9}"
    if colored:
        status = f"\033[{COLORS[finding.status]}m{status}\033[0m"
    return f"{status}{finding.name:{MARGIN - 9}}" + f"\n{'':{MARGIN}}".join(lines)


def _colored() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
