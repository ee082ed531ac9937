# SPDX-License-Identifier: Apache-2.0
"""Whose memory is where, on boards whose devices reach only part of it: Raspberry Pi 4 and others.

The trees are made here from what the board's firmware tells (facts of docs/HARDWARE.md): the soc
bus sees the first GiB at 0xc0000000, PCIe the first three, the GPU has the end of the first one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import fdt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

MIB, GIB = 1 << 20, 1 << 30
GUEST = 0
CHUNK = 2 * MIB
"""dom0's memory comes in multiples of this; hypervisor and dom0 leave less than some of them."""

Range = tuple[int, int]
"""Start and end of memory."""


@dataclass(frozen=True)
class Board:
    """RAM as the firmware describes it, and how far the buses see."""

    ram: tuple[Range, ...]
    soc: int = GIB
    emmc2: int = GIB
    pcie: int = 3 * GIB

    @property
    def end(self) -> int:
        """Where RAM ends."""
        return self.ram[-1][1]

    @property
    def size(self) -> int:
        """Bytes of RAM."""
        return size_of(self.ram)

    def tree(self, tree: dict[str, Any]) -> None:
        """Turn the usual tree of tests into this board's; one cell for sizes, as on a Pi."""
        tree["#size-cells"] = 1
        device = tree["device@9000000"]
        device["reg"] = [0, 0x9000000, 0x1000]
        tree["memory"]["reg"] = [
            cell
            for start, end in self.ram
            for cell in (start >> 32, start & 0xFFFFFFFF, end - start)
        ]
        buses = {
            "soc": {"#address-cells": 1, "dma-ranges": [0xC0000000, 0, 0, self.soc]},
            "emmc2bus": {"#address-cells": 2, "dma-ranges": [0, 0xC0000000, 0, 0, self.emmc2]},
        }
        for name, bus in buses.items():
            tree[name] = {"#size-cells": 1, "compatible": "simple-bus", "ranges": True} | bus
        tree["scb"] = {
            "#address-cells": 2,
            "#size-cells": 2,
            "compatible": "simple-bus",
            "ranges": True,
            "pcie": {
                "device_type": "pci",
                "#address-cells": 3,
                "#size-cells": 2,
                "dma-ranges": [0x02000000, 0, 0, 0, 0, self.pcie >> 32, self.pcie & 0xFFFFFFFF],
            },
        }
        tree["reserved-memory"] = {
            "#address-cells": 2,
            "#size-cells": 1,
            "ranges": True,
            "linux,cma": {"compatible": "shared-dma-pool", "size": 64 * MIB, "reusable": True},
        }


LOW: Range = (0, 0x3B400000)
PI4 = {
    "1 GB": Board((LOW,)),
    "2 GB": Board((LOW, (GIB, 2 * GIB))),
    "4 GB": Board((LOW, (GIB, 0xFC000000))),
    "8 GB": Board(
        (LOW, (GIB, 0xFC000000), (4 * GIB, 6 * GIB), (6 * GIB, 8 * GIB)),
        emmc2=0xFC000000,
        pcie=8 * GIB,
    ),
}
"""By the name in the shop; the 8 GB board is a C0 stepping, whose firmware edits dma-ranges."""


def size_of(ranges: Iterable[Range]) -> int:
    """Bytes in ranges that do not overlap."""
    return sum(end - start for start, end in ranges)


def common(ranges: Iterable[Range], start: int, end: int) -> int:
    """Bytes of ranges between two addresses."""
    return sum(max(0, min(b, end) - max(a, start)) for a, b in ranges)


