# SPDX-License-Identifier: Apache-2.0
"""Grants between two domains: mappings and copies against a model, errors, teardown, lists."""

from __future__ import annotations

import random
from typing import Any

import pytest

ENOSYS, EFAULT, EINVAL, EOPNOTSUPP, EPERM, ESRCH = 38, 14, 22, 95, 1, 3
SELF = 0x7FF0
OKAY, ERROR, BAD_DOMAIN, BAD_REF, BAD_HANDLE = 0, -1, -2, -3, -4
DENIED, BAD_PAGE, BAD_COPY, EAGAIN = -8, -9, -10, -12
ACCESS, READONLY, READING, WRITING, SUB_PAGE = 1, 4, 8, 16, 0x100
HOST, RO = 2, 4
REFS = 12


def grant_map(guest: Any, ref: int, flags: int = HOST, at: int = 0, dom: int = 1) -> Any:
    """Map into a frame of the guest that has nothing else."""
    at = at or 0x8000000 + ref * 4096
    return guest.grant("map_grant_ref", host_addr=at, flags=flags, ref=ref, dom=dom)


def unmap(guest: Any, handle: int, at: int) -> int:
    """Unmap; the status."""
    value = guest.grant("unmap_grant_ref", host_addr=at, handle=handle)
    return int(value.status)


def test_a_mapping_is_the_page(pair: Any, granter: Any) -> None:
    granter.entry(3, ACCESS)
    value = grant_map(pair.dom0, 3)
    at = 0x8000000 + 3 * 4096
    assert value.status == OKAY and value.dev_bus_addr % 4096 == 0
    assert granter.flags(3) == ACCESS | READING | WRITING
    assert pair.dom0.read(at, 8) == b"\x04" * 8
    pair.dom0.write(at, b"from dom0")
    assert pair.dom1.read(granter.pages[3], 9) == b"from dom0"
    assert pair.machine.get(value.dev_bus_addr, 9) == b"from dom0"
    assert unmap(pair.dom0, value.handle, at) == OKAY
    assert granter.flags(3) == ACCESS
    assert unmap(pair.dom0, value.handle, at) == BAD_HANDLE
    with pytest.raises(AssertionError):
        pair.dom0.read(at, 1)


def test_map_errors(pair: Any, granter: Any) -> None:
    guest = pair.dom0
    for ref, flags in ((0, 0), (1, ACCESS | READONLY), (2, 2), (3, ACCESS | SUB_PAGE), (4, ACCESS)):
        granter.entry(ref, flags, domain=7 if ref == 4 else 0)
        assert grant_map(guest, ref).status == ERROR, ref
        assert granter.flags(ref) == flags
    granter.entry(5, ACCESS, frame=0x90000)
    assert grant_map(guest, 5).status == BAD_PAGE
    assert granter.flags(5) == ACCESS
    granter.entry(6, ACCESS)
    assert grant_map(guest, 6, flags=0).status == BAD_REF
    assert grant_map(guest, 6, flags=HOST | 1).status == ERROR
    assert grant_map(guest, 6, flags=HOST | 0x10).status == ERROR
    assert grant_map(guest, 6, flags=HOST | 0x10000).status == ERROR
    assert grant_map(guest, 6, at=2**63).status == ERROR
    assert granter.flags(6) == ACCESS
    assert grant_map(guest, 512).status == BAD_REF
    assert grant_map(guest, 2**32 - 1).status == BAD_REF
    assert grant_map(guest, 6, dom=77).status == BAD_DOMAIN
    assert grant_map(guest, 6, dom=SELF).status == BAD_DOMAIN
    assert unmap(guest, 2**32 - 1, 0x8000000) == BAD_HANDLE


def test_readonly(pair: Any, granter: Any) -> None:
    granter.entry(1, ACCESS | READONLY)
    assert grant_map(pair.dom0, 1, flags=HOST | RO).status == OKAY
    assert granter.flags(1) == ACCESS | READONLY | READING
    with pytest.raises(AssertionError):
        pair.dom0.write(0x8001000, b"x")
    assert grant_map(pair.dom0, 1, at=0x9000000).status == ERROR


