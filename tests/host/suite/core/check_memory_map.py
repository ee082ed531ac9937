# SPDX-License-Identifier: Apache-2.0
"""The machine's memory as the tree tells it: what is the firmware's, how much can be told."""

from __future__ import annotations

from typing import Any

import fdt
import pytest

MIB = 1 << 20
GUEST, IDLE, HALTED = range(3)
RAM, IMAGE, RAMDISK = 0x40000000, 0x40200000, 0x43000000
"""Where RAM begins; where the hypervisor and the ramdisk are."""
FIRMWARE = 0x50000000
AREA = "reserved-memory"
Tree = dict[str, Any]


def wide(*values: int) -> list[int]:
    """Two cells for each."""
    return [cell for value in values for cell in (value >> 32, value & 0xFFFFFFFF)]


def area(*starts: int, size: int = MIB) -> Tree:
    """A /reserved-memory with a child for each range."""
    nodes = {f"r@{start:x}": {"reg": wide(start, size)} for start in starts}
    return {"#address-cells": 2, "#size-cells": 2, "ranges": True} | nodes


def boot(new_machine: Any, nodes: Tree, ram: int = 512 * MIB, state: int = GUEST) -> Any:
    """A machine that booted with these nodes in its tree."""
    machine = new_machine(ram)
    assert machine.boot(change=lambda tree: tree.update(nodes)) == state
    machine.said = "\n".join(machine.core.log())
    return machine


def dom0_has(machine: Any, at: int) -> bool:
    """Is RAM at this address mapped for dom0?"""
    return bool(machine.lib.host_guest_read(0, at, machine.ffi.new("uint8_t[1]"), 1))


def is_free(machine: Any, at: int) -> bool:
    """May the allocator hand it out?"""
    return any(start <= at < end for start, end in machine.ranges("memmap_free"))


def test_the_firmwares_memory_is_dom0s(new_machine: Any) -> None:
    machine = boot(new_machine, {AREA: area(FIRMWARE)})
    assert dom0_has(machine, FIRMWARE)
    assert not is_free(machine, FIRMWARE)


def framebuffer(at: int, **more: Any) -> Tree:
    """What firmware writes about a screen that is on."""
    node = {"compatible": "simple-framebuffer", "reg": wide(at, MIB), "format": "a8r8g8b8"}
    return node | {"width": 512, "height": 512, "stride": 2048} | more


def boot_with_screen(new_machine: Any, chosen: bool, node: Tree) -> tuple[Any, Any]:
    """A machine with a frame buffer in /chosen or beside it, and dom0's node of it or None."""

    def change(tree: Tree) -> None:
        parent = tree["chosen"] if chosen else tree
        parent |= {"framebuffer@0": node}
        if chosen:
            parent["ranges"] = True

    machine = new_machine(512 * MIB)
    assert machine.boot(change=change) == GUEST
    machine.said = "\n".join(machine.core.log())
    first = machine.ffi.new("uint64_t *")
    machine.lib.host_entry(0, 0, first)
    tree = fdt.parse_dtb(machine.get(first[0], 65536))
    path = "/chosen/framebuffer@0" if chosen else "/framebuffer@0"
    return machine, tree.get_node(path) if tree.exist_node(path) else None


@pytest.mark.parametrize("chosen", [True, False])
@pytest.mark.parametrize("at", [FIRMWARE, FIRMWARE + 0x800])
def test_the_screen_is_dom0s(new_machine: Any, at: int, chosen: bool) -> None:
    """A picture in RAM that nothing else reserves: whole pages of it, and its node as it was."""
    machine, node = boot_with_screen(new_machine, chosen, framebuffer(at))
    for place in (FIRMWARE, at + MIB - 1):
        assert dom0_has(machine, place)
        assert not is_free(machine, place)
    assert is_free(machine, FIRMWARE - 1)
    assert is_free(machine, at + MIB + 4095)
    assert list(node.get_property("reg").data) == wide(at, MIB)
    assert node.get_property("format").value == "a8r8g8b8"
    assert "framebuffer" not in machine.said