class Booted:
    """A board that came up: what dom0 has and what was said."""

    def __init__(self, new_machine: Callable[..., Any], board: Board, dom0_mem: str) -> None:
        start = board.ram[0][0]
        self.board = board
        self.machine = new_machine(board.end - start, start)
        xen = f"noreboot loglvl=all {dom0_mem}"
        self.machine.core.log()
        state = self.machine.boot(xen=xen, change=board.tree)
        self.log = "\n".join(self.machine.core.log())
        assert state == GUEST, self.log
        found = re.findall(r"BANK\[\d+\] (0x\w+)-(0x\w+) ", self.log)
        self.banks = sorted((int(a, 16), int(b, 16)) for a, b in found)

    def dom0_tree(self) -> Any:
        """dom0's device tree."""
        first = self.machine.ffi.new("uint64_t *")
        self.machine.lib.host_entry(0, 0, first)
        return fdt.parse_dtb(self.machine.get(first[0], 65536))

    def free(self, below: int = 0) -> int:
        """Free bytes, all or below a power of two."""
        bits = below.bit_length() - 1 if below else 0
        rc, out = self.machine.sysctl("availheap", availheap={"max_bitwidth": bits, "node": -1})
        assert rc == 0
        return int(out.availheap.avail_bytes)

    def check(self) -> None:
        """dom0's banks are RAM, its own, and its tree says just that."""
        base = self.board.ram[0][0]
        image = (base + 2 * MIB, base + 4 * MIB)
        for (start, end), after in zip(self.banks, [*self.banks[1:], (1 << 64, 0)], strict=True):
            assert start % CHUNK == 0 and end % CHUNK == 0 and end <= after[0]
            assert common(self.board.ram, start, end) == end - start
            assert common([image], start, end) == 0
            assert start >= 4096
        tree = self.dom0_tree()
        (node,) = [n for n in tree.root.nodes if n.name.startswith("memory@")]
        cells = list(node.get_property("reg").data)
        rows = [cells[i : i + 3] for i in range(0, len(cells), 3)]
        told = [(high << 32 | low, (high << 32 | low) + size) for high, low, size in rows]
        assert merge(sorted(told)) == merge(self.banks)


def merge(ranges: list[Range]) -> list[Range]:
    """The same with neighbours joined."""
    out: list[Range] = []
    for start, end in ranges:
        if out and out[-1][1] == start:
            out[-1] = (out[-1][0], end)
        else:
            out.append((start, end))
    return out


@pytest.fixture(scope="session")
def start(new_machine: Callable[..., Any]) -> Callable[..., Booted]:
    """Boots a board."""
    return lambda board, dom0_mem="": Booted(new_machine, board, dom0_mem)


@pytest.mark.parametrize("name", PI4)
@pytest.mark.parametrize("mib", [None, 512, 850])
def test_dom0_gets_what_limited_devices_reach(start: Any, name: str, mib: int | None) -> None:
    booted = start(PI4[name], f"dom0_mem={mib}M" if mib else "")
    booted.check()
    total = mib or (472 if name == "1 GB" else 512)  # half of what is free there
    assert size_of(booted.banks) == total * MIB
    assert common(booted.banks, 0, GIB) == total * MIB
    line = f"dom0: {total} of {total} MiB below 1024 MiB (reach of /soc); 948 MiB there"
    assert (line in booted.log) == (name != "1 GB"), "where nothing lies above, nothing is said"


@pytest.mark.parametrize("name", ["2 GB", "4 GB", "8 GB"])
def test_a_large_dom0_gets_all_of_that_first(start: Any, name: str) -> None:
    booted = start(PI4[name], "dom0_mem=1700M")
    booted.check()
    assert size_of(booted.banks) == 1700 * MIB
    low = common(booted.banks, 0, GIB)
    taken = 5 * MIB  # image, and the ends of chunks at page 0
    assert low >= LOW[1] - taken - 3 * CHUNK
    assert booted.free(GIB) <= taken + 3 * CHUNK
    assert f"dom0: {low // MIB} of 1700 MiB below 1024 MiB" in booted.log


@pytest.mark.parametrize("name", ["2 GB", "4 GB", "8 GB"])
def test_the_hypervisor_and_other_domains_live_above(start: Any, tools_of: Any, name: str) -> None:
    booted = start(PI4[name], "dom0_mem=512M")
    before = booted.free(GIB)
    own = LOW[1] - 512 * MIB - before
    assert own < 3 * MIB, "the image, page 0 and the tree, and nothing else"
    tools = tools_of(booted.machine)
    domain = tools.create(pages=64)
    assert tools.domctl("max_mem", domain, max_mem={"max_memkb": 1 << 40})[0] == 0
    assert tools.populate_chunks(domain, 64) == 64
    assert booted.free(GIB) == before


