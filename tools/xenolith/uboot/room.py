# SPDX-License-Identifier: Apache-2.0
"""The memory that boot scripts may use: what the board leaves, less what is reserved."""

from __future__ import annotations

from typing import Any

from xenolith.boards import Board
from xenolith.dt import address
from xenolith.errors import UserError
from xenolith.system.placement import MIB, Region
from xenolith.system.spec import Range, Spec
from xenolith.uboot.inputs import facts
from xenolith.uboot.plan import Room

SCRIPT_ROOM = 1 << 20
"""Bytes at the address where U-Boot loads scripts: two of them, one after the other."""
RELOCATED = 64 * MIB
"""At the end of the RAM below 4 GiB: U-Boot, its heap, its stack."""
LIMIT = 1 << 32
"""U-Boot does not move itself above it."""


def room(board: Board, spec: Spec, tree: Any = None) -> Room:
    """The memory for files of a Spec; `tree`: its device tree, if that is a file."""
    uboot = facts(board)
    ram = Region("RAM for files", uboot.start, uboot.end - uboot.start)
    taken = [Region(name, start, end - start) for name, start, end in uboot.taken]
    taken.append(Region("the scripts", uboot.script, SCRIPT_ROOM))
    if spec.memory:
        ram, more = _asked(board, ram, spec.memory)
        taken += more
    # The hypervisor gives these away while it still needs the files.
    taken += [Region(what, r.base, r.size) for what, found in spec.ranges() for r in found]
    if tree is not None:
        taken += _from_tree(ram, tree)
    running = _running(board, tree)
    if not any(running.overlaps(other) for other in (*taken, ram)):
        taken.append(running)
    left = []
    if uboot.loaded:
        start, end = uboot.loaded
        left.append(Region("U-Boot as loaded", start, end - start))
    return Room(ram, taken, board.ram_base, left)


def _running(board: Board, tree: Any) -> Region:
    """Where U-Boot moves itself, if the board has as much RAM as usual."""
    spans = address.memory(tree) if tree is not None else []
    low = next((s for s in spans if s.start <= board.ram_base < s.start + s.size), None)
    end = low.start + low.size if low else board.ram_end(board.memory)
    return Region("U-Boot running", min(end, LIMIT) - RELOCATED, RELOCATED)


def _asked(board: Board, usual: Region, asked: Range) -> tuple[Region, list[Region]]:
    """The user's range: what of it the board leaves free, or all of it if that is elsewhere."""
    start, end = max(asked.base, usual.start), min(asked.base + asked.size, usual.end)
    if start < end:
        return Region(usual.name, start, end - start), []
    start, end = asked.base, min(asked.base + asked.size, facts(board).reach)
    if start < board.ram_base or end <= start:
        raise UserError(
            f"memory {asked.base:#x}-{asked.base + asked.size - 1:#x} has nothing of what "
            f"{board.name} leaves free: {usual}",
            2,
        )
    running = min(end, LIMIT) - RELOCATED
    above = start >= LIMIT
    taken = [] if above else [Region("U-Boot running, if RAM ends there", running, RELOCATED)]
    return Region(usual.name, start, end - start), taken


def _from_tree(ram: Region, tree: Any) -> list[Region]:
    """Reserved memory, and gaps in what the tree says is RAM."""
    found = [Region(span.what, span.start, span.size) for span in address.reserved(tree)]
    spans = sorted(address.memory(tree), key=lambda span: span.start)
    if not spans:
        return found  # the firmware fills it in
    at = ram.start
    for span in spans:
        if at < min(span.start, ram.end):
            found.append(Region("no RAM", at, min(span.start, ram.end) - at))
        at = max(at, span.start + span.size)
    if at < ram.end:
        found.append(Region("no RAM", at, ram.end - at))
    return found
