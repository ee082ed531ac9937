# SPDX-License-Identifier: Apache-2.0
"""The hypervisor's own tables: the direct map, guard pages, devices, the window for the tree."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

MIB, GIB, PAGE = 1 << 20, 1 << 30, 4096
GUEST, IDLE, HALTED = range(3)
TEXT, RODATA, DATA, DEVICE = range(4)
RAM, CHUNK = 0x40000000, 2 * MIB
FAR = 1 << 39
"""Where the third port's direct map ends."""


def wide(*values: int) -> list[int]:
    """Two cells for each."""
    return [cell for value in values for cell in (value >> 32, value & 0xFFFFFFFF)]


def no_map(*ranges: tuple[int, int]) -> dict[str, Any]:
    """A /reserved-memory whose ranges the firmware wants unmapped."""
    nodes = {f"r@{at:x}": {"reg": wide(at, size), "no-map": True} for at, size in ranges}
    return {"reserved-memory": {"#address-cells": 2, "#size-cells": 2, "ranges": True} | nodes}


class Tables:
    """What a walk of the tables finds."""

    def __init__(self, machine: Any) -> None:
        self.machine, self.lib, self.ffi = machine, machine.lib, machine.ffi
        self.pa, self.kind = self.ffi.new("uint64_t *"), self.ffi.new("unsigned int *")
        self.shift = self.ffi.new("unsigned int *")

    def at(self, va: int) -> tuple[int, int, int] | None:
        """Physical address, kind and size of the leaf at a virtual address."""
        found = self.lib.host_hyp_walk(va, self.pa, self.kind, self.shift)
        return (self.pa[0], self.kind[0], 1 << self.shift[0]) if found else None

    def direct(self, pa: int) -> tuple[int, int, int] | None:
        """The same in the direct map."""
        return self.at(self.address(self.lib.host_ram(pa)))

    def address(self, pointer: Any) -> int:
        """A pointer as a number."""
        return int(self.ffi.cast("uintptr_t", pointer))


def boot(new_machine: Any, nodes: dict[str, Any], ram: int = 512 * MIB, state: int = GUEST) -> Any:
    """A machine that booted with these nodes in its tree."""
    machine = new_machine(ram)
    assert machine.boot(change=lambda tree: tree.update(nodes)) == state
    return machine


@pytest.fixture
def tables(machine: Any) -> Tables:
    """Of a machine that runs."""
    return Tables(machine)


@pytest.mark.parametrize("at", [0x50000000, 0x50000000 + PAGE, 0x50000000 + CHUNK - PAGE])
@pytest.mark.parametrize("size", [PAGE, CHUNK, 5 * CHUNK + 3 * PAGE])
def test_direct_map(new_machine: Any, at: int, size: int) -> None:
    """All RAM but the image and what the firmware denies, at its place, as data; not more."""
    machine = boot(new_machine, no_map((at, size)), 1536 * MIB)
    tables = Tables(machine)
    ranges = machine.ranges("memmap_direct")
    mapped = 0
    for start, end in ranges:
        pa = start
        while pa < end:
            found = tables.direct(pa)
            assert found is not None
            assert found[:2] == (pa, DATA)
            pa += found[2]
            mapped += found[2]
        assert pa == end
    gaps = [(a[1], b[0]) for a, b in itertools.pairwise(ranges)]
    assert (at, at + size) in gaps
    assert (RAM + CHUNK, RAM + 2 * CHUNK) in gaps  # the image
    for start, end in gaps:
        assert tables.direct(start) is None
        assert tables.direct(end - 1) is None
    assert tables.direct(RAM + 1536 * MIB) is None
    assert mapped == sum(end - start for start, end in ranges)


def test_leaves_are_large(new_machine: Any) -> None:
    """So that few entries map much RAM."""
    tables = Tables(boot(new_machine, {}, 3 * GIB))
    assert tables.direct(RAM + GIB) == (RAM + GIB, DATA, GIB)
    assert tables.direct(RAM + 4 * CHUNK) == (RAM + 4 * CHUNK, DATA, CHUNK)


def test_stacks_have_guard_pages(tables: Tables) -> None:
    """The lowest page of each is not there, the others are."""
    for stack in tables.lib.cpu_stacks:
        at = tables.address(stack)
        pages = tables.ffi.sizeof(stack) // PAGE
        assert tables.at(at) is None
        for page in range(1, pages):
            found = tables.at(at + page * PAGE)
            assert found is not None
            assert found[1:] == (DATA, PAGE)


