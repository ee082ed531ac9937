"""One boot of a system in QEMU: files in place, console watched, results collected."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from xenolith import ROOT
from xenolith.dom0 import cache
from xenolith.lab import protocol, qemu
from xenolith.lab.console import FORBIDDEN, Console, Deadline
from xenolith.lab.protocol import Collector, Result, Terminal
from xenolith.lab.target import State, Target
from xenolith.system import boot
from xenolith.system.model import System


@dataclass(frozen=True)
class Prepared:
    """What QEMU needs to start a system, and the word its dom0 will use."""

    command: list[str]
    token: str
    log: Path


@dataclass(frozen=True)
class Options:
    """How a session is run. `timeout` in seconds, for the whole of it."""

    name: str = "run"
    """Of the log file and of the folder for generated files."""
    timeout: float = 300.0
    forbidden: Sequence[bytes] = FORBIDDEN
    watch: Callable[[bytes], None] | None = None
    on_result: Callable[[Result], None] = lambda _result: None
    extra: Sequence[str] = field(default=qemu.NETWORK)
    """Further arguments of QEMU: devices."""


def work_dir(system: System, name: str) -> Path:
    """Folder for the generated files of a session: build/BOARD/run/NAME."""
    path = ROOT / "build" / system.board.name / "run" / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def log_file(system: System, name: str) -> Path:
    """The console log of a session: build/BOARD/logs/NAME.log."""
    path = ROOT / "build" / system.board.name / "logs" / f"{name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def prepare(
    system: System,
    commands: Sequence[str],
    options: Options,
    terminal: Terminal | None = None,
) -> Prepared:
    """Check the system, place it, write what QEMU loads. Raises UserError."""
    hypervisor, dom0 = boot.images(system)
    token = protocol.new_token()
    initrd = boot.initrd_bytes(system.initrd, protocol.overlay(token, commands, terminal))
    base = qemu.base_tree(system.board, system.smp, system.memory, options.extra)
    taken = tuple(qemu.taken(system.board, system.memory, hypervisor, len(base)))
    where = boot.layout(system, dom0, len(initrd), taken)
    folder = work_dir(system, options.name)
    tree = cache.write_atomic(folder / "xen.dtb", boot.device_tree(system, base, where))
    loads = [
        qemu.Load(system.kernel, where.kernel.start),
        qemu.Load(cache.write_atomic(folder / "initrd", initrd), where.initrd.start),
    ]
    command = [
        *system.board.qemu.command(system.smp, system.memory),
        *qemu.direct_boot(system.hypervisor, tree, loads),
        *options.extra,
    ]
    return Prepared(command, token, log_file(system, options.name))


@contextmanager
def running(prepared: Prepared, commands: Sequence[str], options: Options) -> Iterator[Target]:
    """A machine that has just been switched on; it is gone when the block ends."""
    with qemu.Machine(prepared.command) as machine:
        console = Console(machine, prepared.log, forbidden=options.forbidden, watch=options.watch)
        try:
            collector = Collector(commands)
            deadline = Deadline(options.timeout)
            target = Target(console, prepared.token, collector, deadline, options.on_result)
            yield target
        finally:
            console.close()


def execute(system: System, commands: Sequence[str], options: Options) -> list[Result]:
    """Boot, run `commands` in dom0, power off. Raises LabError, UserError."""
    prepared = prepare(system, commands, options)
    with running(prepared, commands, options) as target:
        target.to(State.POWERED_OFF)
        return target.collector.results
