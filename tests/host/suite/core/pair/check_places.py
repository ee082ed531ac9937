# SPDX-License-Identifier: Apache-2.0
"""What stands where in a domain's memory besides its RAM: each space, each wrong argument."""

from __future__ import annotations

from typing import Any

import pytest

EPERM, ENOENT, ESRCH, EIO, EACCES, EFAULT, EBUSY, EINVAL = 1, 2, 3, 5, 13, 14, 16, 22
EDOM, ENOSYS, EOPNOTSUPP, EILSEQ = 33, 38, 95, 84
SELF, NOBODY = 0x7FF0, 0x7FF4
PLACE = 0x90000
"""A frame where nothing is."""
DEVICE = 0x9000
SHARED, TABLE, GMFN, RANGE, FOREIGN, MMIO = range(6)
"""XENMAPSPACE_: shared_info, grant_table, gmfn, gmfn_range, gmfn_foreign, dev_mmio."""


def add(guest: Any, space: int, index: int = 0, to: int = PLACE, **more: Any) -> int:
    """add_to_physmap."""
    fields = {"domid": SELF, "space": space, "idx": index, "gpfn": to} | more
    return int(
        guest.op(
            "memory_op", guest.k.XENMEM_add_to_physmap, guest.new("xen_add_to_physmap", **fields)
        )
    )


def batch(
    guest: Any, space: int, pages: list[tuple[int, int]], **more: int
) -> tuple[int, list[int]]:
    """add_to_physmap_batch of (index, place): result, and the error of each."""
    lists = guest.page()
    size = 8 * len(pages)
    data = b"".join(i.to_bytes(8, "little") for i, _ in pages)
    data += b"".join(p.to_bytes(8, "little") for _, p in pages)
    guest.write(lists, data + b"\x77" * 4 * len(pages))
    value = guest.new("xen_add_to_physmap_batch", domid=SELF, space=space, size=len(pages))
    value.idxs, value.gpfns, value.errs = lists, lists + size, lists + 2 * size
    value.u.foreign_domid = more.pop("foreign", 0)
    for name, content in more.items():
        setattr(value, name, content)
    rc = int(guest.op("memory_op", guest.k.XENMEM_add_to_physmap_batch, value))
    raw = guest.read(lists + 2 * size, 4 * len(pages))
    errors = [int.from_bytes(raw[i : i + 4], "little", signed=True) for i in range(0, len(raw), 4)]
    return rc, errors


def remove(guest: Any, frame: int = PLACE, domain: int = SELF) -> int:
    """remove_from_physmap."""
    value = guest.new("xen_remove_from_physmap", domid=domain, gpfn=frame)
    return int(guest.op("memory_op", guest.k.XENMEM_remove_from_physmap, value))


@pytest.mark.parametrize(
    ("space", "index", "more", "wanted"),
    [
        (SHARED, 0, {}, 0),
        (SHARED, 1, {}, -EINVAL),
        (TABLE, 0, {}, 0),
        (TABLE, 4, {}, -EINVAL),
        (TABLE, 2**32, {}, -EINVAL),
        (TABLE, 2**64 - 1, {}, -EINVAL),
        (RANGE, 0, {"size": 0}, 0),
        (RANGE, 0, {"size": 1}, -ENOSYS),
        (FOREIGN, 0, {}, -ENOSYS),
        (GMFN, 0, {}, -ENOSYS),
        (6, 0, {}, -ENOSYS),
        (2**32 - 1, 0, {}, -ENOSYS),
        (SHARED, 0, {"domid": 77}, -ESRCH),
        (SHARED, 0, {"gpfn": 2**52}, -EINVAL),
    ],
)
def test_one_page(pair: Any, space: int, index: int, more: Any, wanted: int) -> None:
    guest = pair.dom1
    rc = add(guest, space, index, **more)
    if "gpfn" in more:
        assert rc < 0, "no such address"
        return
    assert rc == wanted
    if rc == 0 and space != RANGE:
        assert add(guest, space, index, PLACE + 1) == -EBUSY, "it stands in one place"
        assert remove(guest) == 0
        assert remove(guest) == -ENOENT
        assert add(guest, space, index, PLACE + 1) == 0


def test_a_guest_maps_no_device(pair: Any) -> None:
    """Only dom0 for itself, and only what it may have; the rest is passed over."""
    assert add(pair.dom1, MMIO, DEVICE) == -EACCES
    assert add(pair.dom0, MMIO, DEVICE, domid=pair.dom1.id) == -EACCES
    assert add(pair.dom0, MMIO, DEVICE) == 0
    assert remove(pair.dom0) == -ENOENT, "devices stay"
    for frame in (0x40000, 2**64 - 1, 2**52):
        assert add(pair.dom0, MMIO, frame, PLACE + 2) == 0
    assert remove(pair.dom0, PLACE + 2) == -ENOENT, "nothing was mapped"


