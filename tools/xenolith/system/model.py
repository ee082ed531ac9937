# SPDX-License-Identifier: Apache-2.0
"""A system: which hypervisor, dom0 and command lines run on how much of a machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from xenolith.boards import Board
from xenolith.errors import UserError
from xenolith.system.placement import MIB

UNITS = {"": 1 << 10, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
"""Suffix of a size on Xen's command line to bytes (docs/misc/xen-command-line: default is KiB)."""

DOM0_ARGS = {
    "arm64": "console=hvc0 earlycon=xenboot rdinit=/init panic=5",
    "riscv": "console=hvc0 earlycon=sbi rdinit=/init panic=5",
}
EMULATED_ARGS = {
    "arm64": "kpti=0 nokaslr mitigations=off lsm=, audit=0 watchdog_thresh=60",
    "riscv": "nokaslr lsm=, audit=0 watchdog_thresh=60",
}
"""Shorten the boot under emulation; a busy host may stop a CPU for long without harm."""
SMALL = 256 * MIB
"""Bytes. The first file system of Linux may use half of what is free while the initramfs is still
packed; of less than this that is less than dom0's files: a ramfs has no limit. And Debian's kernel
keeps 64 MiB for DMA if it can (cma)."""


@dataclass(frozen=True)
class Lines:
    """Command lines of hypervisor and dom0's kernel that take the place of the defaults."""

    hypervisor: str
    dom0: str


def check_smp(board: Board, smp: int) -> None:
    """Raises UserError for a number of CPUs that QEMU's board cannot have."""
    if not board.min_smp <= smp <= board.max_smp:
        least = "" if board.min_smp == board.max_smp else f"{board.min_smp} to "
        raise UserError(f"{board.name} has {least}{board.max_smp} CPUs, not {smp}", 2)


@dataclass(frozen=True)
class System:
    """What shall run. `memory` in MiB; the arguments are those added to the defaults."""

    board: Board
    hypervisor: Path
    kernel: Path
    initrd: Path | None
    """None: dom0's kernel mounts its root by itself."""
    smp: int
    memory: int
    xen_args: str = ""
    dom0_args: str = ""
    lines: Lines | None = None
    passthrough: tuple[str, ...] = ()
    """Paths of nodes of the machine's device tree that dom0 leaves to guests."""

    def __post_init__(self) -> None:
        board = self.board
        check_smp(board, self.smp)
        if self.memory < board.min_memory:
            needs = f"{board.name} needs at least {board.min_memory} MiB of memory"
            raise UserError(f"{needs}, not {self.memory}", 2)
        if board.max_memory is not None and self.memory > board.max_memory:
            most = f"{board.name} has at most {board.max_memory} MiB of memory"
            raise UserError(f"{most}, not {self.memory}", 2)

    @property
    def hypervisor_line(self) -> str:
        """The hypervisor's command line."""
        if self.lines:
            return f"{self.lines.hypervisor} {self.xen_args}".strip()
        own = f"console=dtuart dtuart={self.board.console} dom0_mem={self.default_dom0_memory}M"
        levels = "loglvl=all guest_loglvl=all console_timestamps=boot"
        return f"{own} {levels} {self.xen_args}".strip()

    @property
    def dom0_line(self) -> str:
        """The command line of dom0's kernel."""
        if self.lines:
            return f"{self.lines.dom0} {self.dom0_args}".strip()
        arch = self.board.arch
        root = "rootfstype=ramfs cma=0 " if 0 < dom0_memory(self.hypervisor_line) < SMALL else ""
        return f"{DOM0_ARGS[arch]} {root}{EMULATED_ARGS[arch]} {self.dom0_args}".strip()

    @property
    def default_dom0_memory(self) -> int:
        """MiB of dom0 unless the user says otherwise: what the board likes, at most half of RAM."""
        return min(self.board.dom0_memory, self.memory // 2)

    def check_dom0_memory(self) -> None:
        """Raise UserError if the command line gives dom0 more memory than there is."""
        asked = dom0_memory(self.hypervisor_line)
        if asked >= self.memory * MIB:
            raise UserError(
                f"dom0_mem of {asked // MIB} MiB does not fit into {self.memory} MiB of RAM; "
                "use more --memory or less dom0_mem",
                2,
            )


def parse_size(text: str) -> int:
    """A size as Xen's command line has it, in bytes. Raises UserError."""
    found = re.fullmatch(r"(0x[0-9a-f]+|\d+)([bkmgt]?)", text.lower())
    if not found:
        raise UserError(f"{text!r} is no size; write a number with a unit, as in 512M", 2)
    return int(found[1], 0) * UNITS[found[2]]


def dom0_memory(line: str) -> int:
    """Bytes that the last dom0_mem= of a command line asks for; 0 if it leaves that open."""
    values = [word.removeprefix("dom0_mem=") for word in line.split() if "dom0_mem=" in word]
    sizes = [part for part in (values[-1].split(",") if values else []) if part[:1].isdigit()]
    return parse_size(sizes[0]) if sizes else 0


def parse_memory(text: str) -> int:
    """The argument of --memory in MiB: `2048`, `2048M`, `2G`. Raises UserError."""
    if text.isdecimal():
        return int(text)
    size = parse_size(text)
    if size % MIB:
        raise UserError(f"{text!r} is not a whole number of MiB", 2)
    return size // MIB
