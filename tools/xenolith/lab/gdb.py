# SPDX-License-Identifier: Apache-2.0
"""A debugger beside a machine: the port QEMU listens on, what runs there, gdb's command line."""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from xenolith import OUTPUT, ROOT
from xenolith.boards import Board
from xenolith.dom0 import cache
from xenolith.errors import UserError
from xenolith.lab.console import Console, Deadline, Timeout

PORT = 1234
PROGRAM = "gdb-multiarch"
HOST = "127.0.0.1"
PATIENCE = 5.0
"""Seconds to wait for an answer on the port."""
STARTED = 120.0
"""Seconds for QEMU to listen; one on a machine that does nothing else."""


@dataclass(frozen=True)
class Debuggee:
    """What `debug` started, kept for `gdb`: files with symbols (a name of "" is none)."""

    port: int
    hypervisor: str
    kernel: str


def _file(board: Board) -> Path:
    return OUTPUT / board.name / "debug.json"


def remember(board: Board, what: Debuggee) -> None:
    """Leave word for `recall`."""
    cache.write_atomic(_file(board), json.dumps(asdict(what)).encode())


def recall(board: Board) -> Debuggee | None:
    """What was debugged last; None if nothing was."""
    try:
        return Debuggee(**json.loads(_file(board).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def halted(port: int) -> list[str]:
    """QEMU's options to wait for a debugger. Raises UserError if the port is taken."""
    with socket.socket() as probe:
        # As QEMU does it: a port whose last connection has just been closed will do.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as e:
            message = f"cannot listen on port {port} ({e}); choose another with --port"
            raise UserError(message, 2) from e
    return ["-S", "-gdb", f"tcp:{HOST}:{port}"]


def listening(port: int) -> bool:
    """Does something listen on the port? Raises OverflowError for what is no port."""
    try:
        socket.create_connection((HOST, port), PATIENCE).close()
    except OSError:
        return False
    return True


def await_qemu(console: Console, port: int) -> None:
    """Until QEMU, which has just been started, waits for a debugger. Raises LabError."""
    deadline = Deadline(STARTED)
    while not listening(port):
        with suppress(Timeout):
            console.receive(Deadline(0.1), "QEMU")
        if deadline.left() <= 0:
            raise UserError(f"QEMU runs, but has not listened on port {port} for {STARTED:.0f} s")


def check(board: Board, port: int) -> None:
    """Raise UserError unless something listens on the port."""
    try:
        there = listening(port)
    except OverflowError:
        there = False
    if not there:
        raise UserError(
            f"nothing listens on port {port}: start ./xenolith debug --board {board.name} in "
            "another terminal first"
        )


def command(what: Debuggee, extra: Sequence[str]) -> list[str]:
    """gdb with the symbols, attached; then what `extra` says. Raises UserError."""
    if not Path(what.hypervisor).is_file():
        raise UserError(f"no symbols: {what.hypervisor} does not exist; ./xenolith build makes it")
    argv = [PROGRAM, "-q", "-iex", "set confirm off", "-ex", f"directory {ROOT}"]
    argv += ["-ex", f"file {what.hypervisor}"]
    if what.kernel:
        argv += ["-ex", f"add-symbol-file {what.kernel}"]
    return [*argv, "-ex", f"target remote {HOST}:{what.port}", *extra]