def test_the_end_of_one_mapping_leaves_no_leaf_of_another(pair: Any, granter: Any) -> None:
    """A page is granted by two entries, one read-only: the writable leaf goes with its pin."""
    granter.entry(1, ACCESS)
    granter.entry(2, ACCESS | READONLY, frame=granter.pages[1] >> 12)
    may_write = grant_map(pair.dom0, 1, at=0x8001000)
    reads = grant_map(pair.dom0, 2, flags=HOST | RO, at=0x8002000)
    assert may_write.status == reads.status == OKAY
    assert may_write.dev_bus_addr == reads.dev_bus_addr
    # By the other's address: the granter would be told that nobody writes any more.
    assert unmap(pair.dom0, may_write.handle, 0x8002000) == ERROR
    assert unmap(pair.dom0, reads.handle, 0x8001000) == ERROR
    assert granter.flags(1) == ACCESS | READING | WRITING
    assert unmap(pair.dom0, may_write.handle, 0x8001000) == OKAY
    assert granter.flags(1) == ACCESS
    with pytest.raises(AssertionError):
        pair.dom0.write(0x8002000, b"x")
    assert unmap(pair.dom0, reads.handle, 0x8002000) == OKAY
    assert granter.flags(2) == ACCESS | READONLY


def test_what_is_mapped_cannot_change_hands(pair: Any, granter: Any) -> None:
    granter.entry(2, ACCESS)
    first = grant_map(pair.dom0, 2, flags=HOST | RO)
    assert first.status == OKAY
    granter.entry(2, ACCESS, frame=granter.pages[5] >> 12)
    assert grant_map(pair.dom0, 2, at=0x9000000).status == ERROR  # another page to write
    value = grant_map(pair.dom0, 2, flags=HOST | RO, at=0x9000000)
    assert value.status == OKAY and value.dev_bus_addr == first.dev_bus_addr
    swap = pair.dom1.grant("swap_grant_ref", ref_a=2, ref_b=3)
    assert swap.status == EAGAIN
    assert pair.dom1.grant("swap_grant_ref", ref_a=5, ref_b=512).status == BAD_REF


def test_one_domain_uses_an_entry_at_a_time(pair: Any, granter: Any) -> None:
    """While dom0 has it mapped the granter may write another domain into it: in vain."""
    granter.entry(4, ACCESS)
    value = grant_map(pair.dom0, 4)
    assert value.status == OKAY
    granter.entry(4, ACCESS, domain=1)
    assert grant_map(pair.dom1, 4, at=0x48000000, dom=1).status == ERROR
    assert unmap(pair.dom0, value.handle, 0x8004000) == OKAY
    assert grant_map(pair.dom1, 4, at=0x48000000, dom=1).status == OKAY


class Model:
    """Mappings that should be there."""

    def __init__(self, pair: Any, granter: Any, seed: int) -> None:
        self.pair, self.granter, self.random = pair, granter, random.Random(seed)
        self.maps: list[tuple[int, int, bool, int]] = []  # ref, address, readonly, handle
        self.next_at = 0x8000000
        for ref in range(REFS):
            granter.entry(ref, ACCESS | (READONLY if ref % 3 == 0 else 0))

    def map(self) -> None:
        """Map a random entry."""
        ref, readonly = self.random.randrange(REFS), self.random.random() < 0.5
        self.next_at += 4096
        flags = HOST | (RO if readonly else 0)
        value = grant_map(self.pair.dom0, ref, flags=flags, at=self.next_at)
        assert value.status == (ERROR if ref % 3 == 0 and not readonly else OKAY)
        if value.status == OKAY:
            self.maps.append((ref, self.next_at, readonly, int(value.handle)))

    def unmap(self) -> None:
        """Unmap one, or try to with a wrong address."""
        if not self.maps:
            return
        i = self.random.randrange(len(self.maps))
        ref, at, _, handle = self.maps[i]
        if self.random.random() < 0.2:
            assert unmap(self.pair.dom0, handle, 0x7FFF000) == ERROR
            assert unmap(self.pair.dom0, handle, 0) == OKAY  # asks for nothing
        else:
            assert unmap(self.pair.dom0, handle, at) == OKAY
            del self.maps[i]
        self.check(ref)

    def copy(self) -> None:
        """A copy from an entry leaves no trace in its flags."""
        ref, guest = self.random.randrange(REFS), self.pair.dom0
        to = guest.page()
        value = copy(guest, (1, ref, 16), (SELF, to >> 12, 32), 100, flags=1)
        assert value == OKAY and guest.read(to + 31, 102) == b"\0" + bytes([ref + 1]) * 100 + b"\0"
        guest.next_page -= 4096
        guest.write(to, bytes(4096))
        self.check(ref)

    def check(self, ref: int) -> None:
        """In-use bits say what is mapped; each mapping shows the page."""
        mine = [entry for entry in self.maps if entry[0] == ref]
        used = READING if mine else 0
        used |= WRITING if any(not entry[2] for entry in mine) else 0
        assert self.granter.flags(ref) & (READING | WRITING) == used
        for _, at, _, _ in mine:
            assert self.pair.dom0.read(at, 1) == bytes([ref + 1])


