# SPDX-License-Identifier: Apache-2.0
"""Nodes of the device tree that are switched off: as if they were not there."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import fdt
import pytest

GUEST = 0
PAGE = 4096
RESERVED, SIZE = 0x50000000, 0x1000000
Tree = dict[str, Any]


def boot(new_machine: Any, change: Callable[[Tree], None], **more: Any) -> Any:
    """A machine that has booted with a changed tree."""
    machine = new_machine()
    assert machine.boot(change=change, **more) == GUEST, machine.core.log()[-20:]
    return machine


def inside(part: tuple[int, int], whole: list[tuple[int, int]]) -> bool:
    """Is a range all in one of others?"""
    return any(start <= part[0] and part[1] <= end for start, end in whole)


STATES = (None, "okay", "ok", "disabled", "reserved", "fail-sss", b"off")


@pytest.mark.parametrize(
    ("own", "parent", "bus", "start"),
    list(product(STATES, (None, "disabled"), (False, True), (RESERVED, RESERVED + 0x123))),
)
def test_free_memory_is_mapped(
    new_machine: Any, own: Any, parent: Any, bus: bool, start: int
) -> None:
    """Whatever a reservation says: what the allocator gets is in the direct map."""

    def change(tree: Tree) -> None:
        node: Tree = {"reg": [0, start, 0, SIZE], "no-map": True}
        area: Tree = {"#address-cells": 2, "#size-cells": 2}
        if bus:
            area["ranges"] = True
        if own is not None:
            node["status"] = own
        if parent is not None:
            area["status"] = parent
        tree["reserved-memory"] = area | {"r": node}

    machine = boot(new_machine, change)
    direct, free = machine.ranges("memmap_direct"), machine.ranges("memmap_free")
    assert all(inside(one, direct) for one in free)
    there = own in (None, "okay", "ok") and parent is None
    assert inside((start & -PAGE, start + SIZE), free) is not there
    assert inside((start & -PAGE, start + PAGE), direct) is not there


def uart(**more: Any) -> Tree:
    """A PL011 of the board."""
    return {"compatible": "arm,pl011", "reg": [0, 0x9100000, 0, 0x1000]} | more


OFF: dict[str, Tree] = {
    "memory@58000000": {"device_type": "memory", "reg": [0, 0x58000000, 0, 0x8000000]},
    "uart@9100000": uart(),
    "bus": {
        "#address-cells": 2,
        "#size-cells": 2,
        "ranges": True,
        "dma-ranges": [0, 0, 0, 0, 0, 0x48000000],
        "child@9000000": {"reg": [0, 0x9000000, 0, 0x1000], "interrupts": 41},
    },
}


@pytest.mark.parametrize("name", OFF)
def test_other_nodes(new_machine: Any, name: str) -> None:
    """RAM, a console, and a bus with what is behind it; then the same switched on."""

    def facts(status: str) -> list[Any]:
        def change(tree: Tree) -> None:
            tree |= {name: OFF[name] | {"status": status}}
            tree["memory"]["reg"] = [0, 0x40000000, 0, 0x18000000]
            tree["chosen"]["stdout-path"] = "/uart@9100000"

        machine = boot(new_machine, change)
        machine.lib.host_raise(41)
        machine.lib.host_advance(1_000_000)
        return [
            machine.ranges("memmap_free"),
            machine.lib.host_memmap.nr_reach,
            any("No console" in line for line in machine.core.log()),
            bool(machine.lib.host_virq_pending(0, 41)),
        ]

    nothing = facts("disabled")
    assert nothing[1:] == [0, True, False]
    assert facts("okay") != nothing


def test_processors(new_machine: Any) -> None:
    """Off with an enable method: it waits for that. Else it is broken [DTSpec 3.8.1]."""
    states: tuple[Tree, ...] = ({}, {"status": "fail"}, {"status": "disabled"})
    waiting: Tree = {"status": "disabled", "enable-method": "psci"}

    def change(tree: Tree) -> None:
        for number, state in enumerate((*states, waiting)):
            tree["cpus"][f"cpu@{number}"] = {"device_type": "cpu", "reg": number} | state

    machine = boot(new_machine, change)
    rc, got = machine.sysctl("physinfo")
    assert (rc, got.physinfo.nr_cpus) == (0, 2)


def test_modules(new_machine: Any) -> None:
    """One that is off is not loaded, and need not be anywhere; it is named."""

    def change(tree: Tree) -> None:
        kernel: Tree = {
            "compatible": ["multiboot,kernel", "multiboot,module"],
            "status": "disabled",
        }
        kernel |= {"reg": [0, 0, 0, 0], "bootargs": "wrong"}
        tree["chosen"] = {"old": kernel} | tree["chosen"]
        del tree["chosen"]["xen,dom0-bootargs"]
        tree["chosen"]["kernel"]["bootargs"] = "right"

    machine = boot(new_machine, change)
    text = "\n".join(machine.core.log())
    assert "/chosen/old (multiboot,kernel): its status is not okay: ignored" in text
    first = machine.ffi.new("uint64_t *")
    machine.lib.host_entry(0, 0, first)
    tree = fdt.parse_dtb(machine.get(first[0], 65536))
    assert tree.get_property("bootargs", "/chosen").value == "right"


@pytest.mark.parametrize("status", ["disabled", "off", "fail"])
def test_the_earliest_console(core: Any, make_blob: Any, status: str) -> None:
    """Also the earliest console is on none that is off: it would wait for its FIFO for ever."""
    tree = {
        "#address-cells": 2,
        "#size-cells": 2,
        "chosen": {"stdout-path": "/a"},
        "a": uart(status=status),
        "bus": {
            "#address-cells": 2,
            "#size-cells": 2,
            "ranges": True,
            "status": status,
            "b": uart(),
        },
        "c": uart(reg=[0, 0x9300000, 0, 0x1000]),
    }
    block = core.memory(make_blob(tree))
    f, found = core.ffi.new("struct dt *"), core.ffi.new("struct early_uart *")
    assert core.lib.dt_open(f, block.pointer, block.size) == 0
    assert core.lib.early_uart_find(f, found)
    assert found.regs.base == 0x9300000


def test_a_panic_names_the_node(new_machine: Any) -> None:
    """What was read last; once guests run, nothing."""
    machine = new_machine()
    machine.boot(change=lambda tree: tree["chosen"].pop("kernel"))
    assert any("Stopped while reading /" in line for line in machine.core.log())
    machine = boot(new_machine, lambda tree: None)
    assert machine.lib.dt_reading == machine.ffi.NULL