def test_batches(pair: Any) -> None:
    """Each page has an error of its own; the list is right or wrong as a whole before that."""
    dom0, dom1 = pair.dom0, pair.dom1
    ram = 0x40000
    pages = [(ram, PLACE), (0x50000, PLACE + 1), (ram + 1, PLACE + 2)]
    rc, errors = batch(dom0, FOREIGN, pages, foreign=dom1.id)
    assert (rc, errors) == (0, [0, -EINVAL, 0])
    assert remove(dom0, PLACE) == remove(dom0, PLACE + 2) == 0
    for wrong, answer in ((77, -ESRCH), (0, -EPERM)):
        assert batch(dom0, FOREIGN, pages, foreign=wrong) == (0, [answer] * 3)
    assert batch(dom1, FOREIGN, pages, foreign=0)[1] == [-EPERM] * 3
    assert batch(dom0, FOREIGN, pages, foreign=dom1.id, domid=dom1.id)[1] == [-EPERM] * 3
    assert batch(dom0, RANGE, pages)[0] == -EOPNOTSUPP
    assert batch(dom1, MMIO, pages)[0] == -EACCES
    assert batch(dom0, MMIO, pages, foreign=1)[0] == -EOPNOTSUPP
    assert batch(dom0, MMIO, [], foreign=1)[0] == 0
    assert batch(dom0, TABLE, [(0, PLACE), (1, PLACE + 1)]) == (0, [0, 0])
    assert batch(dom0, SHARED, [(0, PLACE + 3), (0, PLACE + 4)]) == (0, [0, -EBUSY])


def test_batches_go_on(pair: Any) -> None:
    """A list in slices: the number of the next page is in the call's own register."""
    dom0, dom1 = pair.dom0, pair.dom1
    pages = [(0x40000 + i, PLACE + i) for i in range(20)]
    pair.machine.lib.host_preempt(1)
    assert batch(dom0, FOREIGN, pages, foreign=dom1.id) == (0, [0] * 20)
    pair.machine.lib.host_preempt(0)
    value = dom0.new("xen_add_to_physmap_batch", domid=SELF, space=FOREIGN, size=3)
    dom0.write(dom0.scratch, bytes(dom0.ffi.buffer(value)))
    for start in (3, 4, 1000):
        command = dom0.k.XENMEM_add_to_physmap_batch | start << dom0.k.MEMOP_EXTENT_SHIFT
        assert dom0.call("memory_op", command, dom0.scratch) == -EILSEQ, "a guest's own number"
        command = dom0.k.XENMEM_add_to_physmap | start << dom0.k.MEMOP_EXTENT_SHIFT
        one = dom0.new("xen_add_to_physmap", domid=SELF, space=RANGE, size=1)
        dom0.write(dom0.scratch + 256, bytes(dom0.ffi.buffer(one)))
        assert dom0.call("memory_op", command, dom0.scratch + 256) == -EILSEQ
    for name in ("XENMEM_add_to_physmap_batch", "XENMEM_add_to_physmap"):
        command = getattr(dom0.k, name) | 65536 << dom0.k.MEMOP_EXTENT_SHIFT
        assert dom0.call("memory_op", command, dom0.scratch) == -EDOM


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, 0),
        ({"pad": 1}, -EINVAL),
        ({"type": 7}, -EINVAL),
        ({"id": 1}, -EINVAL),
        ({"frame": 2**32}, -EINVAL),
        ({"frame": 2**32 - 1}, -EINVAL),
        ({"frame": 4}, -EINVAL),
        ({"frame": 3, "nr_frames": 2}, -EIO),
        ({"frame_list": 0}, -EINVAL),
        ({"frame_list": 0, "nr_frames": 0}, 0),
        ({"domid": 77}, -ESRCH),
        ({"frame_list": 2**63}, -EFAULT),
    ],
)
def test_resources(pair: Any, fields: dict[str, int], wanted: int) -> None:
    """Frames of a grant table for the tools."""
    dom0 = pair.dom0
    lists = dom0.page()
    dom0.write(lists, b"".join((PLACE + i).to_bytes(8, "little") for i in range(4)))
    good = {"domid": pair.dom1.id, "type": 1, "nr_frames": 1, "frame_list": lists}
    value = dom0.new("xen_mem_acquire_resource", **(good | fields))
    assert dom0.op("memory_op", dom0.k.XENMEM_acquire_resource, value) == wanted
    if fields == {"frame_list": 0, "nr_frames": 0}:
        assert value.nr_frames == 4, "as many as there may be"
    other = pair.dom1.new("xen_mem_acquire_resource", domid=0, type=1, nr_frames=1)
    assert pair.dom1.op("memory_op", dom0.k.XENMEM_acquire_resource, other) == -EPERM


