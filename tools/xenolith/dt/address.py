# SPDX-License-Identifier: Apache-2.0
"""Addresses in a device tree: `reg` as the CPU sees it, memory, what of it is reserved.

Source: Devicetree Specification 0.4, 2.3.6 (reg), 2.3.8 (ranges), 3.5 (reserved-memory), 5.3 (the
reservation block).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xenolith.dt import blob
from xenolith.errors import UserError


@dataclass(frozen=True)
class Span:
    """A range of CPU addresses and whose it is."""

    what: str
    start: int
    size: int


def cells(node: Any, name: str, default: int) -> int:
    """A property of one cell. Raises UserError if it is something else."""
    value = blob.get_bytes(node, name)
    if value is None:
        return default
    number = int.from_bytes(value, "big")
    if len(value) != 4 or (name.endswith("-cells") and number > 4):
        raise UserError(f"device tree: {node.name}: {name} makes no sense")
    return number


def split(value: bytes, *sizes: int, where: str) -> list[tuple[int, ...]]:
    """Rows of numbers, each `sizes` cells wide. Raises UserError for a wrong length."""
    row = 4 * sum(sizes)
    if row == 0 or len(value) % row:
        raise UserError(f"device tree: {where} has {len(value)} bytes, not a multiple of {row}")
    rows = []
    for start in range(0, len(value), row):
        numbers, at = [], start
        for size in sizes:
            numbers.append(int.from_bytes(value[at : at + 4 * size], "big"))
            at += 4 * size
        rows.append(tuple(numbers))
    return rows


def regs(tree: Any, path: str) -> list[tuple[int, int]]:
    """(CPU address, size) of each entry of a node's `reg`. Raises UserError."""
    parts = [part for part in path.split("/") if part]
    nodes = [tree.root]
    for count in range(len(parts)):
        nodes.append(tree.get_node("/" + "/".join(parts[: count + 1])))
    value = blob.get_bytes(nodes[-1], "reg")
    if not value:
        return []
    found = split(value, *_widths(nodes[-2]), where=f"reg of {path}")
    for bus, above in zip(reversed(nodes[1:-1]), reversed(nodes[:-2]), strict=True):
        found = [_translate(bus, above, *row) for row in found]
    return [(start, size) for start, size in found]


def _widths(bus: Any) -> tuple[int, int]:
    return cells(bus, "#address-cells", 2), cells(bus, "#size-cells", 1)


def _translate(bus: Any, above: Any, start: int, size: int) -> tuple[int, int]:
    """An address on `bus` as the bus above sees it."""
    ranges = blob.get_bytes(bus, "ranges")
    if ranges is None:
        raise UserError(f"device tree: nothing on {bus.name} is in the CPU's address space")
    if not ranges:
        return start, size
    here, length = _widths(bus)
    widths = (here, cells(above, "#address-cells", 2), length)
    for child, parent, span in split(ranges, *widths, where=f"ranges of {bus.name}"):
        if child <= start and start + size <= child + span:
            return start - child + parent, size
    raise UserError(f"device tree: {start:#x} lies outside the ranges of {bus.name}")


def memory(tree: Any) -> list[Span]:
    """RAM, in the order of the nodes; a board's firmware may have to fill it in first."""
    found = []
    for node in tree.root.nodes:
        if node.name.split("@")[0] == "memory":
            found += [Span("RAM", *reg) for reg in regs(tree, f"/{node.name}") if reg[1]]
    return found


def reserved(tree: Any) -> list[Span]:
    """What nobody may use: the reservation block, and every `reg` below /reserved-memory.

    What has only a size there is placed by Linux itself, inside its own memory. Addresses there
    are the CPU's, whether or not `ranges` says so.
    """
    found = [
        Span("reserved by the device tree", entry["address"], entry["size"])
        for entry in tree.entries
    ]
    if not tree.exist_node("/reserved-memory"):
        return found
    parent = tree.get_node("/reserved-memory")
    for node in parent.nodes:
        name = f"reserved-memory {node.name}"
        rows = split(blob.get_bytes(node, "reg") or b"", *_widths(parent), where=f"reg of {name}")
        found += [Span(name, start, size) for start, size in rows if size]
    return found


def compatible(tree: Any) -> list[str]:
    """What the tree's root says the board is."""
    return _compatible(tree.root)


def has(tree: Any, *compatibles: str) -> bool:
    """Whether a node is compatible with one of them and not disabled."""
    nodes = [tree.root]
    while nodes:
        node = nodes.pop()
        nodes += node.nodes
        status = blob.get_bytes(node, "status") or b"okay\0"
        if status in (b"okay\0", b"ok\0") and set(_compatible(node)) & set(compatibles):
            return True
    return False


def _compatible(node: Any) -> list[str]:
    value = blob.get_bytes(node, "compatible") or b""
    return [text.decode("ascii", "replace") for text in value.split(b"\0") if text]