def copy(
    guest: Any, source: tuple[int, int, int], dest: tuple[int, int, int], size: int, flags: int
) -> int:
    """GNTTABOP_copy between (domain, reference or frame, offset) pairs; the status."""
    value = guest.new("gnttab_copy", len=size, flags=flags)
    for end, (domain, what, offset) in ((value.source, source), (value.dest, dest)):
        end.domid, end.u.gmfn, end.offset = domain, what, offset
    assert guest.op("grant_table_op", guest.k.GNTTABOP_copy, value, 1) == 0
    return int(value.status)


@pytest.mark.parametrize("seed", range(3))
def test_random_use(pair: Any, granter: Any, seed: int) -> None:
    model = Model(pair, granter, seed)
    for _ in range(200):
        model.random.choice([model.map, model.map, model.unmap, model.unmap, model.copy])()
    while model.maps:
        model.unmap()
    assert not any(granter.flags(ref) & (READING | WRITING) for ref in range(REFS))


def test_copy_errors(pair: Any, granter: Any) -> None:
    guest, page = pair.dom0, pair.dom0.page() >> 12
    granter.entry(1, ACCESS | READONLY)
    granter.entry(2, ACCESS)
    mine = (SELF, page, 0)
    assert copy(guest, (1, 2, 0), mine, 0, 1) == OKAY
    assert copy(guest, (1, 2, 0), mine, 4097, 1) == BAD_COPY
    assert copy(guest, (1, 2, 4000), mine, 97, 1) == BAD_COPY
    assert copy(guest, mine, (1, 1, 0), 8, 2) == ERROR
    assert copy(guest, mine, (1, 2, 0), 8, 2) == OKAY
    assert copy(guest, (1, page, 0), mine, 8, 0) == DENIED
    assert copy(guest, (SELF, 2**40, 0), mine, 8, 0) == BAD_PAGE
    assert copy(guest, (77, 2, 0), mine, 8, 1) == BAD_DOMAIN
    assert copy(guest, (1, 600, 0), mine, 8, 1) == BAD_REF
    assert granter.flags(1) == ACCESS | READONLY and granter.flags(2) == ACCESS


def test_no_more_pins_than_xen_allows(pair: Any, granter: Any) -> None:
    granter.entry(1, ACCESS)
    handles = [grant_map(pair.dom0, 1, at=0xA000000 + i * 4096) for i in range(129)]
    assert [value.status for value in handles] == [OKAY] * 128 + [ERROR]
    for i, value in enumerate(handles[:-1]):
        assert unmap(pair.dom0, value.handle, 0xA000000 + i * 4096) == OKAY
    assert granter.flags(1) == ACCESS


def test_the_granter_dies_first(pair: Any, granter: Any) -> None:
    """Its page stays while it is mapped; the domain stays until then."""
    granter.entry(2, ACCESS)
    value = grant_map(pair.dom0, 2)
    pair.destroy()
    assert pair.dom0.read(0x8002000, 4) == b"\x03" * 4
    assert grant_map(pair.dom0, 2, at=0x9000000).status in (ERROR, BAD_DOMAIN)
    assert unmap(pair.dom0, value.handle, 0x8002000) == OKAY
    pair.machine.lib.host_gate(0)
    pair.machine.lib.host_advance(1000)
    assert pair.tools.domctl("getdomaininfo", 1)[0] == -ESRCH


