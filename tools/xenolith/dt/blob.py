# SPDX-License-Identifier: Apache-2.0
"""Reads device-tree blobs with every bound checked, writes them, edits properties.

The tree is the `fdt` package's. Its own reader is not used: it guesses types (and so loses empty
strings), stops at NOP tags and shares the reservation list between trees. Here every property is
bytes, exactly as in the blob. Format: Devicetree Specification 0.4, chapter 5.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import fdt

from xenolith.errors import UserError

MAGIC = 0xD00DFEED
BEGIN_NODE, END_NODE, PROP, NOP, END = 1, 2, 3, 4, 9
HEADER = struct.Struct(">10I")
MAX_DEPTH = 64
MAX_SIZE = 2 << 20
"""Bytes; arm64 and RISC-V Linux map no more (Documentation/arch/arm64/booting.rst)."""


class BadBlob(UserError):
    """The data is not a device tree blob; the message says why."""

    def __init__(self, why: str) -> None:
        super().__init__(f"device tree: {why}")


class _Reader:
    """The parts of a blob, and a position in its structure block."""

    def __init__(self, data: bytes) -> None:
        if len(data) < HEADER.size:
            raise BadBlob(f"{len(data)} bytes are too few for a header")
        head = HEADER.unpack_from(data)
        magic, total, struct_at, strings_at, self.reserve_at, _, compatible = head[:7]
        self.boot_cpu, strings_size, struct_size = head[7:]
        if magic != MAGIC:
            raise BadBlob(f"wrong magic number {magic:#010x}")
        if total > len(data):
            raise BadBlob(f"truncated: {len(data)} of {total} bytes")
        if compatible > 17 or head[5] < 17:
            raise BadBlob(f"version {head[5]} (compatible with {compatible}) is not supported")
        if struct_at + struct_size > total or strings_at + strings_size > total:
            raise BadBlob("a block lies outside the blob")
        self.data = data[:total]
        self.strings = data[strings_at : strings_at + strings_size]
        self.at, self.end = struct_at, struct_at + struct_size

    def word(self) -> int:
        if self.at + 4 > self.end:
            raise BadBlob("the structure block ends too early")
        (value,) = struct.unpack_from(">I", self.data, self.at)
        self.at += 4
        return int(value)

    def name(self) -> str:
        stop = self.data.find(b"\0", self.at, self.end)
        if stop < 0:
            raise BadBlob("a node's name has no end")
        text = self.data[self.at : stop]
        self.at = (stop + 4) & ~3
        return _ascii(text)

    def prop(self) -> tuple[str, bytes]:
        size, name_at = self.word(), self.word()
        if size > self.end - self.at:
            raise BadBlob("a property is longer than its block")
        value = self.data[self.at : self.at + size]
        self.at = (self.at + size + 3) & ~3
        stop = self.strings.find(b"\0", name_at)
        if name_at >= len(self.strings) or stop < 0:
            raise BadBlob("a property's name lies outside the strings block")
        return _ascii(self.strings[name_at:stop]), value

    def reservations(self) -> Iterator[dict[str, int]]:
        at = self.reserve_at
        while at + 16 <= len(self.data):
            address, size = struct.unpack_from(">QQ", self.data, at)
            if size == 0:
                return
            yield {"address": address, "size": size}
            at += 16
        raise BadBlob("the reservation block has no end")


def _ascii(text: bytes) -> str:
    if any(not 0x20 < byte < 0x7F for byte in text):
        raise BadBlob(f"a name is not plain ASCII: {text!r}")
    return text.decode("ascii")


def parse(data: bytes) -> Any:
    """The tree in a blob (an fdt.FDT whose properties are bytes). Raises BadBlob."""
    reader = _Reader(data)
    tree = fdt.FDT(entries=list(reader.reservations()))
    tree.header.version = 17
    tree.header.boot_cpuid_phys = reader.boot_cpu
    stack: list[Any] = []
    closed = False
    while (tag := reader.word()) != END:
        if tag == BEGIN_NODE:
            closed = _begin(tree, stack, reader.name(), closed)
        elif tag == END_NODE and stack:
            stack.pop()
            closed = not stack
        elif tag == PROP and stack:
            _append(stack[-1], _bytes_property(*reader.prop()))
        elif tag != NOP:
            raise BadBlob(f"unexpected tag {tag:#x}")
    if not closed:
        raise BadBlob("a node has no end")
    return tree


def _begin(tree: Any, stack: list[Any], name: str, closed: bool) -> bool:
    if closed or len(stack) >= MAX_DEPTH:
        raise BadBlob("more than one root, or nodes too deep")
    if stack:
        node = fdt.Node(name or "unnamed")
        _append(stack[-1], node)
    else:
        node = tree.root
    stack.append(node)
    return False


def _append(node: Any, item: Any) -> None:
    try:
        node.append(item)
    except Exception as e:  # the package raises bare Exception for a repeated name
        raise BadBlob(f"{item.name!r} occurs twice in {node.name!r}") from e


def _bytes_property(name: str, value: bytes) -> Any:
    return fdt.PropBytes(name, data=value) if value else fdt.Property(name)


def serialize(tree: Any) -> bytes:
    """The blob of a tree. Raises UserError if it is too large to boot with."""
    data: bytes = tree.to_dtb(version=17)
    if len(data) > MAX_SIZE:
        raise UserError(f"device tree of {len(data)} bytes: the limit is {MAX_SIZE}")
    return data


def set_bytes(node: Any, name: str, value: bytes) -> None:
    """Set a property to exact bytes."""
    if node.exist_property(name):
        node.remove_property(name)
    node.append(_bytes_property(name, value))


def set_strings(node: Any, name: str, *values: str) -> None:
    """Set a property to a list of strings. Raises UserError unless ASCII without NUL."""
    if any("\0" in v or not v.isascii() for v in values):
        raise UserError(f"{name} must be plain ASCII text: {values!r}", 2)
    set_bytes(node, name, b"".join(v.encode() + b"\0" for v in values))


def set_cells(node: Any, name: str, *values: int) -> None:
    """Set a property to 32-bit cells."""
    set_bytes(node, name, struct.pack(f">{len(values)}I", *values))


def get_bytes(node: Any, name: str) -> bytes | None:
    """The value of a property; None if there is none."""
    prop = node.get_property(name)
    if prop is None:
        return None
    return bytes(prop.data) if isinstance(prop, fdt.PropBytes) else b""


def get_string(node: Any, name: str) -> str | None:
    """The first string of a property; None if there is none."""
    value = get_bytes(node, name)
    return None if value is None else value.split(b"\0")[0].decode("ascii", "replace")
