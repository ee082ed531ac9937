# SPDX-License-Identifier: Apache-2.0
"""Runs of the hostile kernel in QEMU, one seed after the other, and what is wrong with them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from xenolith.bench import guest
from xenolith.bench.guest import Run
from xenolith.boards import Board
from xenolith.errors import UserError
from xenolith.lab.console import LabError
from xenolith.torture import report, tables
from xenolith.torture.report import Report

CPUS = 4
ROWS = ("T1", "T2", "T3", "T4", "T8", "T9", "T11", "T12")
"""In the order of tests/torture/hostile/hostile.c."""
COMPARED = ("T1", "T2", "T4")
"""Rows with results that are the same on every run, and so can be held against Xen's."""
PASS_TIMEOUT = 1200.0
"""Seconds for one run of the kernel, on a busy machine."""
MOST_LINES = 2000
"""Lines of the hypervisor's own on the console; more is a flood."""


@dataclass(frozen=True)
class Order:
    """What shall run: rows by name, `percent` of a usual pass."""

    rows: tuple[str, ...] = ROWS
    seed: int = 1
    percent: int = 100
    threads: bool = False
    """CPUs as threads of their own: real races, and no run like another."""

    @property
    def mask(self) -> int:
        """The rows as the kernel's command line has them."""
        return sum(1 << ROWS.index(row) for row in self.rows)


@dataclass
class Result:
    """All runs of a session."""

    board: str
    seeds: list[int] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    known: int | None = None
    """Results that differ from Xen's as the reviewed list has it; None: not compared."""
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def calls(self) -> int:
        """Calls and accesses of all runs."""
        return sum(one.calls for one in self.reports)


@dataclass(frozen=True)
class Under:
    """What is tortured: a hypervisor on a board, by this kernel."""

    board: Board
    kernel: Path
    hypervisor: Path


def rows_of(text: str | None) -> tuple[str, ...]:
    """Rows of a list like T1,T3; none: all. Raises UserError for one that is not there."""
    chosen = tuple(word.strip() for word in (text or "").split(",") if word.strip())
    for word in chosen:
        if word not in ROWS:
            raise UserError(f"no row {word!r}; there are: {', '.join(ROWS)}", 2)
    return tuple(row for row in ROWS if row in chosen) if chosen else ROWS


def setup(kernel: Path, hypervisor: Path, order: Order, *, xen: bool = False) -> Run:
    """What QEMU shall run for an order."""
    words = f"role=0 rows={order.mask} seed={order.seed} percent={order.percent}"
    return Run(
        kernel,
        hypervisor,
        smp=CPUS,
        vcpus=1,
        args=words + (" oracle" if xen else ""),
        xen_args="loglvl=all guest_loglvl=error",
        counted=not order.threads,
    )


class _Watch:
    """Says on which row a run is, from what its console says."""

    def __init__(self, say: Callable[[str], None], prefix: str) -> None:
        self._say = say
        self._prefix = prefix
        self._data = b""

    def __call__(self, data: bytes) -> None:
        self._data += data
        found = re.findall(rb"^BEGIN (T\d+) ", self._data, re.MULTILINE)
        if found:
            self._say(f"{self._prefix}, row {found[-1].decode()}")
        self._data = self._data[-80:]


def once(
    board: Board, run: Run, name: str, watch: Callable[[bytes], None] | None = None
) -> tuple[Report, list[str]]:
    """One run of the kernel: its report, and what is wrong with it as lines."""
    problems: list[str] = []
    try:
        console = guest.console_of(board, run, PASS_TIMEOUT, watch)
    except LabError as error:
        tail = " | ".join(error.tail.splitlines()[-6:])
        return Report(), [f"{name}: {error.message}: {tail}"]
    found = report.read(console)
    problems += [f"{name}: {line}" for line in found.failures]
    if not found.complete:
        problems.append(f"{name}: the kernel did not come to its end")
    lines = sum(line.startswith("(XEN)") for line in console.splitlines())
    if lines > MOST_LINES:
        problems.append(f"{name}: {lines} lines of the hypervisor: a guest floods its log")
    return found, problems


def ours(
    under: Under, order: Order, minutes: float, say: Callable[[str], None] = lambda _: None
) -> Result:
    """Runs with the seed of the order and those after it until the time is over; at least one."""
    board = under.board
    result = Result(board.name)
    allowed = tables.allowed()
    begun = time.monotonic()
    seed = order.seed
    while not result.reports or time.monotonic() - begun < minutes * 60:
        one = Order(order.rows, seed, order.percent, order.threads)
        name = f"seed {seed}"
        watch = _Watch(say, f"{name}, {result.calls} calls before")
        found, problems = once(board, setup(under.kernel, under.hypervisor, one), name, watch)
        result.seeds.append(seed)
        result.reports.append(found)
        result.problems += problems
        result.problems += [f"{name}: {line}" for line in tables.wrong_codes(found, allowed)]
        if problems:
            break
        seed += 1
    result.seconds = time.monotonic() - begun
    return result


def compare(under: Under, order: Order, result: Result) -> None:
    """The same rows once on real Xen; what differs and is not listed becomes a problem."""
    rows = tuple(row for row in order.rows if row in COMPARED)
    if not rows or not result.reports[0].complete:
        return
    one = Order(rows, order.seed, 1)
    theirs, problems = once(
        under.board, setup(under.kernel, under.hypervisor, one, xen=True), "Xen"
    )
    result.problems += problems
    if theirs.complete:
        result.known, found = tables.unlisted(result.reports[0], theirs, tables.differences())
        result.problems += found
        result.problems += tables.unlisted_registers(result.reports[0], theirs, tables.registers())
