# SPDX-License-Identifier: Apache-2.0
"""The interrupt controller of a RISC-V guest, for the partial tree of its devices.

xl gives a guest without devices none. It is of the host's kind, has the host's numbers, and stands
where xen/include/public/arch-riscv.h says; phandles of harts' own controllers are xl's.
"""

from __future__ import annotations

from typing import Any

import fdt

from xenolith.dt import blob
from xenolith.dt.passthrough import GUEST_CONTROLLER

PLIC, PLIC_SIZE = 0x0C00_0000, 0x0400_0000
APLIC, APLIC_SIZE = 0x0D00_0000, 0x8000
IMSIC, PAGE = 0x2800_0000, 4096
FIRST_HART = 1
"""The phandle of hart 0's own controller (libxl)."""
HARTS = 64
"""More than a guest has: Linux stops at the first that is not there."""
EXTERNAL = 9
"""A hart's interrupt for supervisor mode [RVPRIV]."""
IDENTITIES = 255
"""Of interrupt files, if the host's tree does not say."""


def add(partial: bytes, host: Any) -> bytes:
    """The partial tree with the controller, if the host's tree is that of a RISC-V machine."""
    tree = blob.parse(partial)
    bus = tree.get_node("/passthrough")
    nodes = _nodes(host.root)
    files = [n for n in nodes if _is(n, "riscv,imsics") and _is_supervisors(n)]
    for imsic in files:
        bus.append(_imsic(imsic))
        parent = blob.get_bytes(imsic, "phandle")
        for node in nodes:
            if _is(node, "riscv,aplic") and blob.get_bytes(node, "msi-parent") == parent:
                bus.append(_aplic(node))
    for node in nodes:
        if not files and (_is(node, "riscv,plic0") or _is(node, "sifive,plic-1.0.0")):
            bus.append(_plic(node))
    return blob.serialize(tree)


def _nodes(node: Any) -> list[Any]:
    return [node, *(found for child in node.nodes for found in _nodes(child))]


def _is(node: Any, kind: str) -> bool:
    return kind.encode() in (blob.get_bytes(node, "compatible") or b"").split(b"\0")


def _is_supervisors(imsic: Any) -> bool:
    return (blob.get_bytes(imsic, "interrupts-extended") or b"")[7:8] == bytes([EXTERNAL])


def _controller(source: Any, base: int, size: int, *kept: str) -> Any:
    made = fdt.Node(f"interrupt-controller@{base:x}")
    for name in ("compatible", "#interrupt-cells", *kept):
        blob.set_bytes(made, name, blob.get_bytes(source, name) or b"")
    blob.set_cells(made, "#address-cells", 0)
    blob.set_cells(made, "reg", 0, base, 0, size)
    blob.set_bytes(made, "interrupt-controller", b"")
    blob.set_cells(made, "phandle", GUEST_CONTROLLER)
    return made


def _to_harts(node: Any) -> Any:
    every = [cell for hart in range(HARTS) for cell in (FIRST_HART + hart, EXTERNAL)]
    blob.set_cells(node, "interrupts-extended", *every)
    return node


def _plic(source: Any) -> Any:
    return _to_harts(_controller(source, PLIC, PLIC_SIZE, "riscv,ndev"))


def _aplic(source: Any) -> Any:
    made = _controller(source, APLIC, APLIC_SIZE, "riscv,num-sources")
    blob.set_cells(made, "msi-parent", GUEST_CONTROLLER + 1)
    return made


def _imsic(source: Any) -> Any:
    made = _to_harts(_controller(source, IMSIC, HARTS * PAGE))
    known = blob.get_bytes(source, "riscv,num-guest-ids") or blob.get_bytes(source, "riscv,num-ids")
    identities = int.from_bytes(known, "big") if known else IDENTITIES
    blob.set_cells(made, "riscv,num-ids", identities)
    blob.set_cells(made, "#msi-cells", 0)
    blob.set_bytes(made, "msi-controller", b"")
    blob.set_cells(made, "phandle", GUEST_CONTROLLER + 1)
    return made
