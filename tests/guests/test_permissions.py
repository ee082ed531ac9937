# SPDX-License-Identifier: Apache-2.0
"""The permission matrix: what docs/PERMISSIONS.md says is what dom0 and a guest get.

The kernel `matrix` makes every call and knows the exact answers, on Xen too; here its calls are
held against the table.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from xenolith import ROOT

COLUMNS = (
    ("dom0", "self"),
    ("dom0", "guest"),
    ("guest", "self"),
    ("guest", "dom0"),
    ("guest", "guest"),
)
"""Caller and named domain in the order of the table; `self` also where a call names none."""

ROW = re.compile(r"\| (\w+) \| ([\w-]+)(, peer)? \| (\d+|-) \|((?: (?:yes|no|-) \|){5})")
CELL = re.compile(r"CELL (\w+) (\d+) (\S+) (dom0|guest) (\S+) (-?\d+) (refused|allowed)")

Cell = tuple[str, int, str, str, str]
"""Hypercall, operation, `peer` or `-`, caller, named domain."""


def _documented(table: str) -> Iterator[tuple[Cell, str]]:
    for row in filter(None, map(ROW.fullmatch, table.splitlines())):
        hypercall, operation, peer, number, may = row.groups()
        nr = 0 if operation == "-" else int(number)
        for column, word in zip(COLUMNS, may.replace("|", "").split(), strict=True):
            if word != "-":
                yield (hypercall, nr, "peer" if peer else "-", *column), word


def _called(console: str) -> Iterator[tuple[Cell, str]]:
    """Calls of the table's rows: other variants and calls on nobody or by number are its own."""
    for cell in filter(None, map(CELL.fullmatch, console.splitlines())):
        hypercall, number, variant, caller, target, _, outcome = cell.groups()
        if variant in ("-", "peer") and target not in ("nobody", "number"):
            named = "self" if target == "-" else target
            may = "yes" if outcome == "allowed" else "no"
            yield (hypercall, int(number), variant, caller, named), may


def differences(table: str, console: str) -> list[str]:
    """A line for each cell that differs, is missing on one side, or is there twice."""
    documented, called = list(_documented(table)), list(_called(console))
    words = {"table": dict(documented), "calls": dict(called)}
    found = []
    for cell in dict.fromkeys(cell for cell, _ in documented + called):
        may = {side: word.get(cell, "missing") for side, word in words.items()}
        if may["table"] != may["calls"]:
            found.append(f"{cell}: table {may['table']}, call {may['calls']}")
    for side in (documented, called):
        counts = Counter(cell for cell, _ in side)
        found += [f"{cell}: {count} times" for cell, count in counts.items() if count > 1]
    return found


def test_permissions(kernel: Callable[[str, int], str]) -> None:
    """Each cell of the table is called, and allowed or refused as the table says."""
    console = kernel("matrix", 1)
    print(*re.findall(r"^# cells: .*$", console, re.MULTILINE))
    table = (ROOT / "docs/PERMISSIONS.md").read_text()
    assert differences(table, console) == []


GOOD = """
| sched_op | SCHEDOP_yield | 0 | yes | - | no | - | - |
| event_channel_op | EVTCHNOP_alloc_unbound, peer | 6 | yes | yes | yes | yes | no |
| multicall | - | - | yes | - | yes | - | - |
"""
CALLS = """
CELL sched_op 0 - dom0 - 0 allowed
CELL sched_op 0 - guest - -1 refused
CELL sched_op 0 other guest - 0 allowed
CELL event_channel_op 6 peer dom0 self 0 allowed
CELL event_channel_op 6 peer dom0 guest 0 allowed
CELL event_channel_op 6 peer dom0 nobody -3 allowed
CELL event_channel_op 6 peer guest self 0 allowed
CELL event_channel_op 6 peer guest dom0 0 allowed
CELL event_channel_op 6 peer guest guest -1 refused
CELL multicall 0 - dom0 - 0 allowed
CELL multicall 0 - guest - 0 allowed
"""


@pytest.mark.parametrize(
    ("old", "new", "count"),
    [
        ("", "", 0),
        ("| no | - | - |", "| yes | - | - |", 1),
        ("yield | 0", "yield | 1", 4),
        ("_unbound, peer", "_unbound", 10),
        ("| multicall | - | - |", "| multicall | - | - | text", 2),
        ("SCHEDOP_yield", "SCHEDOP_yield | 0 | yes | - | no | - | - |\n| sched_op | B", 2),
    ],
)
def test_a_wrong_table(old: str, new: str, count: int) -> None:
    """Each wrong, missing, additional or repeated cell is found."""
    assert len(differences(GOOD.replace(old, new), CALLS)) == count
