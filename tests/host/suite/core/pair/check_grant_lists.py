# SPDX-License-Identifier: Apache-2.0
"""Lists of mappings and unmappings of grants between two domains."""

from __future__ import annotations

from typing import Any

import pytest

EFAULT = 14
OKAY, ERROR, BAD_HANDLE = 0, -1, -4
ACCESS, READING, WRITING = 1, 8, 16
HOST = 2
REFS = 12


def grant_map(guest: Any, ref: int, at: int = 0) -> Any:
    """Map into a frame of the guest that has nothing else."""
    at = at or 0x8000000 + ref * 4096
    return guest.grant("map_grant_ref", host_addr=at, flags=HOST, ref=ref, dom=1)


@pytest.mark.parametrize("preempt", [0, 1, 2])
def test_lists(pair: Any, granter: Any, preempt: int) -> None:
    guest, size = pair.dom0, pair.dom0.ffi.sizeof("struct gnttab_map_grant_ref")
    at = guest.page() + 4096 - 100
    guest.next_page += 4096
    data = b""
    for ref in range(REFS):
        granter.entry(ref, ACCESS if ref != 5 else 0)
        value = guest.new("gnttab_map_grant_ref", host_addr=0x8000000 + ref * 4096, flags=HOST)
        value.ref, value.dom = ref, 1
        data += bytes(guest.ffi.buffer(value))
    guest.write(at, data)
    pair.machine.lib.host_preempt(preempt)
    assert guest.call("grant_table_op", guest.k.GNTTABOP_map_grant_ref, at, REFS) == 0
    pair.machine.lib.host_preempt(0)
    offset = guest.ffi.offsetof("struct gnttab_map_grant_ref", "status")
    statuses = [guest.word(at + i * size + offset, 2) for i in range(REFS)]
    assert statuses == [OKAY if i != 5 else 0xFFFF for i in range(REFS)]


def unmap_list(guest: Any, at: int, ops: list[tuple[int, int]], rc: int = 0) -> list[int]:
    """Unmap (handle, address) pairs by one call with the list at a guest address; statuses."""
    size = guest.ffi.sizeof("struct gnttab_unmap_grant_ref")
    for i, (handle, address) in enumerate(ops):
        value = guest.new("gnttab_unmap_grant_ref", host_addr=address, handle=handle, status=99)
        guest.write(at + i * size, bytes(guest.ffi.buffer(value)))
    assert guest.call("grant_table_op", guest.k.GNTTABOP_unmap_grant_ref, at, len(ops)) == rc
    offset = guest.ffi.offsetof("struct gnttab_unmap_grant_ref", "status")
    words = [guest.word(at + i * size + offset, 2) for i in range(len(ops))]
    return [word - (word >> 15 << 16) for word in words]


def test_a_list_is_unmapped_with_one_flush(pair: Any, granter: Any) -> None:
    """A backend unmaps what a packet of 64 KiB was in; a flush stops all CPUs."""
    guest, lib = pair.dom0, pair.machine.lib
    granter.entry(1, ACCESS)
    at = [0x8000000 + i * 4096 for i in range(17)]
    ops = [(int(grant_map(guest, 1, at=address).handle), address) for address in at]
    before = lib.host_flushes()
    assert unmap_list(guest, guest.page(), ops) == [OKAY] * len(ops)
    assert lib.host_flushes() - before <= 2
    assert granter.flags(1) == ACCESS
    for address in at:
        with pytest.raises(AssertionError):
            guest.read(address, 1)


@pytest.mark.parametrize("preempt", [0, 1, 2])
def test_a_list_of_unmaps_is_as_one_after_the_other(pair: Any, granter: Any, preempt: int) -> None:
    guest = pair.dom0
    handles, at = [], [0x8000000 + ref * 4096 for ref in range(REFS)]
    for ref in range(REFS):
        granter.entry(ref, ACCESS)
        handles.append(int(grant_map(guest, ref).handle))
    ops = [
        *((handles[0], at[0], OKAY), (handles[1], at[1], OKAY), (handles[1], at[1], BAD_HANDLE)),
        *((2**32 - 1, at[2], BAD_HANDLE), (handles[2], at[3], ERROR), (handles[2], at[2], OKAY)),
        *((handles[4], 0, OKAY), (handles[4], at[4], OKAY), (handles[5], at[4], ERROR)),
        *((handles[5], 2**63, ERROR), (handles[6], at[6], OKAY), (handles[7], at[7], OKAY)),
    ]
    pair.machine.lib.host_preempt(preempt)
    statuses = unmap_list(guest, guest.page(), [(handle, address) for handle, address, _ in ops])
    pair.machine.lib.host_preempt(0)
    assert statuses == [status for _, _, status in ops]
    mapped = {3, 5, 8, 9, 10, 11}
    for ref in range(REFS):
        assert granter.flags(ref) == ACCESS | (READING | WRITING if ref in mapped else 0), ref


def test_a_list_that_ends_where_nothing_is(pair: Any, granter: Any) -> None:
    """What is readable is unmapped before the call fails."""
    guest = pair.dom0
    granter.entry(1, ACCESS)
    value = grant_map(guest, 1)
    hole = 0x8000000
    op = guest.new("gnttab_unmap_grant_ref", host_addr=0x8001000, handle=value.handle)
    size = guest.ffi.sizeof("struct gnttab_unmap_grant_ref")
    granter.entry(2, ACCESS)
    last = grant_map(guest, 2, at=hole - 4096)
    assert last.status == OKAY
    guest.write(hole - size, bytes(guest.ffi.buffer(op)))
    unmap_op = guest.k.GNTTABOP_unmap_grant_ref
    assert guest.call("grant_table_op", unmap_op, hole - size, 3) == -EFAULT
    assert granter.flags(1) == ACCESS
    assert unmap_list(guest, guest.page(), [(last.handle, hole - 4096)]) == [OKAY]