def test_a_screen_by_its_memory_region(new_machine: Any) -> None:
    region = area(FIRMWARE)
    region["r@50000000"] |= {"phandle": 7, "no-map": True}
    node = framebuffer(0, **{"memory-region": 7})
    del node["reg"]
    machine = boot(new_machine, {AREA: region, "framebuffer": node})
    assert dom0_has(machine, FIRMWARE)
    assert not is_free(machine, FIRMWARE)


@pytest.mark.parametrize("chosen", [True, False])
def test_a_screen_that_is_off_is_ram(new_machine: Any, chosen: bool) -> None:
    off = framebuffer(FIRMWARE, status="disabled")
    machine, node = boot_with_screen(new_machine, chosen, off)
    assert is_free(machine, FIRMWARE)
    assert not dom0_has(machine, FIRMWARE)
    assert (node is None) == chosen


def test_a_screen_over_the_hypervisor_is_not_dom0s(new_machine: Any) -> None:
    machine, _ = boot_with_screen(new_machine, True, framebuffer(IMAGE))
    assert not dom0_has(machine, IMAGE)
    assert "/chosen/framebuffer@0: 0x40200000-0x40300000 has the hypervisor" in machine.said


@pytest.mark.parametrize("reg", [[1], wide((1 << 64) - 1, 2), wide(FIRMWARE, 0), []])
def test_a_screen_nowhere_is_no_reason_to_stop(new_machine: Any, reg: list[int]) -> None:
    machine, node = boot_with_screen(new_machine, True, framebuffer(0, reg=reg))
    assert is_free(machine, FIRMWARE)
    assert node is not None


def test_addresses_are_as_written(new_machine: Any) -> None:
    """What is mapped for dom0 is what was reserved, whatever `ranges` says."""
    ranges = {"ranges": wide(FIRMWARE, FIRMWARE + 64 * MIB, 16 * MIB)}
    machine = boot(new_machine, {AREA: area(FIRMWARE) | ranges})
    assert dom0_has(machine, FIRMWARE)
    assert not dom0_has(machine, FIRMWARE + 64 * MIB)


def test_nodes_below_are_not_the_firmwares(new_machine: Any) -> None:
    """Only children of /reserved-memory reserve."""
    tree = area() | {"outer": area(FIRMWARE)}
    machine = boot(new_machine, {AREA: tree})
    assert is_free(machine, FIRMWARE)
    assert not dom0_has(machine, FIRMWARE)
    assert "/reserved-memory/outer/r@50000000: 0x50000000-0x50100000 is RAM" in machine.said


def test_windows_of_reservations_do_not_count(new_machine: Any) -> None:
    tree = area(FIRMWARE)
    tree["r@50000000"] |= {"device_type": "pci", "ranges": [0, 0, 0, FIRMWARE + 64 * MIB, MIB]}
    assert not dom0_has(boot(new_machine, {AREA: tree}), FIRMWARE + 64 * MIB)


def test_every_area_counts(new_machine: Any) -> None:
    more = {f"{AREA}@0": area(FIRMWARE)}
    machine = boot(new_machine, {AREA: area(FIRMWARE + 64 * MIB)} | more)
    assert not is_free(machine, FIRMWARE)
    assert not is_free(machine, FIRMWARE + 64 * MIB)


@pytest.mark.parametrize(("at", "size"), [(IMAGE, MIB), (RAMDISK, 8192)])
def test_what_is_ours_is_not_dom0s(new_machine: Any, at: int, size: int) -> None:
    """The hypervisor's image, and a module, whose memory the allocator gets."""
    machine = boot(new_machine, {AREA: area(at, size=size)})
    assert not dom0_has(machine, at)
    assert f"/reserved-memory/r@{at:x}" in machine.said
    assert "has the hypervisor or a boot module in it" in machine.said


