# SPDX-License-Identifier: Apache-2.0
"""How much of the core the host layer's tests execute: counted by GCC, gathered by gcovr."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xenolith import ROOT
from xenolith.errors import UserError

FOLDER = ROOT / "build" / "coverage"
"""Where objects and their counters are (`objects`), and the pages (`html`)."""
PAGE = FOLDER / "html" / "index.html"
RULES = ROOT / "tests" / "host" / "coverage.toml"
SWITCH = "XENOLITH_COVERAGE"
"""In the environment of tests/host: compile everything with counters."""


@dataclass(frozen=True)
class Rules:
    """What is asked: percent of lines and branches by folder; what lines' branches do not count."""

    floors: Mapping[str, tuple[float, float]]
    unreachable: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """A folder: lines and branches that were executed, and how many there are."""

    folder: str
    lines: int
    all_lines: int
    branches: int
    all_branches: int

    @property
    def line_percent(self) -> float:
        """Of the lines; a folder without any has all."""
        return percent(self.lines, self.all_lines)

    @property
    def branch_percent(self) -> float:
        """Of the branches."""
        return percent(self.branches, self.all_branches)


def percent(some: int, everything: int) -> float:
    """With one digit, rounded down: 99.99 is not 100."""
    return 1000 * some // everything / 10 if everything else 100.0


def read_rules(path: Path = RULES) -> Rules:
    """The file of rules."""
    content = tomllib.loads(path.read_text())
    floors = {
        name: (float(lines), float(branches))
        for name, (lines, branches) in content["floors"].items()
    }
    return Rules(floors, tuple(entry["line"] for entry in content["unreachable"]))


def rows_of(files: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Folders by name, and all together, of the "files" in gcovr's summary."""
    found: dict[str, Counter[str]] = {}
    keys = ("line_covered", "line_total", "branch_covered", "branch_total")
    for file in files:
        folder = "/".join(str(file["filename"]).split("/")[:2])
        for name in (folder, "all"):
            found.setdefault(name, Counter()).update({key: file[key] for key in keys})
    everything = found.pop("all", Counter[str]())
    counts = [*sorted(found.items()), ("all", everything)]
    return [Row(name, *(count[key] for key in keys)) for name, count in counts]


def too_low(rows: Sequence[Row], floors: Mapping[str, tuple[float, float]]) -> list[str]:
    """A line for each folder below its floor, and for each that has none or is gone."""
    seen = {row.folder: row for row in rows}
    wrong = [f"{name}: no floor in {RULES.name}" for name in seen if name not in floors]
    for name, (lines, branches) in floors.items():
        row = seen.get(name)
        if row is None:
            wrong.append(f"{name}: nothing of it was compiled")
        elif row.line_percent < lines or row.branch_percent < branches:
            wrong.append(
                f"{name}: {row.line_percent} % of lines, {row.branch_percent} % of branches; "
                f"{lines} and {branches} wanted"
            )
    return wrong


def table(rows: Sequence[Row]) -> str:
    """For people."""
    width = max(len(row.folder) for row in rows)
    lines = [f"{'coverage':{width}}  {'lines':>20}  {'branches':>20}"]
    for row in rows:
        first = f"{row.lines} of {row.all_lines}"
        second = f"{row.branches} of {row.all_branches}"
        lines.append(
            f"{row.folder:{width}}  {first:>13} {row.line_percent:>5.1f}%"
            f"  {second:>13} {row.branch_percent:>5.1f}%"
        )
    return "\n".join(lines)


def described(rows: Sequence[Row], wrong: Sequence[str], ok: bool) -> dict[str, object]:
    """For programs."""
    return {
        "ok": ok,
        "page": str(PAGE),
        "below": list(wrong),
        "folders": {
            row.folder: {
                "lines": [row.lines, row.all_lines],
                "branches": [row.branches, row.all_branches],
            }
            for row in rows
        },
    }


def reason(said: str) -> str:
    """Why gcovr gave up: the error of its traceback, if there is one."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"[\w.]+(Error|Exception): ", line)]
    return (errors or lines or ["no reason given"])[-1]


def gather(rules: Rules, folder: Path = FOLDER) -> list[Row]:
    """Adds up what all programs counted, and writes the pages. Raises UserError."""
    if next((folder / "objects").rglob("*.gcda"), None) is None:
        raise UserError(f"no test has counted anything in {folder / 'objects'}")
    (folder / "html").mkdir(parents=True, exist_ok=True)
    summary = folder / "summary.json"
    command = [sys.executable, "-m", "gcovr", "--root", str(ROOT), "--filter", "xen/", "-j", "2"]
    for line in rules.unreachable:
        command += ["--exclude-branches-by-pattern", f".*{line}.*"]
    command += ["--json-summary", str(summary), "--html-nested", str(folder / "html/index.html")]
    command += ["--html-title", "Xenolith's core, by the tests of the host layer"]
    command += ["--html-medium-threshold", "80", "--html-high-threshold", "95"]
    command += ["--html-medium-threshold-branch", "75", "--html-high-threshold-branch", "90"]
    command.append(str(folder / "objects"))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UserError(f"gcovr could not read {folder / 'objects'}: {reason(done.stderr)}")
    return rows_of(json.loads(summary.read_text())["files"])