def test_what_lies_below_goes_last(start: Any, tools_of: Any) -> None:
    booted = start(PI4["2 GB"], "dom0_mem=512M")
    before, high = booted.free(GIB), booted.free() - booted.free(GIB)
    tools = tools_of(booted.machine)
    domain = tools.create(pages=64)
    assert tools.domctl("max_mem", domain, max_mem={"max_memkb": 1 << 40})[0] == 0
    most = high // CHUNK * 19 // 20  # the rest is for struct pages and tables
    assert tools.populate_chunks(domain, most) == most
    assert booted.free(GIB) == before, "while there is room above"
    more = (booted.free() - before) // CHUNK + 8
    assert tools.populate_chunks(domain, more, first=most) == more
    assert before - booted.free(GIB) >= 8 * CHUNK


@pytest.mark.parametrize("name", PI4)
def test_buses_keep_their_dma_ranges(start: Any, name: str) -> None:
    booted = start(PI4[name])
    tree = booted.dom0_tree()
    given: dict[str, Any] = {"device@9000000": {}, "memory": {}}
    PI4[name].tree(given)
    for path, node in (
        ("soc", given["soc"]),
        ("emmc2bus", given["emmc2bus"]),
        ("scb/pcie", given["scb"]["pcie"]),
    ):
        assert list(tree.get_property("dma-ranges", path).data) == node["dma-ranges"]


class Wrapped(Board):
    """4 GiB from 1 GiB on, in one cell: nothing is left of them."""

    def tree(self, tree: dict[str, Any]) -> None:
        super().tree(tree)
        tree["soc"]["dma-ranges"] = [0, 0, GIB, 0]


def test_a_window_of_no_size_limits_nothing(start: Any) -> None:
    booted = start(Wrapped(PI4["2 GB"].ram, emmc2=0, pcie=0))
    assert "reach of" not in booted.log


def test_too_little_for_bounce_buffers_is_said(start: Any) -> None:
    booted = start(PI4["4 GB"], "dom0_mem=48M")
    assert "Devices of /soc want 64 MiB of dom0 below 1024 MiB: raise dom0_mem" in booted.log
    assert "raise dom0_mem" not in start(PI4["4 GB"], "dom0_mem=64M").log


def ranges(sizes: list[tuple[int, int]]) -> tuple[Range, ...]:
    """RAM of (hole before, size) in 64 KiB; the first bank has 64 MiB for what is loaded."""
    out: list[Range] = []
    at = 0
    for hole, size in sizes:
        begin = at + (hole << 16 if out else 0)
        at = begin + (size << 16) + (0 if out else 64 * MIB)
        out.append((begin, at))
    return tuple(out)


BANKS = st.lists(st.tuples(st.integers(1, 0x8000), st.integers(1, 0x4000)), min_size=1, max_size=6)


@given(
    banks=BANKS, soc=st.integers(1, 0xFFFF), pcie=st.integers(0, 1 << 18), mib=st.integers(16, 3000)
)
@settings(max_examples=60)
def test_any_board(start: Any, banks: Any, soc: int, pcie: int, mib: int) -> None:
    """dom0 has what is asked of RAM only, as low as any bus needs it; or the reason is said."""
    board = Board(ranges(banks), soc << 16, GIB, pcie << 16)
    try:
        booted = start(board, f"dom0_mem={mib}M")
    except AssertionError as e:
        assert "lower dom0_mem" in str(e) or "dom0_mem=" in str(e)
        return
    booted.check()
    assert size_of(booted.banks) == (mib + 1) // 2 * 2 * MIB
    limits = [n for n in (board.soc, board.emmc2, board.pcie) if n]
    seen = [n for n in limits if n < board.end and common(board.ram, 0, n) >= 64 * MIB]
    if not seen:
        assert "reach of" not in booted.log
        return
    reach = min(seen)
    above = size_of(booted.banks) - common(booted.banks, 0, reach)
    left = common(board.ram, 0, reach) - common(booted.banks, 0, reach)
    below = [start for start, _ in booted.banks if start < reach]
    if above and len(below) < 8:  # dom0 has at most so many banks there
        # Chunks of image, page 0, hypervisor, three modules, the limit; ends of banks of RAM.
        assert left <= 7 * CHUNK + 2 * CHUNK * len(board.ram), booted.log
