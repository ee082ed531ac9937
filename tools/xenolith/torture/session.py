# SPDX-License-Identifier: Apache-2.0
"""Runs of the hostile kernel in QEMU, one seed after the other, and what is wrong with them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
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
"""Seconds for a usual pass, on a busy machine."""
AIA_TIMES = 3
"""Row T3 takes that much longer with an AIA, at least."""
WRONG_USE = 2
"""Code of a UserError about the command itself: no run of it would go better."""
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
    failed: list[int] = field(default_factory=list)
    """Seeds of the runs that had these problems."""
    seconds: float = 0.0
    interrupted: bool = False
    """The user ended it: this is what there was so far."""

    def add(self, seed: int, problems: list[str]) -> None:
        """What is wrong with the run of a seed, if anything."""
        self.problems += problems
        if problems and seed not in self.failed:
            self.failed.append(seed)

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
    """Rows of a list like T1,T3; None: all. Raises UserError for one that is not there."""
    if text is None:
        return ROWS
    chosen = tuple(word.strip() for word in text.split(",") if word.strip())
    if not chosen:
        raise UserError(f"no row in {text!r}; there are: {', '.join(ROWS)}", 2)
    for word in chosen:
        if word not in ROWS:
            raise UserError(f"no row {word!r}; there are: {', '.join(ROWS)}", 2)
    return tuple(row for row in ROWS if row in chosen)


def seconds_of_pass(board: Board, percent: int) -> float:
    """Time limit of one run of the kernel: a usual pass's work, or less, or a multiple."""
    times = AIA_TIMES if board.name.endswith("-aia") else 1
    return PASS_TIMEOUT * times * max(1.0, percent / 100)


def playable(board: Board, rows: tuple[str, ...], *, threads: bool) -> tuple[str, ...]:
    """The rows without those that this board cannot play.

    On RISC-V a CPU that another one interrupts loses its turn to QEMU's next CPU, so in T3 one vCPU
    would stand still for hours; CPUs that are threads of their own have no turns.
    """
    return tuple(row for row in rows if threads or row != "T3" or board.arch != "riscv")


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
    board: Board,
    run: Run,
    name: str,
    timeout: float,
    watch: Callable[[bytes], None] | None = None,
) -> tuple[Report, list[str]]:
    """One run of the kernel: its report, and what is wrong with it as lines."""
    problems: list[str] = []
    try:
        console = guest.console_of(board, run, timeout, watch)
    except LabError as error:
        tail = " | ".join(error.tail.splitlines()[-6:])
        return Report(), [f"{name}: {error.message}: {tail}"]
    except UserError as error:
        if error.code == WRONG_USE:
            raise
        return Report(), [f"{name}: {error.message}"]
    found = report.read(console)
    problems += [f"{name}: {line}" for line in found.failures]
    if not found.complete:
        problems.append(f"{name}: the kernel did not come to its end")
    lines = sum(line.startswith("(XEN)") for line in console.splitlines())
    if lines > MOST_LINES:
        problems.append(f"{name}: {lines} lines of the hypervisor: a guest floods its log")
    return found, problems


def ours(
    under: Under,
    order: Order,
    minutes: float,
    result: Result,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Runs with the seed of the order and those after it until the time is over or one fails.

    At least one. What comes of them is added to `result`.
    """
    allowed = tables.allowed()
    timeout = seconds_of_pass(under.board, order.percent)
    begun = time.monotonic()
    try:
        while not result.reports or time.monotonic() - begun < minutes * 60:
            one = replace(order, seed=order.seed + len(result.seeds))
            name = f"seed {one.seed}"
            watch = _Watch(say, f"{name}, {result.calls} calls before")
            run = setup(under.kernel, under.hypervisor, one)
            found, problems = once(under.board, run, name, timeout, watch)
            result.seeds.append(one.seed)
            result.reports.append(found)
            wrong = [f"{name}: {line}" for line in tables.wrong_codes(found, allowed)]
            result.add(one.seed, problems + wrong)
            if result.problems:
                break
    finally:
        result.seconds = time.monotonic() - begun


def compare(under: Under, order: Order, result: Result) -> None:
    """The same rows once on real Xen; what differs and is not listed becomes a problem.

    Without random calls: nobody compares them, and some end QEMU under Xen (do_ats_write).
    """
    rows = tuple(row for row in order.rows if row in COMPARED)
    if not rows or not result.reports[0].complete:
        return
    one = Order(rows, order.seed, 0)
    run = setup(under.kernel, under.hypervisor, one, xen=True)
    timeout = seconds_of_pass(under.board, one.percent)
    theirs, problems = once(under.board, run, "Xen", timeout)
    if theirs.complete:
        mine = result.reports[0]
        result.known, found = tables.unlisted(mine, theirs, tables.differences())
        problems += found + tables.unlisted_registers(mine, theirs, tables.registers())
    result.add(order.seed, problems)
