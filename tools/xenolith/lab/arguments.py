# SPDX-License-Identifier: Apache-2.0
"""QEMU's own options that a user gives: --qemu-args and --cpu."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace

from xenolith.boards import Board
from xenolith.errors import UserError

CONSOLE = "the console of the run is there"
SYSTEM = "a run loads hypervisor and dom0 itself"
REFUSED = {
    "serial": CONSOLE,
    "nographic": CONSOLE,
    "monitor": f"{CONSOLE}; use -qmp unix:FILE,server=on,wait=off",
    "display": "a run has no window; use -vnc :0",
    "kernel": f"{SYSTEM}; use --hypervisor and --kernel of the run",
    "initrd": f"{SYSTEM}; use --initrd of the run",
    "append": f"{SYSTEM}; use --xen-args and --dom0-args",
    "dtb": SYSTEM,
    "bios": SYSTEM,
    "pflash": SYSTEM,
    "machine": "the board says it; use --board",
    "M": "the board says it; use --board",
    "cpu": "use --cpu of the run",
    "smp": "use --smp of the run",
    "m": "use --memory of the run",
    "S": "use ./xenolith debug",
    "daemonize": "a run ends with QEMU",
    "no-shutdown": "a run ends when dom0 powers off",
    "incoming": "a run starts at the beginning",
    "loadvm": "a run starts at the beginning",
    "help": "see man qemu-system",
    "h": "see man qemu-system",
    "version": "see ./xenolith doctor",
}
"""Options, without their dashes, that a run cannot go on with, and why."""
STDIO = re.compile(r"(^|[:,=])stdio($|,)")


def parse(text: str) -> tuple[str, ...]:
    """The words of --qemu-args. Raises UserError for one that a run cannot go on with."""
    try:
        words = shlex.split(text)
    except ValueError as e:
        raise UserError(f"--qemu-args {text!r}: {str(e).lower()}", 2) from e
    if words and not words[0].startswith("-"):
        raise UserError(f"--qemu-args: {words[0]!r} is no option of QEMU; these begin with -", 2)
    for word in words:
        why = REFUSED.get(word.lstrip("-")) if word.startswith("-") else None
        if why is None and STDIO.search(word):
            why = CONSOLE
        if why:
            raise UserError(f"--qemu-args: {word} cannot be given: {why}", 2)
    return tuple(words)


def with_cpu(board: Board, model: str) -> Board:
    """The board with another CPU, which has what the hypervisor needs. Raises UserError."""
    own = board.qemu.cpu
    if not own:
        raise UserError(f"--cpu {model}: QEMU's {board.name} has its own CPU; leave it out", 2)
    if not re.fullmatch(r"[\w.-]+(,[+-]?[\w.-]+(=[\w.:-]+)?)*", model, re.ASCII):
        raise UserError(f"--cpu {model!r} is no model; write one as in: max, or {own}", 2)
    named = {re.split("=", word.lstrip("+-"))[0] for word in model.split(",")[1:]}
    needed = [word for word in own.split(",")[1:] if word.split("=")[0] not in named]
    return replace(board, qemu=replace(board.qemu, cpu=",".join([model, *needed])))
