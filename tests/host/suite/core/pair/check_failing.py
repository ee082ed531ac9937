# SPDX-License-Identifier: Apache-2.0
"""Each allocation of a guest's own calls fails once: -ENOMEM, then the same call works.

The domain that called is destroyed after that, and all memory comes back.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

ENOMEM, EINVAL = 12, 22
SELF = 0x7FF0
ANY_CPU = 0xFFFFFFFF
GENERAL, NO_SPACE = -1, -13
"""GNTST_general_error, GNTST_no_space."""


def ports(pair: Any) -> int:
    """More ports than one page describes."""
    for _ in range(200):
        rc, _ = pair.dom1.event("alloc_unbound", dom=SELF, remote_dom=0)
        if rc != 0:
            return int(rc)
    return 0


def control_block(pair: Any) -> int:
    """Event queues (FIFO)."""
    frame = pair.dom1.page() >> 12
    return int(pair.dom1.event("init_control", control_gfn=frame, offset=0, vcpu=0)[0])


def event_array(pair: Any) -> int:
    """And a page of their words."""
    rc = control_block(pair)
    if rc == 0:
        rc, _ = pair.dom1.event("expand_array", array_gfn=pair.dom1.page() >> 12)
    return rc


def grant_frames(pair: Any) -> int:
    """The second frame of the table of grants; the first came with the domain.

    As in Xen, a table that cannot grow has no such frame.
    """
    rc = int(pair.dom1.physmap(pair.dom1.k.XENMAPSPACE_grant_table, 1, pair.dom1.page()))
    return -ENOMEM if rc == -EINVAL else rc


def mapping(pair: Any) -> int:
    """dom1 maps a page of dom0's: a handle, and a leaf of the second stage far away."""
    table = pair.dom0_table
    pair.dom0.write(table + 8, b"\x01\0" + pair.dom1.id.to_bytes(2, "little"))
    pair.dom0.put_word(table + 12, pair.dom0_page >> 12)
    value = pair.dom1.grant("map_grant_ref", host_addr=0x80000000, flags=2, ref=1, dom=0)
    return {0: 0, NO_SPACE: -ENOMEM, GENERAL: -ENOMEM}[int(value.status)]


def more_memory(pair: Any) -> int:
    """A page back, and another one in its place, far away."""
    dom1 = pair.dom1
    dom1.write(dom1.scratch + 2048, (0x60000).to_bytes(8, "little"))
    value = dom1.new(
        "xen_memory_reservation", extent_start=dom1.scratch + 2048, nr_extents=1, domid=SELF
    )
    done = dom1.op("memory_op", dom1.k.XENMEM_populate_physmap, value)
    return 0 if done == 1 else -ENOMEM


CALLS: tuple[tuple[Callable[[Any], int], int], ...] = (
    (ports, 1),
    (control_block, 1),
    (event_array, 1),
    (grant_frames, 2),
    (mapping, 2),
    (more_memory, 2),
)
"""What is called, and how many of its allocations there are at least."""


@pytest.mark.parametrize(("act", "least"), CALLS, ids=lambda value: getattr(value, "__name__", ""))
def test_call(pair: Any, act: Callable[[Any], int], least: int) -> None:
    lib, tools = pair.machine.lib, pair.tools
    dom0 = pair.dom0
    pair.dom0_table, pair.dom0_page = dom0.page(), dom0.page()
    assert dom0.physmap(dom0.k.XENMAPSPACE_grant_table, 0, pair.dom0_table) == 0
    for number in itertools.count(1):
        tools.good("max_mem", pair.dom1.id, max_mem={"max_memkb": 2048})
        pair.destroy()
        before = pair.free(), lib.heap_used()
        pair.create()
        tools.good("max_mem", pair.dom1.id, max_mem={"max_memkb": 2048})
        assert lib.alloc_fault_set(number, ANY_CPU) == 0
        rc = act(pair)
        reached = lib.alloc_fault_set(0, ANY_CPU) == 0
        assert rc == (-ENOMEM if reached else 0), number
        assert act(pair) == 0 or not reached, number
        pair.destroy()
        assert (pair.free(), lib.heap_used()) == before, number
        pair.create()
        if not reached:
            assert number > least
            return
