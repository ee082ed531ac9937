# SPDX-License-Identifier: Apache-2.0
"""From runs of the measuring kernel to figures."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from xenolith.bench import guest
from xenolith.bench.figures import BY_ARCH, FULL, SLOPES, Boot, Figure, derived
from xenolith.bench.guest import Run
from xenolith.boards import Board
from xenolith.errors import UserError
from xenolith.lab.console import LabError

LINE = re.compile(r"^BENCH (\w+) (\d+) (\d+) (\d+)$", re.MULTILINE)

TIMEOUT = 300.0
"""Seconds for one boot; Xen's longest is about 4 on one core."""

Counts = dict[str, int]
"""Name of a figure to the middle one of its counts."""


def choose(board: Board, only: Collection[str]) -> list[Figure]:
    """The figures wanted, all if `only` is empty. UserError for an unknown name."""
    known = BY_ARCH.get(board.arch, ())
    names = [figure.name for figure in known]
    wrong = [name for name in only if name not in names]
    if not known or wrong:
        there = f"there are: {', '.join(names)}" if names else "there are none"
        raise UserError(f"no figure {', '.join(wrong)} for {board.name}; {there}", 2)
    return [figure for figure in known if not only or figure.name in only]


@dataclass(frozen=True)
class Bench:
    """What measures: a board, the measuring kernel, which figures, who is told about progress."""

    board: Board
    kernel: Path
    figures: Sequence[Figure]
    progress: Callable[[str], None] = lambda _text: None

    @property
    def _boot(self) -> str:
        """The name of the figure that every boot gives."""
        return next(f.name for f in BY_ARCH[self.board.arch] if f.role == "boot")

    def _run(self, hypervisor: Path | None, boot: Boot, args: str) -> Counts:
        run = Run(
            self.kernel,
            hypervisor,
            memory=boot.memory,
            dom0=boot.dom0,
            args=args,
            counted=True,
        )
        name = hypervisor.name if hypervisor else "the bare machine"
        self.progress(f"{name}, {boot.memory} MiB, dom0_mem={boot.dom0}M")
        try:
            text = guest.console_of(self.board, run, TIMEOUT)
        except LabError as e:
            raise UserError(f"{name}: {e.message}; it said last:\n{e.tail}") from e
        found = {name: int(middle) for name, _, middle, _ in LINE.findall(text)}
        if self._boot not in found:
            raise UserError(f"{name}: no counts in what the kernel said:\n{text[-1000:]}")
        return found

    def bare(self) -> Counts:
        """What the kernel counts without a hypervisor: the guest's own part of an interrupt."""
        if any(figure.interrupt for figure in self.figures):
            return self._run(None, FULL, "")
        return {}

    def hypervisor(self, image: Path, bare: Counts) -> dict[str, float]:
        """All wanted figures of a hypervisor."""
        wanted = self.figures
        boots: dict[Boot, float] = {}
        counts: Counts = {}
        if any(not figure.per_gib for figure in wanted):
            only_boot = all(figure.role != "operation" for figure in wanted)
            counts = self._run(image, FULL, "boot=1" if only_boot else "")
            boots[FULL] = counts[self._boot]
        for figure in wanted:
            for boot in SLOPES.get(figure.role, ()):
                if boot not in boots:
                    boots[boot] = self._run(image, boot, "boot=1")[self._boot]
        return {figure.name: self._value(figure, counts, bare, boots) for figure in wanted}

    def _value(
        self, figure: Figure, counts: Counts, bare: Counts, boots: dict[Boot, float]
    ) -> float:
        if figure.per_gib:
            return derived(figure.role, boots)
        if figure.name not in counts:
            raise UserError(f"the measuring kernel does not count {figure.name}")
        return counts[figure.name] - (bare[figure.name] if figure.interrupt else 0)