def reserve(guest: Any, what: str, frames: list[int], **more: int) -> int:
    """increase, decrease or populate: how many extents were done."""
    lists = guest.page()
    guest.write(lists, b"".join(f.to_bytes(8, "little") for f in frames))
    fields = {"domid": SELF, "extent_start": lists, "nr_extents": len(frames)} | more
    value = guest.new("xen_memory_reservation", **fields)
    return int(guest.op("memory_op", getattr(guest.k, f"XENMEM_{what}"), value))


@pytest.mark.parametrize(
    ("who", "more", "wanted"),
    [
        ("dom1", {}, 1),
        ("dom1", {"extent_order": 10}, 0),
        ("dom1", {"extent_order": 2**32 - 1}, 0),
        ("dom0", {"extent_order": 64}, 0),
        ("dom1", {"mem_flags": 12}, 0),
        ("dom1", {"mem_flags": 32}, 1),
        ("dom1", {"mem_flags": 20}, 0),
        ("dom1", {"mem_flags": 1 << 16}, 0),
        ("dom1", {"mem_flags": 2 << 8}, 1),
        ("dom1", {"mem_flags": 2 << 8 | 1 << 17}, 0),
        ("dom1", {"domid": 77}, 0),
        ("dom1", {"domid": 0}, 0),
        ("dom1", {"nr_extents": 0}, 0),
        ("dom1", {"nr_extents": 2**31}, 0),
        ("dom1", {"extent_start": 2**63}, 0),
        ("dom1", {"extent_start": 2**64 - 4}, 0),
    ],
)
def test_reservations(pair: Any, who: str, more: dict[str, int], wanted: int) -> None:
    """A page somewhere else; what cannot be done is not, and is no error: as in Xen."""
    tools = pair.tools
    tools.good("max_mem", pair.dom1.id, max_mem={"max_memkb": 1 << 20})
    guest, before = getattr(pair, who), pair.free()
    assert reserve(guest, "populate_physmap", [0x60000], **more) == wanted
    if wanted == 0:
        assert pair.free() == before
    else:
        assert reserve(guest, "decrease_reservation", [0x60000]) == 1


def test_a_domain_gets_no_more_than_it_may(pair: Any) -> None:
    """Single pages and large ones, at the limit that the tools set."""
    dom0, dom1 = pair.dom0, pair.dom1
    pair.tools.good("max_mem", dom1.id, max_mem={"max_memkb": 4 * (256 + 2)})
    assert reserve(dom1, "populate_physmap", [0x60000, 0x60001, 0x60002, 0x60003]) == 2
    assert reserve(dom1, "populate_physmap", [0x80000], extent_order=9) == 0
    free = pair.free()
    assert reserve(dom0, "populate_physmap", [0x80000], extent_order=9, domid=dom1.id) == 0
    assert pair.free() == free, "no tables stay for what did not come"
    pair.tools.good("max_mem", dom1.id, max_mem={"max_memkb": 1 << 20})
    assert reserve(dom0, "populate_physmap", [0x80001], extent_order=10, domid=dom1.id) == 0
    assert reserve(dom0, "populate_physmap", [0x80000], extent_order=9, domid=dom1.id) == 1
    assert reserve(dom0, "decrease_reservation", [0x80000], extent_order=9, domid=dom1.id) == 1


@pytest.mark.parametrize("order", range(18, 22))
def test_extents_that_no_machine_has(pair: Any, order: int) -> None:
    """dom0 may ask for orders that the allocator does not know."""
    pair.tools.good("max_mem", pair.dom1.id, max_mem={"max_memkb": 2**50})
    before, more = pair.free(), {"extent_order": order, "domid": pair.dom1.id}
    assert reserve(pair.dom0, "populate_physmap", [0x400000], **more) == 0
    assert reserve(pair.dom0, "increase_reservation", [0], **more) == 0
    assert pair.free() == before


def test_pages_without_a_place(pair: Any) -> None:
    """increase_reservation: they count, and are of no use; the end of the domain frees them."""
    dom0, dom1 = pair.dom0, pair.dom1
    pair.tools.good("max_mem", dom1.id, max_mem={"max_memkb": 4 * (256 + 3)})
    assert reserve(dom0, "increase_reservation", [0] * 5, domid=dom1.id) == 3
    assert reserve(dom1, "increase_reservation", [0] * 5) == 0
