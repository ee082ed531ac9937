# SPDX-License-Identifier: Apache-2.0
"""What the tools may do to a domain's memory: limits, caches; every wrong argument."""

from __future__ import annotations

from typing import Any

import pytest

ENOMEM, EFAULT, EBUSY, EINVAL, EOPNOTSUPP = 12, 14, 16, 22, 95


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
