# SPDX-License-Identifier: Apache-2.0
"""One boot of a system in QEMU: files in place, console watched, results collected."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from xenolith import OUTPUT
from xenolith.dom0 import cache
from xenolith.lab import passed, protocol, qemu
from xenolith.lab.console import FORBIDDEN, Console, Deadline, LabError
from xenolith.lab.extras import NOTHING, Extras
from xenolith.lab.protocol import Collector, Result, Terminal
from xenolith.lab.target import State, Target
from xenolith.system import boot
from xenolith.system.model import System


@dataclass(frozen=True)
class Options:
    """How a session is run. `timeout` in seconds, for the whole of it."""

    name: str = "run"
    """Of the log file."""
    timeout: float = 300.0
    forbidden: Sequence[bytes] = FORBIDDEN
    watch: Callable[[bytes], None] | None = None
    on_result: Callable[[Result], None] = lambda _result: None
    on_note: Callable[[str], None] = lambda _text: None
    terminal: Terminal | None = None
    """The user's, if the console is for a user."""
    extra: Sequence[str] | None = None
    """Further arguments of QEMU: devices. None: the board's network."""
    debugger: Sequence[str] = ()
    """Arguments that do not change the machine: halted at the start, a port for gdb."""
    extras: Extras = NOTHING
    """What a user adds."""


def log_file(system: System, name: str) -> Path:
    """The console log of a session: build/BOARD/logs/NAME.log."""
    path = OUTPUT / system.board.name / "logs" / f"{name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def prepare(
    system: System, commands: Sequence[str], options: Options, token: str, folder: Path
) -> list[str]:
    """Check the system, place it, write what QEMU loads; the command line. Raises UserError."""
    hypervisor, dom0 = boot.images(system)
    extra, network = devices(system, options)
    usual = boot.initrd_bytes(system.initrd, b"")
    base = qemu.base_tree(system.board, system.smp, system.memory, extra)
    base, given = passed.give(base, system.passthrough)
    more = [*options.extras.entries(usual), *given]
    own = protocol.overlay(token, commands, options.terminal, network=network, more=more)
    initrd = usual + own
    taken = tuple(qemu.taken(system.board, system.memory, hypervisor, len(base)))
    where = boot.layout(system, dom0, len(initrd), taken)
    tree = cache.write_atomic(folder / "xen.dtb", boot.device_tree(system, base, where))
    loads = [
        qemu.Load(system.kernel, where.kernel.start),
        qemu.Load(cache.write_atomic(folder / "initrd", initrd), where.initrd.start),
    ]
    return [
        *system.board.qemu.command(system.smp, system.memory),
        *qemu.direct_boot(system.hypervisor, tree, loads),
        *extra,
        *options.debugger,
    ]


def devices(system: System, options: Options) -> tuple[list[str], bool]:
    """QEMU's options for the devices of a session; is a network card among them?"""
    extra = system.board.qemu.network if options.extra is None else options.extra
    return [*extra, *options.extras.devices(system.board)], "-netdev" in extra


@contextmanager
def running(system: System, commands: Sequence[str], options: Options) -> Iterator[Target]:
    """A machine that has just been switched on; it is gone when the block ends.

    Raises UserError if the system cannot boot.
    """
    token = protocol.new_token()
    log = log_file(system, options.name)
    with tempfile.TemporaryDirectory(prefix="run-", dir=log.parent.parent) as folder:
        command = prepare(system, commands, options, token, Path(folder))
        with switched_on(command, system, commands, options, token) as target:
            yield target


@contextmanager
def switched_on(
    command: Sequence[str],
    system: System,
    commands: Sequence[str],
    options: Options,
    token: str,
    *,
    enter: Callable[[Console, Deadline], None] | None = None,
) -> Iterator[Target]:
    """The machine of a command line whose dom0 will run `commands`; `enter`: see Target."""
    log = log_file(system, options.name)
    with qemu.Machine(command, system.board.qemu.console) as machine:
        # Another session of that name keeps writing to its own file.
        log.unlink(missing_ok=True)
        console = Console(machine, log, forbidden=options.forbidden, watch=options.watch)
        console.hidden = token.encode()
        deadline = Deadline(options.timeout)
        target = Target(
            console,
            token,
            Collector(commands),
            deadline,
            options.on_result,
            on_note=options.on_note,
            enter=enter,
            guests=[guest.name for guest in options.extras.guests],
        )
        try:
            yield target
        finally:
            console.close()


def execute(system: System, commands: Sequence[str], options: Options) -> list[Result]:
    """Boot, run `commands` in dom0, power off. Raises LabError, UserError."""
    results, error = attempt(system, commands, options)
    if error:
        raise error
    return results


def attempt(
    system: System, commands: Sequence[str], options: Options
) -> tuple[list[Result], LabError | None]:
    """The same; gives what there is when the run goes wrong, and why. Raises UserError."""
    with running(system, commands, options) as target:
        try:
            target.to(State.POWERED_OFF)
        except LabError as e:
            return target.collector.results, e
        return target.collector.results, None
