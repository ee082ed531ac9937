# SPDX-License-Identifier: Apache-2.0
"""Where files may lie: clear of U-Boot, firmware, reserved memory, on every size of board."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

import fdt
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from xenolith.boards import boards, find
from xenolith.dt import blob
from xenolith.errors import UserError
from xenolith.system.placement import MIB, Region
from xenolith.system.spec import Dom0, Guest, Range, SharedMemory, Spec
from xenolith.uboot import plan, script
from xenolith.uboot.plan import File
from xenolith.uboot.room import room

RPI4 = find("rpi4")
GIB = 1 << 30
SPEC = Spec("xen", "", Dom0("Image", "initrd"), (Guest("Image", "domU0"),), device_tree="dtb")
FILES = {"xen": File(MIB, 2 * MIB), "Image": File(38 * MIB), "initrd": File(60 * MIB)}
FILES["dtb"] = File(50_000)
GPU = 76 * MIB
BANKS = {
    1: [(0, GIB - GPU)],
    2: [(0, GIB - GPU), (GIB, GIB)],
    4: [(0, GIB - GPU), (GIB, 0xFC00_0000 - GIB)],
    8: [(0, GIB - GPU), (GIB, 0xFC00_0000 - GIB), (4 * GIB, 4 * GIB)],
}
"""Board size in GB to the RAM that its firmware names [facts of the Raspberry Pi 4]."""


def tree(memory: list[tuple[int, int]], reserved: list[tuple[int, int]]) -> Any:
    """A device tree with this RAM and one reservation of many entries."""
    made = fdt.FDT()
    made.header.version = 17
    blob.set_strings(made.root, "compatible", "brcm,bcm2711")
    for node in (made.root, made.get_node("/reserved-memory", create=True)):
        for name in ("#address-cells", "#size-cells"):
            blob.set_cells(node, name, 2)
    pairs = (("/memory@0", memory), ("/reserved-memory/many@0", reserved))
    for path, ranges in pairs:
        flat = [value for row in ranges for value in row]
        node = made.get_node(path, create=True)
        blob.set_bytes(node, "reg", struct.pack(f">{len(flat)}Q", *flat))
    return made


def placed(spec: Spec, made: Any, **options: Any) -> list[Region]:
    space = room(RPI4, spec, made)
    found = plan.make(spec, space, FILES, script.CARD, firmware_tree="fdt_addr", **options)
    for region in found.regions:
        assert not any(region.overlaps(other) for other in space.taken)
    return list(found.regions)


@pytest.mark.parametrize("size", BANKS)
def test_every_size_of_the_pi(size: int) -> None:
    uboot = Region("U-Boot after it moved", GIB - GPU - 64 * MIB, 64 * MIB)
    firmware = Region("the firmware's tree", 0x2EFF_0000, 0x1_0000)
    stub = Region("stub, spin table, TF-A, U-Boot as loaded", 0, 4 * MIB)
    for region in placed(SPEC, tree(BANKS[size], [])):
        assert not any(region.overlaps(other) for other in (uboot, firmware, stub)), region
        assert any(s <= region.start and region.end <= s + n for s, n in BANKS[size])


@given(st.lists(st.tuples(st.integers(0, 640), st.integers(1, 8)), max_size=12))
def test_reserved_memory_is_left_alone(reserved: list[tuple[int, int]]) -> None:
    ranges = [(start * MIB, length * MIB) for start, length in reserved]
    try:
        found = placed(SPEC, tree(BANKS[1], ranges), fit_size=100 * MIB)
    except UserError as e:
        assert "does not fit" in e.message
        reject()
    for region in found:
        for start, length in ranges:
            assert region.end <= start or start + length <= region.start


def test_what_reservations_leave_too_little_for() -> None:
    every = [(start * MIB, MIB) for start in range(8, 640, 32)]
    with pytest.raises(UserError, match=r"dom0 kernel \(38 MiB\) does not fit .*MEMORY_START"):
        placed(SPEC, tree(BANKS[1], every))


def test_gaps_in_ram_are_not_used() -> None:
    banks = [(0, 16 * MIB), (256 * MIB, GIB - GPU - 256 * MIB)]
    for region in placed(SPEC, tree(banks, [])):
        assert region.end <= 16 * MIB or region.start >= 256 * MIB
    # A tree that the firmware has yet to fill in says nothing about RAM.
    assert placed(SPEC, tree([(0, 0)], []))[0].start == 8 * MIB


def test_the_users_range() -> None:
    within = Spec("xen", "", SPEC.dom0, memory=Range(256 * MIB, GIB))
    assert all(r.start >= 256 * MIB and r.end <= 640 * MIB for r in placed(within, None))
    beyond = Spec("xen", "", SPEC.dom0, memory=Range(4 * GIB, GIB))
    with pytest.raises(UserError, match="nothing of what rpi4 leaves free"):
        room(RPI4, beyond)
    high = room(find("qemu-virt-arm64"), beyond)
    assert (high.ram.start, high.ram.end) == (4 * GIB, 5 * GIB)
    low = room(find("qemu-virt-arm64"), Spec("x", "", SPEC.dom0, memory=Range(2 * GIB, GIB)))
    assert any(r.end == 3 * GIB and r.size == 64 * MIB for r in low.taken)


@pytest.mark.parametrize("name", [name for name, board in boards().items() if board.uboot])
def test_facts_agree(name: str) -> None:
    space = room(find(name), Spec("x", "", SPEC.dom0))
    scripts = next(r for r in space.taken if r.name == "the scripts")
    assert scripts.end <= space.ram.end
    others = [r for r in space.taken if r is not scripts]
    assert not any(other.overlaps(space.ram) or other.overlaps(scripts) for other in others) or (
        name.startswith("qemu-virt") and not any(other.overlaps(space.ram) for other in others)
    )
    assert any(r.name.startswith("U-Boot running") for r in space.taken)


def where(files: dict[str, File], name: str = "rpi4", **options: Any) -> dict[str, Region]:
    """Where the files of SPEC come to lie on a board."""
    space = room(find(name), SPEC)
    found = plan.make(SPEC, space, files, script.CARD, firmware_tree="fdt_addr", **options)
    return {region.name: region for region in found.regions}


def test_bss_is_kept_free() -> None:
    found = where(FILES | {"xen": File(MIB, 9 * MIB)})
    assert found["dom0 kernel"].start >= found["hypervisor"].start + 9 * MIB


def test_what_booti_moves() -> None:
    board = find("qemu-virt-riscv64")
    moved = FILES | {"xen": File(MIB, 20 * MIB, offset=2 * MIB)}
    found = where(moved, board.name)
    region = found.pop(plan.MOVED)
    assert (region.start, region.size) == (board.ram_base + 2 * MIB, 20 * MIB)
    assert not any(region.overlaps(other) for other in found.values())
    # The Pi's firmware has the beginning of RAM.
    low = FILES | {"xen": File(MIB, 2 * MIB, offset=0)}
    with pytest.raises(UserError, match=r"overlaps firmware: spin table.*bootm"):
        where(low)
    assert plan.MOVED in where(FILES | {"xen": File(MIB, 2 * MIB, offset=0x8_0000)})


def test_a_file_that_grows_keeps_its_bss() -> None:
    files = FILES | {"xen": File(MIB, 5 * MIB)}
    made = plan.make(
        SPEC, room(RPI4, SPEC), files, script.CARD, firmware_tree="fdt_addr", ask_sizes=True
    )
    load = next(load for load in made.plan.loads if load.what == "hypervisor")
    region = next(region for region in made.regions if region.name == "hypervisor")
    assert load.room > MIB
    assert load.room + 4 * MIB <= region.size


def test_memory_that_is_given_away() -> None:
    static, shared = Range(8 * MIB, 64 * MIB), SharedMemory("s", 128 * MIB, 0, 2 * MIB)
    guest = Guest("Image", "domU0", memory=64 << 10, static_memory=(static,))
    spec = replace(SPEC, guests=(replace(guest, shared_memory=(shared,)),))
    spec = replace(spec, static_heap=(Range(80 * MIB, 8 * MIB),))
    for region in placed(spec, None):
        for start, size in ((8, 64), (128, 2), (80, 8)):
            assert region.end <= start * MIB or (start + size) * MIB <= region.start