@pytest.mark.parametrize("start", [RAM - MIB, RAM + 511 * MIB])
def test_devices_over_the_end_of_ram(new_machine: Any, start: int) -> None:
    """Registers that are partly RAM are not mapped, where RAM begins and where it ends."""
    node = {"reg": wide(start, 2 * MIB)}
    machine = boot(new_machine, {"device": node})
    assert not dom0_has(machine, max(start, RAM))
    assert "/device: 0x" in machine.said
    assert "is RAM, at least in part: left out" in machine.said


def test_ranges_that_wrap_take_all_above(new_machine: Any) -> None:
    machine = new_machine()
    blob = machine.make_blob
    machine.make_blob = lambda tree: blob(tree, [(FIRMWARE, (1 << 64) - 0x1000)])
    assert machine.boot() == GUEST
    assert not any(end > FIRMWARE for _, end in machine.ranges("memmap_free"))


@pytest.mark.parametrize(
    ("name", "node", "path"),
    [
        ("memory@7", {"device_type": "memory", "reg": [0, 1, 2]}, "/memory@7"),
        ("memory@7", {"device_type": "memory", "reg": wide((1 << 64) - 1, 2)}, "/memory@7"),
        (AREA, area() | {"r@1": {"reg": [1]}}, "/reserved-memory/r@1"),
        (AREA, area((1 << 64) - 1), "/reserved-memory/r@ffffffffffffffff"),
    ],
)
def test_malformed_ranges_are_named(new_machine: Any, name: str, node: Tree, path: str) -> None:
    machine = boot(new_machine, {name: node}, state=HALTED)
    assert f"{path}: reg is malformed" in machine.said


def apart(count: int) -> list[int]:
    """That many places in RAM with a gap between any two."""
    return [FIRMWARE + 2 * MIB * i for i in range(count)]


LIMIT = 256
OTHERS = 6
"""Page 0, the hypervisor, the tree, two modules, page tables."""


def test_as_many_reservations_as_xen_has(new_machine: Any) -> None:
    for index in (1, 0):
        places = apart(LIMIT - OTHERS + index)
        tree = area(*places)
        for node in [tree[name] for name in tree if "@" in name]:
            node["no-map"] = True
        machine = boot(new_machine, {AREA: tree}, 2048 * MIB, HALTED if index else GUEST)
        assert ("more than 256 separate ranges" in machine.said) is bool(index)
    free, direct = machine.ranges("memmap_free"), machine.ranges("memmap_direct")
    assert all(not is_free(machine, place) for place in places)
    assert sum(end - start for start, end in free) < 2048 * MIB - len(places) * MIB
    assert all(any(a <= start and end <= b for a, b in direct) for start, end in free)


def test_as_many_banks_as_xen_has(new_machine: Any) -> None:
    """RAM in 256 pieces is all used; of 257 one is named and left out."""
    for count in (LIMIT, LIMIT + 1):
        banks = [(RAM, 128 * MIB), *((place, MIB) for place in apart(count - 1))]
        reg = [cell for bank in banks for cell in wide(*bank)]
        machine = boot(new_machine, {"memory": {"device_type": "memory", "reg": reg}}, 2048 * MIB)
        assert machine.lib.host_memmap.ram.count == LIMIT
        last = banks[-1][0]
        assert (f"RAM of memory at {last:#x} stays unused: more than 256" in machine.said) is (
            count > LIMIT
        )
        assert is_free(machine, last) is (count == LIMIT)


def test_extended_regions_are_in_every_piece(new_machine: Any) -> None:
    """Free guest-physical space for dom0, when reservations cut RAM into many pieces."""
    tree = area(*(FIRMWARE + 8 * MIB * i for i in range(150)))
    machine = boot(new_machine, {AREA: tree}, 2048 * MIB)
    assert machine.said.count("extended region ") > 140
