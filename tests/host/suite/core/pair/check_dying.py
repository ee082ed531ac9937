# SPDX-License-Identifier: Apache-2.0
"""A destroyed domain of which others still have pages: it gets nothing and does nothing."""

from __future__ import annotations

from typing import Any

import pytest

EINVAL, ESRCH = 22, 3
SELF = 0x7FF0
BASE, PAGES = 0x40000, 256
FOREIGN = 0x8000000
"""Frame of dom0 that shows a page of domain 1."""
FREE = 61
"""An interrupt of a device that is marked for guests."""
DEVICE = 0x9000
"""Frame of the board's device."""


@pytest.fixture
def kept(pair: Any) -> Any:
    """dom0 has mapped a page of domain 1."""
    dom0 = pair.dom0
    lists = BASE.to_bytes(8, "little") + FOREIGN.to_bytes(8, "little") + bytes(8)
    at = dom0.write(dom0.page(), lists)
    value = dom0.new("xen_add_to_physmap_batch", domid=SELF, size=1)
    value.space, value.u.foreign_domid = dom0.k.XENMAPSPACE_gmfn_foreign, pair.dom1.id
    value.idxs, value.gpfns, value.errs = at, at + 8, at + 16
    assert dom0.op("memory_op", dom0.k.XENMEM_add_to_physmap_batch, value) == 0
    return pair


def let_go(pair: Any) -> None:
    """dom0 gives the page back, and the domain is gone."""
    value = pair.dom0.new("xen_remove_from_physmap", domid=SELF, gpfn=FOREIGN)
    assert pair.dom0.op("memory_op", pair.dom0.k.XENMEM_remove_from_physmap, value) == 0
    pair.machine.lib.host_advance(1000)
    assert pair.tools.domctl("getdomaininfo", pair.dom1.id)[0] == -ESRCH


def test_holds_no_memory_back(kept: Any) -> None:
    kept.tools.good("max_mem", kept.dom1.id, max_mem={"max_memkb": 8 * PAGES})
    kept.destroy()
    value = kept.dom0.new("xen_memory_reservation", nr_extents=PAGES, domid=kept.dom1.id)
    command = kept.dom0.k.XENMEM_claim_pages
    assert kept.dom0.op("memory_op", command, value) == -EINVAL
    let_go(kept)
    assert kept.machine.lib.page_claimed() == 0


def test_gets_no_mappings(kept: Any) -> None:
    """Neither its own pages nor a device: what it had mapped has gone, and nothing looks again."""
    dom0, dying, tools = kept.dom0, kept.dom1.id, kept.tools
    device = {"first_mfn": DEVICE, "nr_mfns": 1, "allow_access": 1}
    tools.good("iomem_permission", dying, iomem_permission=device)
    kept.destroy()
    for space in (dom0.k.XENMAPSPACE_shared_info, dom0.k.XENMAPSPACE_grant_table):
        value = dom0.new("xen_add_to_physmap", domid=dying, space=space, gpfn=BASE)
        assert dom0.op("memory_op", dom0.k.XENMEM_add_to_physmap, value) == -EINVAL
    device = {"first_gfn": BASE, "first_mfn": DEVICE, "nr_mfns": 1, "add_mapping": 1}
    assert tools.domctl("memory_mapping", dying, memory_mapping=device)[0] == -EINVAL
    let_go(kept)


def test_gets_no_interrupt(kept: Any) -> None:
    tools = kept.tools
    bind = kept.machine.ffi.new(
        "struct xen_domctl_bind_pt_irq *", {"machine_irq": FREE, "irq_type": 4}
    )
    bind.u.spi.spi = FREE
    tools.good("bind_pt_irq", kept.dom1.id, bind_pt_irq=bind[0])
    kept.destroy()
    assert tools.domctl("bind_pt_irq", kept.dom1.id, bind_pt_irq=bind[0])[0] == -ESRCH
    tools.good("bind_pt_irq", tools.create(), bind_pt_irq=bind[0])
    let_go(kept)


def test_has_no_watchdog(kept: Any) -> None:
    lib, dom1 = kept.machine.lib, kept.dom1
    before = [lib.host_timers(cpu) for cpu in range(2)]
    value = dom1.new("sched_watchdog", id=0, timeout=10)
    assert dom1.op("sched_op", dom1.k.SCHEDOP_watchdog, value) == 1
    assert [lib.host_timers(cpu) for cpu in range(2)] != before
    kept.destroy()
    assert [lib.host_timers(cpu) for cpu in range(2)] == before
    let_go(kept)