@pytest.mark.parametrize("preempt", [0, 1])
def test_the_mapper_dies_first(pair: Any, granter: Any, preempt: int) -> None:
    free = []
    owner = type(granter)(pair.dom0, 1)
    for _ in range(3):
        for ref in range(REFS):
            owner.entry(ref, ACCESS, domain=pair.dom1.id)
            assert grant_map(pair.dom1, ref, at=0x48000000 + ref * 4096, dom=0).status == OKAY
        pair.machine.lib.host_preempt(preempt)
        pair.destroy()
        pair.machine.lib.host_preempt(0)
        assert not any(owner.flags(ref) & (READING | WRITING) for ref in range(REFS))
        free.append(pair.free())
        pair.create()
    assert free[1] == free[2]


def test_cache_flush(pair: Any, granter: Any) -> None:
    granter.entry(400, ACCESS, frame=granter.pages[0] >> 12)
    value = grant_map(pair.dom0, 400)
    flush = {"op": 1, "length": 64}
    for bus, expected in ((value.dev_bus_addr, 0), (0x41000000, None), (0x9000000, -EINVAL)):
        op = pair.dom0.new("gnttab_cache_flush", **flush)
        op.a.dev_bus_addr = bus
        rc = pair.dom0.op("grant_table_op", pair.dom0.k.GNTTABOP_cache_flush, op, 1)
        assert rc == expected if expected is not None else rc in (0, -EPERM), hex(bus)
    assert unmap(pair.dom0, value.handle, 0x8000000 + 400 * 4096) == OKAY
    op.a.dev_bus_addr = value.dev_bus_addr
    rc = pair.dom0.op("grant_table_op", pair.dom0.k.GNTTABOP_cache_flush, op, 1)
    assert rc == -EINVAL


def test_table_operations(pair: Any, granter: Any) -> None:
    guest, frames = pair.dom1, pair.dom1.page()
    value = guest.grant("setup_table", dom=SELF, nr_frames=2, frame_list=frames)
    assert value.status == OKAY
    assert guest.word(frames, 8) == granter.table >> 12
    assert guest.word(frames + 8, 8) == 2**64 - 1
    assert guest.grant("setup_table", dom=SELF, nr_frames=5, frame_list=frames).status == ERROR
    assert guest.grant("setup_table", dom=0, nr_frames=1, frame_list=frames).status == DENIED
    size = guest.grant("query_size", dom=SELF)
    assert (size.status, size.nr_frames, size.max_nr_frames) == (OKAY, 2, 4)
    assert pair.dom0.grant("query_size", dom=1).nr_frames == 2
    assert guest.grant("query_size", dom=0).status == DENIED
    assert guest.grant("get_status_frames", dom=SELF, nr_frames=1).status == ERROR
    assert guest.call("grant_table_op", 4, guest.scratch, 1) == -EOPNOTSUPP
    assert guest.call("grant_table_op", 3, guest.scratch, 1) == -ENOSYS
    assert guest.call("grant_table_op", 6, guest.scratch, 2**31) == -EINVAL
    assert guest.call("grant_table_op", 0x1006, guest.scratch, 1) == -EINVAL
    version = guest.new("gnttab_get_version", dom=0)
    assert guest.op("grant_table_op", guest.k.GNTTABOP_get_version, version, 1) == -EPERM


def test_cache_flush_leaves_the_memory_of_others_whole(pair: Any, granter: Any) -> None:
    """Who asks for a page that it may not have must not turn its chunk into single pages."""
    lib = pair.machine.lib
    whole = pair.dom0.scratch + (8 << 20)  # dom0's guest-physical addresses are the machine's
    assert not lib.host_chunk_split(whole)
    op = pair.dom1.new("gnttab_cache_flush", op=1, length=64, a={"dev_bus_addr": whole})
    assert pair.dom1.op("grant_table_op", pair.dom1.k.GNTTABOP_cache_flush, op, 1) == -EINVAL
    assert not lib.host_chunk_split(whole)
