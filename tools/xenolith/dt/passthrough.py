# SPDX-License-Identifier: Apache-2.0
"""Partial device trees: what a guest must know of the devices given to it.

Made of nodes of the host's tree: registers at the same addresses as on the host, interrupts with
the same numbers at the guest's own controller. Source: Xen, docs/misc/arm/passthrough.txt.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import fdt

from xenolith.dt import address, blob
from xenolith.errors import UserError

GUEST_CONTROLLER = 0xFDE8
"""The phandle that Xen gives to the guest's interrupt controller (GUEST_PHANDLE_GIC)."""
PAGE = 4096
CONTROLLERS = re.compile(r"gic|plic|aplic")
"""Compatibles of controllers whose numbers a guest's controller has, too."""
FIRST_SPI = 32
"""The GIC's number of the shared interrupt that its specifiers call 0."""
FOREIGN = re.compile(
    r"(assigned-)?clock(s|-names|-parents|-rates)|pinctrl-.*|resets?|reset-names|power-domains?"
    r"|power-domain-names|iommus|iommu-map.*|dmas|dma-names|interconnects?|interconnect-names"
    r"|phys|phy-names|phy-handle|.*-supply|.*-gpios?|gpios?|mboxes|mbox-names|firmware"
    r"|nvmem-cells|nvmem-cell-names|msi-parent|msi-map.*|.*-pwrseq|operating-points.*|syscon.*"
    r"|memory-region.*|sram|interrupt-parent|interrupts-extended|xen,passthrough|status"
)
"""Properties that refer to nodes a guest does not have, or that do not hold there."""


@dataclass(frozen=True)
class Partial:
    """The blob, and what of the nodes could not be taken over."""

    data: bytes
    notes: tuple[str, ...]


