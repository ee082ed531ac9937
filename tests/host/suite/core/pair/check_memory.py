# SPDX-License-Identifier: Apache-2.0
"""memory_op between two domains: reservations, foreign pages, claims, who may do what."""

from __future__ import annotations

from typing import Any

EPERM, ESRCH, ENOMEM, EFAULT, EBUSY, EINVAL, ENOENT, ENOSYS = 1, 3, 12, 14, 16, 22, 2, 38
SELF = 0x7FF0
BASE = 0x40000
CHUNK = 512
SIZE = 256
"""Pages of domain 1: all it may have."""

FOREIGN_GFN = 0x8000000
"""Where dom0 maps pages of domain 1: far above any RAM."""


def reserve(
    guest: Any, what: str, frames: list[int], *, order: int = 0, domain: int = SELF, flags: int = 0
) -> int:
    """increase, decrease or populate with a list of frames."""
    at = guest.write(guest.page(), b"".join(f.to_bytes(8, "little") for f in frames))
    value = guest.new("xen_memory_reservation", extent_start=at, nr_extents=len(frames))
    value.extent_order, value.domid, value.mem_flags = order, domain, flags
    return int(guest.op("memory_op", getattr(guest.k, f"XENMEM_{what}"), value))


def number(guest: Any, what: str, domain: int = SELF) -> int:
    """current_reservation, maximum_reservation, maximum_gpfn."""
    value = guest.new("xen_memory_domain", domid=domain)
    return int(guest.op("memory_op", getattr(guest.k, f"XENMEM_{what}"), value))


def map_foreign(pair: Any, frames: list[int], first: int = FOREIGN_GFN) -> list[int]:
    """dom0 maps frames of domain 1; the error of each."""
    dom0, n = pair.dom0, len(frames)
    lists = b"".join(f.to_bytes(8, "little") for f in frames)
    lists += b"".join((first + i).to_bytes(8, "little") for i in range(n))
    at = dom0.write(dom0.page(), lists + b"\xff" * 4 * n)
    value = dom0.new("xen_add_to_physmap_batch", domid=SELF, size=n)
    value.space, value.u.foreign_domid = dom0.k.XENMAPSPACE_gmfn_foreign, pair.dom1.id
    value.idxs, value.gpfns, value.errs = at, at + 8 * n, at + 16 * n
    assert dom0.op("memory_op", dom0.k.XENMEM_add_to_physmap_batch, value) == 0
    raw = dom0.read(at + 16 * n, 4 * n)
    return [int.from_bytes(raw[i : i + 4], "little", signed=True) for i in range(0, 4 * n, 4)]


def remove(guest: Any, frame: int, domain: int = SELF) -> int:
    """remove_from_physmap."""
    value = guest.new("xen_remove_from_physmap", domid=domain, gpfn=frame)
    return int(guest.op("memory_op", guest.k.XENMEM_remove_from_physmap, value))


def readable(pair: Any, domain: int, frame: int) -> bool:
    """Does the domain have something there?"""
    buffer = pair.machine.ffi.new("uint8_t[8]")
    return bool(pair.machine.lib.host_guest_read(domain, frame << 12, buffer, 8))


def limit(pair: Any, pages: int, domain: int = 1) -> None:
    """How much a domain may have."""
    pair.tools.good("max_mem", domain, max_mem={"max_memkb": pages * 4})


def test_numbers(pair: Any) -> None:
    assert number(pair.dom1, "current_reservation") == SIZE
    assert number(pair.dom0, "current_reservation", 1) == SIZE
    assert number(pair.dom1, "maximum_reservation") == SIZE
    assert number(pair.dom1, "maximum_gpfn") == BASE + SIZE - 1
    assert number(pair.dom1, "current_reservation", 0) == -EPERM
    assert number(pair.dom0, "current_reservation", 5) == -ESRCH


def test_a_guest_gives_memory_and_gets_zeros_back(pair: Any) -> None:
    last, free = BASE + SIZE - 1, pair.free
    pair.dom1.write(last << 12, b"secret")
    before = free()
    assert reserve(pair.dom1, "decrease_reservation", [last]) == 1
    assert number(pair.dom1, "current_reservation") == SIZE - 1
    assert free() == before + 1
    assert not readable(pair, 1, last)
    assert reserve(pair.dom1, "decrease_reservation", [last]) == 0
    assert reserve(pair.dom1, "populate_physmap", [last]) == 1
    assert pair.dom1.read(last << 12, 4096) == bytes(4096)
    assert reserve(pair.dom1, "populate_physmap", [last + 1]) == 0  # it has all it may have
    assert number(pair.dom1, "current_reservation") == SIZE


