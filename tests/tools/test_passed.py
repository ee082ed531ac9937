# SPDX-License-Identifier: Apache-2.0
"""Devices that a run leaves to guests: the mark in the machine's tree, and dom0's files."""

from __future__ import annotations

from typing import Any

import fdt
import pytest

from xenolith.dt import blob
from xenolith.errors import UserError
from xenolith.lab import passed


def node(name: str, *compatible: str, **cells: tuple[int, ...]) -> Any:
    """A node; `_` in names of properties stands for `-`, a leading `n` for `#`."""
    made = fdt.Node(name)
    if compatible:
        blob.set_strings(made, "compatible", *compatible)
    for key, values in cells.items():
        blob.set_cells(made, key.replace("n_", "#").replace("_", "-"), *values)
    return made


def machine(*nodes: Any) -> Any:
    """A tree whose devices have two cells for address and size, and controller 1."""
    tree = fdt.FDT()
    tree.header.version = 17
    for name in ("#address-cells", "#size-cells"):
        blob.set_cells(tree.root, name, 2)
    blob.set_cells(tree.root, "interrupt-parent", 1)
    for made in nodes:
        tree.root.append(made)
    return tree


GIC = ("intc@8000000", "arm,cortex-a15-gic")
PLIC = ("plic@c000000", "sifive,plic-1.0.0", "riscv,plic0")


def board(kind: str) -> Any:
    """The tree of a machine with a clock."""
    if kind == "gic":
        device = node("clock@9010800", "arm,pl031", reg=(0, 0x9010800, 0, 0x1000))
        blob.set_cells(device, "interrupts", 0, 2, 4, 0, 9, 1)
        return machine(node(*GIC, phandle=(1,), n_interrupt_cells=(3,)), device)
    device = node("clock@101000", "goldfish", reg=(0, 0x101000, 0, 0x1000), interrupts=(11,))
    if kind == "plic":
        intc = node(*PLIC, phandle=(1,), n_interrupt_cells=(1,))
        blob.set_cells(intc, "riscv,ndev", 95)
        return machine(intc, device)
    blob.set_cells(device, "interrupts", 11, 4)
    machines = node("imsics@24000000", "riscv,imsics", interrupts_extended=(7, 11))
    imsic = node("imsics@28000000", "riscv,imsics", interrupts_extended=(7, 9), phandle=(3,))
    blob.set_cells(imsic, "riscv,num-ids", 255)
    aplic = node("aplic@d000000", "riscv,aplic", msi_parent=(3,), phandle=(1,))
    blob.set_cells(aplic, "#interrupt-cells", 2)
    other = node("aplic@c000000", "riscv,aplic", msi_parent=(2,))
    return machine(other, machines, imsic, aplic, device)


def given(kind: str, path: str) -> tuple[Any, dict[str, bytes]]:
    """The machine's tree afterwards, and dom0's files."""
    data, entries = passed.give(blob.serialize(board(kind)), (path,))
    return blob.parse(data), {entry.path: entry.data for entry in entries}


def test_nothing_is_asked_for() -> None:
    tree = blob.serialize(board("gic"))
    assert passed.give(tree, ()) == (tree, [])


def test_whole_pages_and_each_interrupt() -> None:
    tree, files = given("gic", "/clock@9010800")
    assert tree.exist_property("xen,passthrough", "/clock@9010800")
    assert files["etc/xen/devices/clock@9010800.cfg"].decode().splitlines() == [
        'device_tree = "/etc/xen/devices/clock@9010800.dtb"',
        'iomem = [ "0x9010,2" ]',
        "irqs = [ 34, 41 ]",
    ]
    partial = blob.parse(files["etc/xen/devices/clock@9010800.dtb"])
    assert [found.name for found in partial.get_node("/passthrough").nodes] == ["clock@9010800"]


@pytest.mark.parametrize(
    ("kind", "controllers"),
    [
        ("plic", ["interrupt-controller@c000000"]),
        ("aia", ["interrupt-controller@28000000", "interrupt-controller@d000000"]),
    ],
)
def test_the_controller_of_a_riscv_guest(kind: str, controllers: list[str]) -> None:
    """xl writes none; it is that of supervisor mode."""
    _, files = given(kind, "/clock@101000")
    assert "irqs = [ 11 ]" in files["etc/xen/devices/clock@101000.cfg"].decode()
    partial = blob.parse(files["etc/xen/devices/clock@101000.dtb"])
    names = [found.name for found in partial.get_node("/passthrough").nodes]
    assert names == ["clock@101000", *controllers]
    for name in controllers:
        harts = blob.get_bytes(partial.get_node(f"/passthrough/{name}"), "interrupts-extended")
        assert harts is None or harts[:8] == bytes([0, 0, 0, 1, 0, 0, 0, 9])
    parents = [blob.get_bytes(partial.get_node(f"/passthrough/{n}"), "phandle") for n in names[1:]]
    wanted = blob.get_bytes(partial.get_node("/passthrough/clock@101000"), "interrupt-parent")
    assert wanted in parents and len(set(parents)) == len(parents)


@pytest.mark.parametrize("path", ["/", "clock@9010800", "/nothing", "/clock@9010800/nothing", ""])
def test_a_device_that_is_not_there(path: str) -> None:
    with pytest.raises(UserError, match="no") as caught:
        given("gic", path)
    assert caught.value.code == 2