def test_devices(tables: Tables) -> None:
    """Each page is the device's; mappings do not overlap."""
    rng = random.Random(1)
    seen: set[int] = set()
    for _ in range(40):
        pa = rng.choice([0x9000000, 0x100000000, FAR]) + rng.randrange(4 * CHUNK)
        size = rng.choice([1, 8, PAGE, PAGE + 1, 64 * PAGE])
        va = tables.address(tables.lib.hyp_map_device(pa, size))
        assert va % PAGE == pa % PAGE
        for offset in range(0, size, PAGE):
            assert tables.at(va + offset) == (pa + offset, DEVICE, PAGE)
        pages = set(range(va // PAGE, (va + size - 1) // PAGE + 1))
        assert not pages & seen
        seen |= pages


def test_a_device_in_large_leaves(tables: Tables) -> None:
    """Where its window is aligned as it is."""
    skew = tables.address(tables.lib.hyp_map_device(0x9000000, PAGE)) + PAGE
    va = tables.address(tables.lib.hyp_map_device(0x80000000 + skew % CHUNK, 2 * CHUNK))
    middle = (va + CHUNK - 1) // CHUNK * CHUNK
    assert tables.at(va) == (0x80000000 + skew % CHUNK, DEVICE, PAGE)
    assert tables.at(middle) == (0x80000000 + middle - va + skew % CHUNK, DEVICE, CHUNK)


@pytest.mark.parametrize(
    ("pa", "size"),
    [
        (RAM + 64 * MIB, 8),
        (RAM - PAGE, PAGE + 1),
        ((1 << 64) - PAGE, PAGE),
        ((1 << 52) - PAGE, PAGE + 1),
        (0x9000000, 1 << 63),
        (0x9000000, 16 * MIB + 1),
    ],
)
def test_no_device(tables: Tables, pa: int, size: int) -> None:
    """RAM, in part too; addresses that there are not; more than the window."""
    assert tables.lib.hyp_map_device(pa, size) == tables.ffi.NULL


def test_ram_for_a_cpu_with_its_caches_off(tables: Tables) -> None:
    va = tables.address(tables.lib.hyp_map_uncached(RAM + 64 * MIB + 8, 8))
    assert tables.at(va) == (RAM + 64 * MIB + 8, DEVICE, PAGE)


def test_the_window_is_full_at_its_end(tables: Tables) -> None:
    """What does not fit takes nothing away from what does."""
    counts = [0, 0, 0]
    for i, (size, most) in enumerate(((PAGE, 1), (MIB, 99), (PAGE, 999))):
        while counts[i] < most and tables.lib.hyp_map_device(0x100000000, size) != tables.ffi.NULL:
            counts[i] += 1
    assert counts == [1, 15, 255]


def test_early(tables: Tables) -> None:
    """The device tree: read-only, and what RAM has there."""
    at = RAM + 16 * MIB + 8
    before = tables.machine.get(at, 64)
    base = tables.lib.hyp_map_early(at, 3 * MIB)
    assert bytes(tables.ffi.buffer(tables.ffi.cast("uint8_t *", base), 64)) == before
    assert tables.at(tables.address(base)) == (at, RODATA, CHUNK)
    assert tables.at(tables.address(base) + 3 * MIB) == (at + 3 * MIB, RODATA, CHUNK)


@pytest.mark.parametrize(("pa", "size"), [(0, 8), (FAR, 8), (RAM, 16 * MIB + 1)])
def test_not_early(tables: Tables, pa: int, size: int) -> None:
    assert tables.lib.hyp_map_early(pa, size) == tables.ffi.NULL


def test_ram_beyond_the_direct_map(new_machine: Any) -> None:
    nodes = {"memory@1": {"device_type": "memory", "reg": wide(FAR, GIB)}}
    machine = boot(new_machine, nodes, state=HALTED)
    assert "take it out of /memory" in "\n".join(machine.core.log())


def test_no_table_is_left(new_machine: Any) -> None:
    """Fragments without end, and no reservation is left for more tables."""
    places = [(0x48000000 + CHUNK * i, MIB) for i in range(251)]
    machine = boot(new_machine, no_map(*places), 2 * GIB, HALTED)
    assert "too many fragments for the tables of the direct map" in "\n".join(machine.core.log())