def test_a_list_ends_at_the_first_frame_that_is_not_there(pair: Any) -> None:
    """Longer than what is taken with one flush; out of order; one frame twice."""
    frames = [BASE + SIZE - 1 - 3 * i for i in range(70)]
    frames[45] = frames[12]
    before = pair.free()
    assert reserve(pair.dom1, "decrease_reservation", frames) == 45
    assert pair.free() == before + 45
    assert not any(readable(pair, 1, frame) for frame in frames[:45])
    assert all(readable(pair, 1, frame) for frame in frames[46:])
    assert number(pair.dom1, "current_reservation") == SIZE - 45
    assert reserve(pair.dom1, "decrease_reservation", frames[46:]) == 24
    assert reserve(pair.dom1, "populate_physmap", frames[:45] + frames[46:]) == 69
    assert number(pair.dom1, "current_reservation") == SIZE


def test_large_extents(pair: Any) -> None:
    dom1, first = pair.dom1, BASE + 2 * CHUNK
    limit(pair, SIZE + 2 * CHUNK)
    assert reserve(dom1, "populate_physmap", [first], order=9) == 1
    assert reserve(dom1, "populate_physmap", [first + CHUNK, first + 2 * CHUNK], order=9) == 1
    assert number(dom1, "current_reservation") == SIZE + 2 * CHUNK
    assert dom1.read((first + 5) << 12, 4096) == bytes(4096)
    # One page out of the middle: the block is split.
    assert reserve(dom1, "decrease_reservation", [first + 5]) == 1
    assert [readable(pair, 1, first + i) for i in (4, 5, 6)] == [True, False, True]
    assert reserve(dom1, "decrease_reservation", [first + CHUNK], order=9) == 1
    assert number(dom1, "current_reservation") == SIZE + CHUNK - 1
    assert reserve(dom1, "populate_physmap", [BASE + (1 << 18)], order=10) == 0
    assert reserve(dom1, "populate_physmap", [1 << 60]) == 0
    assert reserve(dom1, "populate_physmap", [first + 5], flags=12) == 0  # below 4 KiB
    assert reserve(dom1, "populate_physmap", [first + 5], flags=1 << 16) == 0  # on demand
    assert reserve(dom1, "increase_reservation", [0]) == 1
    assert number(dom1, "current_reservation") == SIZE + CHUNK


def test_only_the_privileged_change_others(pair: Any) -> None:
    frame = pair.dom0.scratch >> 12
    assert reserve(pair.dom1, "decrease_reservation", [frame], domain=0) == 0
    assert remove(pair.dom1, frame, 0) == -EPERM
    assert remove(pair.dom0, BASE + 7, 1) == 0
    assert not readable(pair, 1, BASE + 7)
    assert number(pair.dom1, "current_reservation") == SIZE  # it still owns the page
    assert remove(pair.dom0, BASE + 7, 1) == -ENOENT


def test_foreign_pages(pair: Any) -> None:
    pair.dom1.write((BASE + 9) << 12, b"hello")
    assert map_foreign(pair, [BASE + 9, BASE + 10, BASE + 5000]) == [0, 0, -EINVAL]
    assert pair.dom0.read(FOREIGN_GFN << 12, 5) == b"hello"
    # The mapping keeps the page when its owner gives it up, and nobody else gets it.
    assert reserve(pair.dom1, "decrease_reservation", [BASE + 9]) == 1
    assert pair.dom0.read(FOREIGN_GFN << 12, 5) == b"hello"
    assert number(pair.dom1, "current_reservation") == SIZE
    free = pair.free()
    assert remove(pair.dom0, FOREIGN_GFN) == 0
    assert pair.free() == free + 1
    assert number(pair.dom1, "current_reservation") == SIZE - 1
    assert not readable(pair, 0, FOREIGN_GFN)


def warmed(pair: Any) -> int:
    """Free pages without domain 1, after it and dom0's tables were there once; then it is anew."""
    assert map_foreign(pair, [BASE + 9]) == [0]
    assert remove(pair.dom0, FOREIGN_GFN) == 0
    pair.destroy()
    free = int(pair.free())
    pair.create()
    return free


def test_foreign_pages_outlive_their_domain(pair: Any) -> None:
    free = warmed(pair)
    pair.dom1.write((BASE + 9) << 12, b"hello")
    assert map_foreign(pair, [BASE + 9]) == [0]
    pair.destroy()
    assert pair.dom0.read(FOREIGN_GFN << 12, 5) == b"hello"
    assert pair.free() < free
    assert remove(pair.dom0, FOREIGN_GFN) == 0
    pair.machine.lib.host_gate(0)
    assert pair.free() == free


def test_long_lists_are_done_in_slices(pair: Any) -> None:
    pair.machine.lib.host_preempt(2)
    frames = list(range(BASE + 128, BASE + 228))
    assert reserve(pair.dom1, "decrease_reservation", frames) == 100
    assert reserve(pair.dom1, "populate_physmap", frames) == 100
    assert map_foreign(pair, frames) == [0] * 100
    assert all(readable(pair, 0, FOREIGN_GFN + i) for i in range(100))
    assert number(pair.dom1, "current_reservation") == SIZE


