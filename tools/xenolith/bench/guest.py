# SPDX-License-Identifier: Apache-2.0
"""Runs a tiny kernel of tests/guests in QEMU: as dom0 of a hypervisor, or on the bare machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from xenolith.boards import Board
from xenolith.errors import UserError
from xenolith.lab.console import Closed, Console, Deadline
from xenolith.lab.qemu import Machine

END = rb"DONE passed (\d+) failed (\d+) known (\d+)"
"""The last line of every kernel."""

ICOUNT = ("-icount", "shift=0,sleep=off")
"""One instruction is one nanosecond of the machine's time."""

COUNTER = {"arm64": ",cntfrq=1000000000"}
"""Options of the CPU that make a tick of its counter an instruction, where there are any."""


@dataclass(frozen=True)
class Run:
    """What shall run. Memory in MiB; `hypervisor` None is the bare machine."""

    kernel: Path
    hypervisor: Path | None
    smp: int = 1
    memory: int = 1024
    dom0: int = 128
    args: str = ""
    """The kernel's command line."""
    xen_args: str = ""
    counted: bool = False
    """Instructions are the clock, and on arm64 the counter runs at 1 GHz."""
    vcpus: int | None = None
    """Of dom0; None: as many as the machine has CPUs."""
    extra: Sequence[str] = ()
    """Further arguments of QEMU."""


def _quoted(value: str) -> str:
    """A value within a QEMU option: a comma is written twice."""
    return value.replace(",", ",,")


def command(board: Board, run: Run) -> list[str]:
    """QEMU's command line. The kernel is a boot module that QEMU itself puts into /chosen.

    Raises UserError for a board where it does not.
    """
    if board.qemu.tree:
        raise UserError(
            f"tiny kernels and benchmarks do not run on {board.name}: QEMU makes no device tree "
            f"for it; take another board of {board.arch}",
            2,
        )
    argv = board.qemu.command(run.smp, run.memory)
    machine = argv.index(board.qemu.machine)
    if run.counted:
        argv[argv.index(board.qemu.cpu)] += COUNTER.get(board.arch, "")
        argv += ICOUNT
    argv += run.extra
    if run.hypervisor is None:
        argv[machine] = argv[machine].replace("virtualization=on", "virtualization=off")
        return [*argv, "-kernel", str(run.kernel), "-append", run.args]
    words = [
        f"console=dtuart dtuart={board.console}",
        f"dom0_mem={run.dom0}M dom0_max_vcpus={run.vcpus or run.smp} {run.xen_args}",
    ]
    module = f"guest-loader,addr={board.kernel_addr:#x},kernel={_quoted(str(run.kernel))}"
    return [
        *argv,
        *("-kernel", str(run.hypervisor), "-append", " ".join(words).strip()),
        # Xen pauses for three seconds to complain about an empty command line.
        *("-device", f"{module},bootargs={_quoted(run.args or 'guest')}"),
    ]


def console_of(
    board: Board, run: Run, timeout: float, watch: Callable[[bytes], None] | None = None
) -> str:
    """Runs the kernel to its last line and to the end of QEMU; all that the console said.

    Raises LabError with the last lines when it does not come that far in `timeout` seconds.
    """
    return console_of_command(command(board, run), run.kernel.stem, timeout, watch)


def console_of_command(
    argv: Sequence[str], name: str, timeout: float, watch: Callable[[bytes], None] | None = None
) -> str:
    """The same for a command line of the caller's that runs the kernel `name`."""
    deadline = Deadline(timeout)
    with Machine(argv) as machine:
        console = Console(machine, watch=watch)
        console.expect(END, deadline, f"{name} to end")
        try:
            while True:
                console.receive(deadline, "QEMU to end")
        except Closed:
            pass
        problem = machine.ended()
    if problem:
        raise UserError(problem)
    return bytes(console.data).decode(errors="replace").replace("\r", "")
