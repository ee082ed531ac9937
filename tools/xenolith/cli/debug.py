# SPDX-License-Identifier: Apache-2.0
"""`xenolith debug`: a machine that waits for a debugger before its first instruction."""

from __future__ import annotations

import argparse
import sys

from xenolith import progress
from xenolith.cli import extras, machine
from xenolith.lab import gdb, session, terminal
from xenolith.lab.console import Closed, Console, Deadline

KEYS = """\
The terminal is the machine's console, as with `run` (Ctrl-A x leaves). In another terminal
`./xenolith gdb` attaches with the symbols of the hypervisor and, where there are any, of dom0's
kernel; `continue` there starts the machine.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = KEYS
    machine.add_arguments(parser)
    extras.add_arguments(parser)
    parser.add_argument(
        "--port", type=int, default=gdb.PORT, help=f"port for gdb (default {gdb.PORT})"
    )


def run(args: argparse.Namespace) -> int:
    """Starts QEMU halted; ends with the machine."""
    board = machine.chosen_board(args)
    planned = machine.plan(board, args)
    wishes = extras.read(board, args)
    halted = gdb.halted(args.port)
    extras.check(wishes, planned, probe=bool(args.cpu))
    system, dom0 = machine.make_system(planned, args)
    wishes = extras.complete(wishes, system)
    symbols = dom0.symbols if dom0 else None
    elf = system.hypervisor.with_suffix(".elf")
    gdb.remember(board, gdb.Debuggee(args.port, str(elf), str(symbols or "")))
    here = sys.stdin.isatty()
    options = session.Options(
        name="debug",
        watch=terminal.show,
        forbidden=(),
        terminal=terminal.size() if here else None,
        debugger=halted,
        extras=wishes,
    )
    with session.running(system, [], options) as target:
        gdb.await_qemu(target.console, args.port)
        progress.note(f"{board.name} is halted before its first instruction. In another terminal:")
        progress.note(f"  ./xenolith gdb --board {board.name}")
        progress.note("then for example: break xen_main, continue, backtrace")
        if here:
            terminal.attach(target.console)
        else:
            _watch(target.console)
    return 0


def _watch(console: Console) -> None:
    """Show the console until the machine ends."""
    deadline = Deadline(terminal.FOREVER)
    try:
        while True:
            console.receive(deadline, "the end of the machine")
    except Closed:
        pass
