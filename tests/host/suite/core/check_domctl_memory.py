# SPDX-License-Identifier: Apache-2.0
"""What the tools may do to a domain's memory: devices, limits, caches; every wrong argument."""

from __future__ import annotations

from typing import Any

import pytest

EPERM, ESRCH, E2BIG, ENOMEM, EFAULT, EBUSY, EINVAL, ENOENT, EOPNOTSUPP = (
    *(1, 3, 7, 12, 14, 16, 22, 2, 95),
)
DEVICE = 0x9000
"""Frame of the board's device, which is dom0's."""
GUEST_FRAME = 0x70000
TOP = 2**52
"""First frame beyond what an address can say."""


class Device:
    """The device's frame for a guest."""

    def __init__(self, tools: Any) -> None:
        self.tools, self.domain = tools, tools.create()
        tools.machine.lib.host_permit(0, DEVICE, DEVICE + 1)

    def permit(self, allow: int, first: int = DEVICE, nr: int = 1, domain: int = -1) -> int:
        """iomem_permission."""
        wanted = {"first_mfn": first, "nr_mfns": nr, "allow_access": allow}
        target = self.domain if domain < 0 else domain
        return int(self.tools.domctl("iomem_permission", target, iomem_permission=wanted)[0])

    def map(self, add: int = 1, gfn: int = GUEST_FRAME, mfn: int = DEVICE, nr: int = 1) -> int:
        """memory_mapping."""
        wanted = {"first_gfn": gfn, "first_mfn": mfn, "nr_mfns": nr, "add_mapping": add}
        return int(self.tools.domctl("memory_mapping", self.domain, memory_mapping=wanted)[0])

    def is_mapped(self) -> bool:
        """Does the guest see anything there? A device is nothing that hypercalls read."""
        leaf = self.tools.machine.ffi.new("uint8_t[1]")
        return bool(self.tools.machine.lib.host_guest_read(self.domain, GUEST_FRAME << 12, leaf, 1))


@pytest.fixture
def device(tools: Any) -> Device:
    return Device(tools)


def test_a_device_is_given_and_taken(device: Device) -> None:
    assert device.map() == -EPERM, "before it was permitted"
    assert device.permit(1) == 0
    assert device.permit(1) == 0, "again"
    assert device.map() == 0
    assert device.map(add=0) == 0
    assert device.permit(0) == 0
    assert device.map() == -EPERM
    device.tools.destroy(device.domain)


@pytest.mark.parametrize(
    ("first", "nr", "wanted"),
    [
        (DEVICE, 0, -EINVAL),
        (TOP - 1, 2, -EINVAL),
        (2**64 - 1, 1, -EINVAL),
        (2**64 - 1, 2, -EINVAL),
        (TOP, 1, -EINVAL),
        (DEVICE, 2, -EPERM),
        (DEVICE - 1, 1, -EPERM),
        (0x40000, 1, -EPERM),
    ],
)
def test_only_what_dom0_has(device: Device, first: int, nr: int, wanted: int) -> None:
    """RAM, what is beside the device, and numbers that wrap; permitted or forbidden."""
    assert device.permit(1, first, nr) == wanted
    assert device.permit(0, first, nr) == wanted
    assert device.map(mfn=first, nr=nr) == wanted


def test_frames_of_the_guest_that_do_not_fit(device: Device) -> None:
    assert device.permit(1) == 0
    assert device.map(gfn=TOP) == -EINVAL
    assert device.map(gfn=2**64 - 1) == -EINVAL
    assert device.map(gfn=1 << 40) < 0, "no address of its second stage"
    assert device.map(nr=65) == -E2BIG
    assert device.map(gfn=0x40000) in (0, -EBUSY), "its RAM"
    assert device.map(add=0, gfn=0x7FFFF) in (0, -ENOENT), "nothing is there"


def test_the_list_of_permissions_is_limited(device: Device) -> None:
    """Every second frame of many: some time there is no room for one more range."""
    device.tools.machine.lib.host_permit(0, 0x1000000, 0x1010000)
    results = [device.permit(1, 0x1000000 + 2 * i) for i in range(4096)]
    assert results[0] == 0 and results[-1] == -ENOMEM
    assert sorted(results, reverse=True) == results, "full once, full for ever"
    assert device.permit(1, domain=999) == -ESRCH


