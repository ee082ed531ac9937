# SPDX-License-Identifier: Apache-2.0
"""What pytest's JUnit files say, as tables for people. No processes here."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pytest import ExitCode

from xenolith.testing.plan import LAYERS

SLOWEST = 10


@dataclass(frozen=True)
class Case:
    """One test and how it went: "passed", "failed" (also in set-up) or "skipped"."""

    layer: str
    name: str
    outcome: str
    seconds: float
    """With its fixtures, as far as it was the first to use them."""
    reason: str = ""


@dataclass(frozen=True)
class Ran:
    """A pass over a board."""

    board: str
    cases: tuple[Case, ...]
    seconds: float
    code: int
    """pytest's exit code."""

    @property
    def ok(self) -> bool:
        """True if nothing failed; a board may have no test of those that were chosen."""
        return self.code in (ExitCode.OK, ExitCode.NO_TESTS_COLLECTED)


def read(path: Path) -> tuple[Case, ...]:
    """The cases of a JUnit file; none where pytest could not write one."""
    try:
        tree = ET.parse(path)
    except (OSError, ET.ParseError):
        return ()
    return tuple(_case(element) for element in tree.iter("testcase"))


def _case(element: ET.Element) -> Case:
    words = element.get("classname", "").split(".")
    layer = next((word for word in words if word in LAYERS), "")
    name = f"{'/'.join(words)}::{element.get('name')}"
    seconds = float(element.get("time", 0))
    skipped = element.find("skipped")
    if skipped is not None:
        return Case(layer, name, "skipped", seconds, skipped.get("message", ""))
    failed = element.find("failure") is not None or element.find("error") is not None
    return Case(layer, name, "failed" if failed else "passed", seconds)


def counts(runs: Iterable[Ran]) -> str:
    """`12 passed, 0 failed, 1 skipped`. A pass that ended badly without a failed test has one."""
    found: Counter[str] = Counter()
    for ran in runs:
        one = Counter(case.outcome for case in ran.cases)
        if not ran.ok and not one["failed"]:
            one["failed"] = 1
        found += one
    return ", ".join(f"{found[name]} {name}" for name in ("passed", "failed", "skipped"))


def times(setup: float, runs: list[Ran]) -> str:
    """Where the seconds went: layers by boards, the slowest tests, what was skipped and why.

    `setup`: seconds of installing. "ready" is what a pass did besides tests: downloads, dom0.
    """
    heads = [*LAYERS, "ready", "all"]
    rows = [["seconds", *heads]]
    for ran in runs:
        spent = [sum(c.seconds for c in ran.cases if c.layer == layer) for layer in LAYERS]
        figures = [*spent, ran.seconds - sum(spent), ran.seconds]
        rows.append([ran.board, *(f"{figure:.0f}" if figure else "-" for figure in figures)])
    total = setup + sum(ran.seconds for ran in runs)
    rows.append(["installing", *["-"] * len(LAYERS), f"{setup:.0f}", f"{setup:.0f}"])
    rows.append(["all", *[""] * len(LAYERS), "", f"{total:.0f}"])
    widths = [max(len(row[i]) for row in rows) for i in range(len(heads) + 1)]
    lines = [
        f"{row[0]:{widths[0]}}  " + "  ".join(f"{row[i]:>{widths[i]}}" for i in range(1, len(row)))
        for row in rows
    ]
    return "\n".join([*lines, *_slowest(runs), *_skipped(runs)])


def _slowest(runs: list[Ran]) -> list[str]:
    cases = [(case.seconds, ran.board, case.name) for ran in runs for case in ran.cases]
    rows = [f"{s:6.1f} s  {board}  {name}" for s, board, name in sorted(cases)[: -SLOWEST - 1 : -1]]
    return ["slowest tests (the first that uses a build pays for it):", *rows]


def _skipped(runs: list[Ran]) -> list[str]:
    found = Counter((ran.board, c.reason) for ran in runs for c in ran.cases if c.reason)
    return [f"skipped: {n} on {board}: {reason}" for (board, reason), n in sorted(found.items())]