class _Maker:
    def __init__(self, host: Any) -> None:
        self.host = host
        self.tree = fdt.FDT()
        self.tree.header.version = 17
        self.bus = self.tree.get_node("/passthrough", create=True)
        self.notes: list[str] = []
        self.by_phandle = {
            int.from_bytes(blob.get_bytes(node, "phandle") or b"", "big"): node
            for node in _walk(host.root)
            if blob.get_bytes(node, "phandle")
        }
        for node in (self.tree.root, self.bus):
            for name in ("#address-cells", "#size-cells"):
                blob.set_cells(node, name, 2)
        blob.set_strings(self.bus, "compatible", "simple-bus")
        blob.set_bytes(self.bus, "ranges", b"")

    def device(self, path: str) -> None:
        """Adds a copy of a node of the host."""
        if path == "/" or not path.startswith("/") or not self.host.exist_node(path):
            raise UserError(f"device tree: there is no node {path} to give to a guest", 2)
        source = self.host.get_node(path)
        if any(node.name == source.name for node in self.bus.nodes):
            raise UserError(f"device tree: two devices for one guest are called {source.name}", 2)
        copy = self.copied(source, path)
        self.bus.append(copy)
        ranges = address.regs(self.host, path)
        if ranges:
            wide = [value for row in ranges for value in row]
            blob.set_bytes(copy, "reg", struct.pack(f">{len(wide)}Q", *wide))
            mapped = [value for row in ranges for value in pages(*row)]
            blob.set_bytes(copy, "xen,reg", struct.pack(f">{len(mapped)}Q", *mapped))
            for start, size in ranges:
                if start % PAGE or size % PAGE:
                    self.notes.append(f"{path}: the guest gets whole pages, and what shares them")
        self.interrupts(source, copy, path)
        self.clocks(source, copy, path)
        blob.set_strings(copy, "xen,path", path)
        if blob.get_bytes(source, "iommus") is None:
            blob.set_bytes(copy, "xen,force-assign-without-iommu", b"")

    def copied(self, source: Any, path: str) -> Any:
        """A node with its children, without what leads out of it."""
        copy = fdt.Node(source.name)
        for prop in source.props:
            if not FOREIGN.fullmatch(prop.name) and prop.name != "reg":
                blob.set_bytes(copy, prop.name, blob.get_bytes(source, prop.name) or b"")
            elif prop.name not in ("reg", "status", "clocks", "clock-names", "interrupt-parent"):
                self.notes.append(f"{path}: {prop.name} is left out: it leads out of the device")
        for child in source.nodes:
            below = self.copied(child, f"{path}/{child.name}")
            reg = blob.get_bytes(child, "reg")
            if reg:
                blob.set_bytes(below, "reg", reg)
            copy.append(below)
        return copy

    def interrupts(self, source: Any, copy: Any, path: str) -> None:
        if blob.get_bytes(source, "interrupts-extended") is not None:
            raise UserError(f"device tree: {path}: interrupts-extended cannot be given to a guest")
        if blob.get_bytes(source, "interrupts") is None:
            return
        parent = self.controller(path)
        known = parent is not None and CONTROLLERS.search(
            (blob.get_bytes(parent, "compatible") or b"").decode("ascii", "replace")
        )
        if not known:
            name = parent.name if parent is not None else "a controller that is not there"
            raise UserError(
                f"device tree: {path}: its interrupts go to {name}; a guest has only the main "
                "interrupt controller"
            )
        blob.set_cells(copy, "interrupt-parent", GUEST_CONTROLLER)

    def controller(self, path: str) -> Any:
        """The node that a node's interrupts go to; None if the tree does not say."""
        parts = [part for part in path.split("/") if part]
        while True:
            node = self.host.get_node("/" + "/".join(parts))
            value = blob.get_bytes(node, "interrupt-parent")
            if value is not None:
                return self.by_phandle.get(int.from_bytes(value, "big"))
            if not parts:
                return None
            parts.pop()

    def clocks(self, source: Any, copy: Any, path: str) -> None:
        """Clocks that only tick are taken along; others cannot be."""
        value = blob.get_bytes(source, "clocks")
        if not value:
            return
        nodes = [
            self.by_phandle.get(int.from_bytes(value[at : at + 4], "big"))
            for at in range(0, len(value), 4)
        ]
        fixed = b"fixed-clock\0"
        known = [n for n in nodes if n is not None and blob.get_bytes(n, "compatible") == fixed]
        if len(known) < len(nodes):
            self.notes.append(f"{path}: clocks is left out: they are not the guest's to control")
            return
        for node in known:
            if all(other.name != node.name for other in self.bus.nodes):
                clock = fdt.Node(node.name)
                for prop in node.props:
                    blob.set_bytes(clock, prop.name, blob.get_bytes(node, prop.name) or b"")
                self.bus.append(clock)
        for name in ("clocks", "clock-names"):
            kept = blob.get_bytes(source, name)
            if kept is not None:
                blob.set_bytes(copy, name, kept)


def _walk(node: Any) -> list[Any]:
    return [node, *(found for child in node.nodes for found in _walk(child))]


def pages(start: int, size: int) -> tuple[int, int, int]:
    """Host address, size and guest address of whole pages."""
    first = start // PAGE * PAGE
    return first, -(-(start + size - first) // PAGE) * PAGE, first


def interrupts(host: Any, path: str) -> list[int]:
    """A device's interrupts, as the main interrupt controller numbers them. Raises UserError."""
    maker, node = _Maker(host), host.get_node(path)
    maker.interrupts(node, fdt.Node(node.name), path)
    data = blob.get_bytes(node, "interrupts") or b""
    values = struct.unpack(f">{len(data) // 4}I", data)
    parent = maker.controller(path)
    width = address.cells(parent, "#interrupt-cells", 1) if parent is not None else 1
    if width == 3:  # of a GIC: kind, number, trigger
        return [number + FIRST_SPI for number in values[1::3]]
    return list(values[::width])


def make(host: Any, paths: Sequence[str]) -> Partial:
    """The partial tree for the nodes `paths` of the tree `host`. Raises UserError."""
    maker = _Maker(host)
    for path in paths:
        maker.device(path)
    return Partial(blob.serialize(maker.tree), tuple(maker.notes))
