# SPDX-License-Identifier: Apache-2.0
"""FIT images: many files, each with a hash and an address, as one device-tree blob.

Source: Flattened Image Tree specification (U-Boot, doc/usage/fit/source_file_format.rst). The same
files give the same bytes.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from xenolith.dt.blob import BEGIN_NODE, END, END_NODE, HEADER, MAGIC, PROP

CONFIGURATION = "boot"
"""The name of the one there is."""
ARCHES = {"arm64": "arm64", "riscv": "riscv"}
"""What U-Boot calls the ports."""


@dataclass(frozen=True)
class Part:
    """A file in the image. `load` is where U-Boot puts it, None: nowhere by itself."""

    name: str
    description: str
    kind: str
    """U-Boot's word: kernel, ramdisk, flat_dt, script, firmware, fpga."""
    data: bytes
    load: int | None = None


@dataclass(frozen=True)
class Boot:
    """What `bootm` starts: names of parts. For a device tree that needs no more edits."""

    kernel: str
    tree: str = ""
    others: tuple[str, ...] = ()


@dataclass
class _Node:
    name: str
    props: dict[str, bytes] = field(default_factory=dict)
    nodes: list[_Node] = field(default_factory=list)


def pack(
    description: str, arch: str, parts: Sequence[Part], boot: Boot | None = None, time: int = 0
) -> bytes:
    """The image; `time` in seconds."""
    root = _Node("")
    root.props = {
        "description": _text(description),
        "#address-cells": struct.pack(">I", 1),
        "timestamp": struct.pack(">I", time),
    }
    # What `source` runs when it is told only the address.
    script = next((part.name for part in parts if part.kind == "script"), "")
    default = {"default": _text(script)} if script else {}
    images = _Node("images", default, [_part(part, arch) for part in parts])
    root.nodes.append(images)
    if boot:
        root.nodes.append(_configurations(description, boot))
    return _blob(root)


def _part(part: Part, arch: str) -> _Node:
    props = {
        "description": _text(part.description),
        "data": part.data,
        "type": _text(part.kind),
        "arch": _text(ARCHES[arch]),
        "compression": _text("none"),
    }
    if part.kind in ("kernel", "ramdisk"):
        props["os"] = _text("linux")
    if part.kind == "fpga":
        props["compatible"] = _text("u-boot,fpga-legacy")
    if part.load is not None:
        width = ">I" if part.load < 1 << 32 else ">Q"
        props["load"] = struct.pack(width, part.load)
        if part.kind == "kernel":
            props["entry"] = props["load"]
    digest = hashlib.sha256(part.data).digest()
    check = _Node("hash-1", {"value": digest, "algo": _text("sha256")})
    return _Node(part.name, props, [check])


def _configurations(description: str, boot: Boot) -> _Node:
    props = {"description": _text(description), "kernel": _text(boot.kernel)}
    if boot.tree:
        props["fdt"] = _text(boot.tree)
    if boot.others:
        props["loadables"] = b"".join(_text(name) for name in boot.others)
    only = _Node(CONFIGURATION, props)
    return _Node("configurations", {"default": _text(CONFIGURATION)}, [only])


def _text(value: str) -> bytes:
    return value.encode() + b"\0"


def _blob(root: _Node) -> bytes:
    """Version 17 of the format; dt.blob's limit is for trees that kernels read."""
    offsets: dict[str, int] = {}
    strings = bytearray()
    for name in _names(root):
        if name not in offsets:
            offsets[name] = len(strings)
            strings += _text(name)
    pieces: list[bytes] = []
    _write(root, offsets, pieces)
    pieces.append(struct.pack(">I", END))
    structure = b"".join(pieces)
    reserve_at = HEADER.size
    structure_at = reserve_at + 16
    strings_at = structure_at + len(structure)
    total = strings_at + len(strings)
    sizes = (len(strings), len(structure))
    head = (MAGIC, total, structure_at, strings_at, reserve_at, 17, 16, 0, *sizes)
    return HEADER.pack(*head) + bytes(16) + structure + bytes(strings)


def _names(node: _Node) -> list[str]:
    return [*node.props, *(name for child in node.nodes for name in _names(child))]


def _write(node: _Node, offsets: Mapping[str, int], out: list[bytes]) -> None:
    out.append(struct.pack(">I", BEGIN_NODE) + _padded(_text(node.name)))
    for name, value in node.props.items():
        out += [struct.pack(">III", PROP, len(value), offsets[name]), _padded(value)]
    for child in node.nodes:
        _write(child, offsets, out)
    out.append(struct.pack(">I", END_NODE))


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
