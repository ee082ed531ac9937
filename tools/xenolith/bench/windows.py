# SPDX-License-Identifier: Apache-2.0
"""Counting by QEMU plugin: who executed how many instructions inside windows that a guest marks."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from xenolith import OUTPUT
from xenolith.bench import guest
from xenolith.bench.figures import FULL, SLOPES, Boot, Figure, derived
from xenolith.bench.guest import Run
from xenolith.bench.table import Row
from xenolith.boards import Board
from xenolith.boards.model import MIB
from xenolith.errors import UserError
from xenolith.lab.console import LabError

SOURCE = Path(__file__).with_name("windows.c")
TIMEOUT = 300.0
"""Seconds for one run of the measuring kernel."""

WARM_UP = 8
"""Rounds of each operation that do not count."""

BEGIN = 127
"""The mark at the guest's first instruction; figure R<k> has mark k."""

PARTS = {"R6": 1, "R7": 2}
"""Which part of the measuring kernel a figure belongs to, if not the first."""

MACHINES = {0: (1, 1), 1: (2, 2), 2: (1, 2)}
"""CPUs and vCPUs of each part."""

FIRMWARE = (0, 512 << 10)
"""OpenSBI, from the start of RAM (platform/generic of OpenSBI 1.5: FW_TEXT_START, its size)."""

LOADED = (2 * MIB, 4 * MIB)
"""The hypervisor before it has page tables, from the start of RAM: where QEMU loads an Image."""

LINKED = (0xFFFF_FFFE_0000_0000, 0xFFFF_FFFE_4000_0000)
"""The hypervisor at its own addresses (arch/riscv/include/asm/layout.h)."""

LINE = re.compile(r"^(\d+) (\d+) (\d+) (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Cost:
    """Instructions of one operation, without the guest's own."""

    hypervisor: int
    firmware: int

    @property
    def total(self) -> int:
        """Both."""
        return self.hypervisor + self.firmware


Costs = dict[int, Cost]
"""By mark."""


def _compiler() -> list[str]:
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            return [name]
    if importlib.util.find_spec("ziglang") is not None:
        return [sys.executable, "-m", "ziglang", "cc"]
    raise UserError("counting needs a C compiler for this machine: apt install gcc")


def plugin() -> Path:
    """The compiled plugin; compiled again when its source is newer. UserError if that fails."""
    target = OUTPUT / "bench" / "windows.so"
    if target.exists() and target.stat().st_mtime > SOURCE.stat().st_mtime:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [*_compiler(), "-O2", "-shared", "-fPIC", "-fvisibility=hidden"]
    done = subprocess.run(
        [*command, "-o", str(target), str(SOURCE)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise UserError(f"{SOURCE.name} does not compile: {done.stderr.strip()[:500]}")
    return target


def options(board: Board, library: Path, out: Path) -> tuple[str, ...]:
    """QEMU's options that count a run of the board into the file `out`."""
    ram = board.ram_base
    words = [str(library).replace(",", ",,")]
    words += [f"firmware={ram + FIRMWARE[0]:x}:{ram + FIRMWARE[1]:x}"]
    words += [f"hypervisor={ram + LOADED[0]:x}:{ram + LOADED[1]:x}"]
    words += [f"hypervisor={LINKED[0]:x}:{LINKED[1]:x}"]
    return ("-plugin", ",".join([*words, f"out={out}".replace(",", ",,")]))


def parse(text: str) -> Costs:
    """What the plugin wrote: each mark's middle cost, by its total."""
    found: dict[int, list[Cost]] = defaultdict(list)
    for mark, _, hypervisor, firmware in LINE.findall(text):
        found[int(mark)].append(Cost(int(hypervisor), int(firmware)))
    return {mark: _middle(costs) for mark, costs in found.items()}


def _middle(costs: list[Cost]) -> Cost:
    warm = costs[WARM_UP:] or costs
    return sorted(warm, key=lambda cost: (cost.total, cost.firmware))[len(warm) // 2]


@dataclass(frozen=True)
class Counter:
    """What is measured, and who is told about progress."""

    board: Board
    kernel: Path
    image: Path
    progress: Callable[[str], None]

    def run(self, boot: Boot, args: str, part: int = 0) -> Costs:
        """One run of the measuring kernel. UserError if it does not end or count."""
        smp, vcpus = MACHINES[part]
        about = f"{smp} CPU, {vcpus} vCPU, {boot.memory} MiB, dom0_mem={boot.dom0}M"
        self.progress(f"{self.image.name}, {about}")
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "windows"
            run = Run(
                self.kernel,
                self.image,
                smp=smp,
                vcpus=vcpus,
                memory=boot.memory,
                dom0=boot.dom0,
                args=f"part={part} {args}".strip(),
                counted=True,
                extra=options(self.board, plugin(), out),
            )
            try:
                guest.console_of(self.board, run, TIMEOUT)
            except LabError as e:
                raise UserError(f"{self.image.name}: {e.message}; it said last:\n{e.tail}") from e
            costs = parse(out.read_text())
        if BEGIN not in costs:
            raise UserError(f"{self.image.name}: the plugin did not see the guest begin")
        return costs


def _operations(counter: Counter, figures: Sequence[Figure]) -> dict[str, Cost]:
    parts = {PARTS.get(figure.name, 0) for figure in figures if figure.role == "operation"}
    costs: Costs = {}
    for part in sorted(parts):
        costs = counter.run(FULL, "", part) | costs
    return {f"R{mark}": cost for mark, cost in costs.items()}


def rows(
    board: Board,
    kernel: Path,
    image: Path,
    figures: Sequence[Figure],
    progress: Callable[[str], None],
) -> list[Row]:
    """The table. Of a boot, which begins in the firmware, only the hypervisor's part counts."""
    counter = Counter(board, kernel, image, progress)
    costs = _operations(counter, figures)
    wanted = {boot for figure in figures for boot in SLOPES.get(figure.role, ())}
    if any(figure.role == "boot" for figure in figures):
        wanted.add(FULL)
    begins = {boot: counter.run(boot, "boot=1")[BEGIN] for boot in wanted}
    boots: dict[Boot, float] = {boot: cost.hypervisor for boot, cost in begins.items()}
    table = []
    for figure in figures:
        if figure.per_gib:
            table.append(Row(figure, derived(figure.role, boots), figure.anchor))
        elif figure.role == "boot":
            table.append(Row(figure, boots[FULL], figure.anchor))
        elif figure.name in costs:
            cost = costs[figure.name]
            table.append(Row(figure, cost.total, figure.anchor, cost.firmware))
        else:
            raise UserError(f"the measuring kernel does not count {figure.name}")
    return table
