# SPDX-License-Identifier: Apache-2.0
"""What the hostile kernel said on its console: a pure function from text to a report."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

SKIPPED = 1000
"""In a table: the call was not made, it would have ended the caller."""

SHAPES = (
    *("zeros", "ones", "small", "self", "edges"),
    *("null", "unmapped", "negative", "last", "straddle", "device", "hole"),
)
"""Of arguments, as tests/torture/hostile/shape.c names them."""

MOST_SUBS = 256
"""Sub-operations that a row tries: 0 to 255."""

_ROW = r"(T\d{1,2})"
_WORD = r"([0-9a-f]{1,16})"
_FORMS = {
    "RC": rf"{_ROW} (\d{{1,4}}) ({'|'.join(SHAPES)}|all) (\d{{1,3}}) (\d{{1,3}}) (-?\d{{1,19}})",
    "SEEN": rf"{_ROW} (\d{{1,4}}) {_WORD} {_WORD} {_WORD}",
    "CALLS": rf"{_ROW} (\d{{1,19}})",
    "DRIFT": rf"{_ROW} (-?\d{{1,19}})",
    "END": rf"{_ROW} (\d{{1,19}}) ms",
    "LONGEST": r"(T\d{1,2}-\d{1,4}) (\d{1,19})",
    "REG": r"(\S{1,40}) ([0-9a-f]{16}|[0-9a-f]{32})",
    "INFO": rf"{_ROW} (.+)",
    "FAIL": r"(.+)",
}
"""Kind of line to what stands behind it; numbers of at most 64 bits."""
_LINE = re.compile(rf"^({'|'.join(_FORMS)})\b ?(.*)$", re.MULTILINE)
_LAST = re.compile(r"^DONE passed \d+ failed (\d+) known \d+$", re.MULTILINE)

Place = tuple[str, int, str, int]
"""Row, number of the hypercall, shape of its argument, sub-operation."""


@dataclass
class Row:
    """What one row did. `drift` in pages, `seconds` of the machine's time."""

    calls: int = 0
    drift: int = 0
    seconds: float = 0.0


@dataclass
class Report:
    """One run of the kernel."""

    rows: dict[str, Row] = field(default_factory=dict)
    codes: dict[Place, int] = field(default_factory=dict)
    """Results that must be the same on every hypervisor: 0, 1 for a value, or -XEN_E."""
    seen: dict[int, set[int]] = field(default_factory=dict)
    """Hypercall to the results that random calls of it gave: 0 or -XEN_E; -191 is none of these."""
    registers: dict[str, str] = field(default_factory=dict)
    """Group of system registers to the mask of those that can be used."""
    failures: list[str] = field(default_factory=list)
    longest: dict[str, int] = field(default_factory=dict)
    """What was waited for to the longest wait in microseconds of the machine's time."""
    complete: bool = False

    @property
    def calls(self) -> int:
        """All calls and accesses made."""
        return sum(row.calls for row in self.rows.values())


def _codes(report: Report, words: tuple[str, ...]) -> None:
    row, nr, shape, first, last, code = words
    if not int(first) <= int(last) < MOST_SUBS:
        raise ValueError(f"sub-operations {first} to {last}")
    for one in SHAPES if shape == "all" else (shape,):
        for sub in range(int(first), int(last) + 1):
            report.codes[row, int(nr), one, sub] = int(code)


def _seen(report: Report, words: tuple[str, ...]) -> None:
    bits = sum(int(word, 16) << (64 * i) for i, word in enumerate(words[2:5]))
    errors = report.seen.setdefault(int(words[1]), set())
    errors |= {-n for n in range(192) if bits >> n & 1}


def _line(report: Report, kind: str, rest: str) -> None:
    """Adds what a line says. Raises ValueError for one that is not as the kernel writes it."""
    form = re.fullmatch(_FORMS[kind], rest, re.ASCII)
    if form is None:
        raise ValueError(rest)
    words = form.groups()
    if kind == "RC":
        _codes(report, words)
    elif kind == "SEEN":
        _seen(report, words)
    elif kind == "FAIL":
        report.failures.append(rest)
    elif kind == "REG":
        report.registers[words[0]] = words[1]
    elif kind == "LONGEST":
        report.longest[words[0]] = max(int(words[1]), report.longest.get(words[0], 0))
    elif kind != "INFO":
        _count(report.rows.setdefault(words[0], Row()), kind, int(words[1]))


def _count(row: Row, kind: str, number: int) -> None:
    if kind == "CALLS":
        row.calls += number
    elif kind == "DRIFT":
        row.drift += number
    else:
        row.seconds += number / 1000


def read(console: str) -> Report:
    """The report of a console's text; `complete` if the kernel came to its last line.

    A line that is not as the kernel writes it is among the failures.
    """
    report = Report()
    console = console.replace("\r", "")
    for match in _LINE.finditer(console):
        try:
            _line(report, *match.groups())
        except ValueError:
            report.failures.append(f"a line that nobody can read: {match.group()[:80]}")
    report.complete = _LAST.search(console) is not None
    return report
