# SPDX-License-Identifier: Apache-2.0
"""What calls may answer: the reviewed tables of tests/torture, and reports held against them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from xenolith import ROOT
from xenolith.errors import UserError
from xenolith.torture.report import SKIPPED, Place, Report

Made = TypeVar("Made")

TABLES = ROOT / "tests" / "torture"

ODD = -191
"""The report's word for a result that is neither a value nor an error number."""


@dataclass(frozen=True)
class Difference:
    """Cells where this hypervisor answers otherwise than Xen, and why that is right."""

    row: str
    nr: int
    subs: frozenset[int]
    shapes: frozenset[str]
    ours: int | None
    xen: int | None
    """None: anything."""
    why: str

    def covers(self, place: Place, ours: int, xen: int) -> bool:
        """True if the cell is one of these."""
        row, nr, shape, sub = place
        return (
            self.row in (row, "*")
            and nr == self.nr
            and (not self.subs or sub in self.subs)
            and (not self.shapes or shape in self.shapes)
            and self.ours in (None, ours)
            and self.xen in (None, xen)
        )


def _each(path: Path, name: str, make: Callable[[dict[str, object]], Made]) -> list[Made]:
    """What is made of each [[name]] of a table. UserError for a file that is not one."""
    try:
        entries = tomllib.loads(path.read_text()).get(name, [])
    except (OSError, ValueError) as e:
        raise UserError(f"{path}: {e}; it is part of the checkout: git restore it") from e
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UserError(f"{path}: {name} is no list of tables: write [[{name}]]")
    found = []
    for entry in entries:
        try:
            found.append(make(entry))
        except (KeyError, ValueError) as e:
            raise UserError(f"{path}: an entry without a right {e}: {entry}") from e
    return found


def _list(entry: dict[str, object], name: str) -> list[str]:
    value = entry.get(name, [])
    if not isinstance(value, list):
        raise ValueError(f"list {name!r}")
    return [str(x) for x in value]


def _number(entry: dict[str, object], name: str) -> int | None:
    return int(str(entry[name])) if name in entry else None


def _difference(entry: dict[str, object]) -> Difference:
    return Difference(
        row=str(entry.get("row", "*")),
        nr=int(str(entry["nr"])),
        subs=frozenset(map(int, _list(entry, "subs"))),
        shapes=frozenset(_list(entry, "shapes")),
        ours=_number(entry, "ours"),
        xen=_number(entry, "xen"),
        why=str(entry["why"]),
    )


def differences(path: Path = TABLES / "differences.toml") -> list[Difference]:
    """The reviewed list. Raises UserError for a file that is not one."""
    return _each(path, "difference", _difference)


def registers(path: Path = TABLES / "differences.toml") -> dict[str, int]:
    """Group of system registers to the bits of its mask that may differ from Xen's.

    Raises UserError for a file that is not such a list.
    """
    return dict(_each(path, "register", lambda one: (str(one["group"]), int(str(one["bits"]), 16))))


def unlisted_registers(ours: Report, xen: Report, listed: dict[str, int]) -> list[str]:
    """A line for each group in which more or fewer registers work than on Xen."""
    found = []
    for group in sorted(set(ours.registers) | set(xen.registers)):
        mine, theirs = (int(one.registers.get(group, "0"), 16) for one in (ours, xen))
        if (mine ^ theirs) & ~listed.get(group, 0):
            found.append(f"T4: registers {group}: here {mine:#034x}, Xen {theirs:#034x}")
    return found


def _results(entry: dict[str, object]) -> tuple[int, frozenset[int]]:
    if "errors" not in entry:
        raise KeyError("errors")
    return int(str(entry["nr"])), frozenset([0, *(-int(n) for n in _list(entry, "errors"))])


def allowed(path: Path = TABLES / "codes.toml") -> dict[int, frozenset[int]]:
    """Hypercall number to the results that it may give: 0 (or a value) and negated errors.

    Raises UserError for a file that is not such a list.
    """
    return dict(_each(path, "hypercall", _results))


def _spans(subs: Iterable[int]) -> str:
    numbers = sorted(subs)
    text: list[str] = []
    for n in numbers:
        if text and n - 1 in numbers:
            text[-1] = f"{text[-1].split('-')[0]}-{n}"
        else:
            text.append(str(n))
    return ",".join(text)


def unlisted(ours: Report, xen: Report, listed: list[Difference]) -> tuple[int, list[str]]:
    """How many cells differ as the list has it, and a line for each group of others."""
    known = 0
    groups: dict[tuple[str, int, str, int, int], list[int]] = {}
    for place, mine in ours.codes.items():
        theirs = xen.codes.get(place, SKIPPED)
        if mine == theirs or SKIPPED in (mine, theirs):
            continue
        if any(one.covers(place, mine, theirs) for one in listed):
            known += 1
        else:
            row, nr, shape, sub = place
            groups.setdefault((row, nr, shape, mine, theirs), []).append(sub)
    return known, [
        f"{row}: hypercall {nr}, sub-operations {_spans(subs)}, {shape}: here {mine}, Xen {theirs}"
        for (row, nr, shape, mine, theirs), subs in groups.items()
    ]


def wrong_codes(report: Report, table: dict[int, frozenset[int]]) -> list[str]:
    """A line for each hypercall that gave something that it never may."""
    found = []
    for nr, seen in sorted(report.seen.items()):
        odd = seen - table.get(nr, frozenset([-38]))
        if odd:
            words = ", ".join("no error number" if n == ODD else str(n) for n in sorted(odd))
            found.append(f"hypercall {nr}: {words} is not among its results in codes.toml")
    return found