@pytest.mark.parametrize(
    ("start", "nr", "wanted"),
    [
        (0x40000, 64, 0),
        (0x40000, 0, 0),
        (0x40000, 1 << 18, 0),
        (0x40000, (1 << 18) + 1, -EINVAL),
        (2**64 - 1, 2, -EINVAL),
        (0, 1 << 18, 0),
    ],
)
@pytest.mark.parametrize("preempt", [0, 2])
def test_cacheflush(tools: Any, start: int, nr: int, wanted: int, preempt: int) -> None:
    domain = tools.create()
    tools.machine.lib.host_preempt(preempt)
    rc, _ = tools.domctl("cacheflush", domain, cacheflush={"start_pfn": start, "nr_pfns": nr})
    tools.machine.lib.host_preempt(0)
    assert rc == wanted


def test_page_table_pool(tools: Any) -> None:
    """It cannot be less than what is in use, and counts whole pages."""
    domain = tools.create()

    def pool(size: int) -> int:
        return int(
            tools.domctl("set_paging_mempool_size", domain, paging_mempool={"size": size})[0]
        )

    for wrong in (1, 4095, 4097, 2**44, 2**64 - 4096):
        assert pool(wrong) == -EINVAL, wrong
    assert pool(0) == -ENOMEM
    assert pool(2 << 20) == 0
    rc, got = tools.domctl("get_paging_mempool_size", domain)
    assert (rc, got.u.paging_mempool.size) == (0, 2 << 20)
    rc, got = tools.domctl("get_paging_mempool_size", 0)
    assert rc == 0 and 0 < got.u.paging_mempool.size < 1 << 30, "dom0's has no limit: its use"


def test_small_settings(tools: Any) -> None:
    domain = tools.create()
    for size, wanted in ((32, -EINVAL), (0, -EINVAL), (64, -EBUSY)):
        assert tools.domctl("set_address_size", domain, address_size={"size": size})[0] == wanted
    assert tools.domctl("set_llc_colors", domain)[0] == -EOPNOTSUPP
    assert tools.domctl("set_llc_colors", domain, set_llc_colors={"pad": 1})[0] == -EINVAL
    for name in ("pausedomain", "resumedomain", "setdebugging"):
        assert tools.domctl(name, 0)[0] == -EINVAL, "dom0 does not do that to itself"
    handle = bytes(range(16))
    tools.good("setdomainhandle", domain, setdomainhandle={"handle": list(handle)})
    _, info = tools.domctl("getdomaininfo", domain)
    assert bytes(info.u.getdomaininfo.handle) == handle


@pytest.mark.parametrize(("bits", "mask", "wanted"), [(1, 1, 0), (1, 0, -EINVAL), (0, 1, -EINVAL)])
def test_node_affinity(tools: Any, bits: int, mask: int, wanted: int) -> None:
    """There is one node; a map without it names none."""
    domain = tools.create()
    machine = tools.machine
    at = machine.write(bytes([mask] * 8), at=machine.scratch + 4096)
    nodes = {"nodemap": {"bitmap": at, "nr_bits": bits}}
    assert tools.domctl("setnodeaffinity", domain, nodeaffinity=nodes)[0] == wanted
    rc, _ = tools.domctl("getnodeaffinity", domain, nodeaffinity=nodes)
    assert rc == 0
    assert machine.read(at, 1)[0] & 1 == (1 if bits else mask)
    bad = {"nodemap": {"bitmap": 2**63, "nr_bits": 8}}
    assert tools.domctl("setnodeaffinity", domain, nodeaffinity=bad)[0] == -EFAULT
    assert tools.domctl("getnodeaffinity", domain, nodeaffinity=bad)[0] == -EFAULT
    long = {"nodemap": {"bitmap": at, "nr_bits": 65537}}
    assert tools.domctl("getnodeaffinity", domain, nodeaffinity=long)[0] == -EINVAL


@pytest.mark.parametrize("field", ["iommu_opts", "altp2m_opts", "vmtrace_size"])
def test_domains_that_cannot_be_made(tools: Any, field: str) -> None:
    k = tools.k
    good = {"flags": k.XEN_DOMCTL_CDF_hvm | k.XEN_DOMCTL_CDF_hap, "max_vcpus": 1, "grant_opts": 1}
    good |= {"max_evtchn_port": 9, "max_grant_frames": 1}
    assert tools.domctl("createdomain", createdomain=good | {field: 1})[0] == -EINVAL
    assert tools.domctl("createdomain", createdomain=good | {"flags": 1 << 20})[0] == -EINVAL
    assert tools.domctl("createdomain", createdomain=good | {"cpupool_id": 7})[0] == -EINVAL
    rc, made = tools.domctl("createdomain", 77, createdomain=good)
    assert (rc, made.domain) == (0, 77)
    assert tools.domctl("createdomain", 77, createdomain=good)[0] == -17, "EEXIST"