def test_a_domain_with_the_same_memory_keeps_it(pair: Any) -> None:
    """dom0 is mapped 1:1: its devices know no other frames."""
    dom0, frame = pair.dom0, (pair.dom0.scratch >> 12) + CHUNK
    pages, free = number(dom0, "current_reservation"), pair.free()
    assert reserve(dom0, "decrease_reservation", [frame]) == 1
    assert not readable(pair, 0, frame)
    assert number(dom0, "current_reservation") == pages
    assert free - pair.free() <= 1  # the table
    assert reserve(dom0, "populate_physmap", [frame + (1 << 20)]) == 0
    assert reserve(dom0, "populate_physmap", [frame]) == 1
    assert readable(pair, 0, frame)


def resource(pair: Any, count: int, frames: list[int], **fields: Any) -> tuple[int, int]:
    """acquire_resource by dom0: result and number of frames."""
    dom0 = pair.dom0
    value = dom0.new("xen_mem_acquire_resource", domid=pair.dom1.id, nr_frames=count)
    value.type = dom0.k.XENMEM_resource_grant_table
    if frames:
        value.frame_list = dom0.write(
            dom0.page(), b"".join(f.to_bytes(8, "little") for f in frames)
        )
    for key, content in fields.items():
        setattr(value, key, content)
    return int(dom0.op("memory_op", dom0.k.XENMEM_acquire_resource, value)), int(value.nr_frames)


def test_grant_frames_for_the_tools(pair: Any) -> None:
    free = warmed(pair)
    assert resource(pair, 0, []) == (0, 4)
    assert resource(pair, 2, [FOREIGN_GFN, FOREIGN_GFN + 1])[0] == 0
    at = pair.dom1.page()
    assert pair.dom1.physmap(pair.dom1.k.XENMAPSPACE_grant_table, 1, at) == 0
    pair.dom0.write((FOREIGN_GFN + 1) << 12, b"granted")
    assert pair.dom1.read(at, 7) == b"granted"
    assert resource(pair, 1, [FOREIGN_GFN], frame=4)[0] == -EINVAL
    assert resource(pair, 1, [FOREIGN_GFN], frame=1 << 40)[0] == -EINVAL
    assert resource(pair, 1, [FOREIGN_GFN], pad=1)[0] == -EINVAL
    assert resource(pair, 1, [FOREIGN_GFN], type=0)[0] == -EINVAL
    assert resource(pair, 1, [FOREIGN_GFN], id=1)[0] == -EINVAL
    assert resource(pair, 1, [], domid=0)[0] == -EPERM
    pair.destroy()
    assert remove(pair.dom0, FOREIGN_GFN) == 0
    assert remove(pair.dom0, FOREIGN_GFN + 1) == 0
    pair.machine.lib.host_gate(0)
    assert pair.free() == free


def test_a_shared_page_stands_in_one_place(pair: Any) -> None:
    dom1, space = pair.dom1, pair.dom1.k.XENMAPSPACE_shared_info
    first, second = dom1.page(), dom1.page()
    assert dom1.physmap(space, 0, first) == 0
    assert dom1.physmap(space, 0, second) == -EBUSY
    assert remove(dom1, first >> 12) == 0
    assert dom1.physmap(space, 0, second) == 0
    assert dom1.physmap(space, 1, first) == -EINVAL
    assert dom1.physmap(99, 0, first) == -ENOSYS


def claim(guest: Any, pages: int, domain: int = 1) -> int:
    """claim_pages."""
    value = guest.new("xen_memory_reservation", nr_extents=pages, domid=domain)
    return int(guest.op("memory_op", guest.k.XENMEM_claim_pages, value))


def test_claims_hold_memory_back(pair: Any) -> None:
    free, held = pair.free(), pair.machine.lib.page_claimed
    assert claim(pair.dom1, SIZE + 1) == -EPERM
    assert claim(pair.dom0, SIZE) == -EINVAL  # it has as much
    assert claim(pair.dom0, SIZE + 1) == -EINVAL  # beyond max_mem
    limit(pair, 1 << 30)
    assert claim(pair.dom0, free + SIZE + 1) == -ENOMEM
    assert claim(pair.dom0, free + SIZE - 64) == 0
    assert claim(pair.dom0, free) == -EINVAL  # one at a time
    assert held() == free - 64
    limit(pair, 1 << 30, domain=0)
    assert 0 < reserve(pair.dom0, "increase_reservation", [0] * 65) <= 64  # what nobody claimed
    assert reserve(pair.dom1, "populate_physmap", [BASE + 2 * CHUNK], order=9) == 1
    assert held() == free - 64 - CHUNK
    assert claim(pair.dom0, 0) == 0
    assert held() == 0
