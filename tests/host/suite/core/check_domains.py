# SPDX-License-Identifier: Apache-2.0
"""Life of guest domains on the third port: creation, running, destruction without a trace."""

from __future__ import annotations

from typing import Any

import pytest

EPERM, ESRCH, EFAULT, EINVAL = 1, 3, 14, 22


def memory(tools: Any) -> tuple[int, int]:
    """Free pages of the machine, bytes of the hypervisor's objects."""
    tools.machine.lib.host_advance(1_000_000)
    return tools.machine.lib.page_free_count(), tools.machine.lib.heap_used()


@pytest.mark.parametrize("vcpus", [1, 3, 8])
def test_life_leaves_no_trace(tools: Any, vcpus: int) -> None:
    tools.destroy(tools.create(vcpus))
    before = memory(tools)
    for _ in range(3):
        domain = tools.create(vcpus)
        assert memory(tools)[0] < before[0]
        tools.destroy(domain)
        assert memory(tools) == before


def test_destruction_can_be_interrupted(tools: Any) -> None:
    tools.destroy(tools.create(2, 2048))
    before = memory(tools)
    domain = tools.create(2, 2048)
    tools.machine.lib.host_preempt(2)
    tools.destroy(domain)
    tools.machine.lib.host_preempt(0)
    assert memory(tools) == before


def test_runs_beside_dom0(tools_on: Any) -> None:
    tools = tools_on(2)
    machine = tools.machine
    domain = tools.create()
    machine.lib.host_advance(1_000_000)
    assert [machine.lib.host_running(cpu) for cpu in range(2)] == [0, domain << 16]
    assert machine.call("xen_version", machine.k.XENVER_version, domain=domain) == 4 << 16 | 20
    assert machine.call("domctl", 0x40000000, domain=domain) in (-EPERM, -13, -EFAULT)
    assert machine.call("sysctl", 0x40000000, domain=domain) in (-EPERM, -13, -EFAULT)
    tools.good("pausedomain", domain)
    assert machine.lib.host_running(1) == -1
    tools.good("unpausedomain", domain)
    machine.lib.host_advance(1_000_000)
    assert machine.lib.host_running(1) == domain << 16
    tools.destroy(domain)
    assert machine.lib.host_running(1) == -1


def test_share_one_cpu(tools: Any) -> None:
    """Two domains that never stop get turns."""
    machine = tools.machine
    domain = tools.create()
    seen = set()
    for _ in range(200):
        machine.lib.host_advance(5_000_000)
        seen.add(machine.lib.host_running(0))
    assert seen == {0, domain << 16}


def test_guest_crash_is_its_own(tools_on: Any) -> None:
    tools = tools_on(2)
    machine = tools.machine
    domain = tools.create()
    machine.lib.host_advance(1_000_000)
    machine.write((3).to_bytes(4, "little"), domain, 0x40000000)
    state, _ = machine.try_call("sched_op", machine.k.SCHEDOP_shutdown, 0x40000000, domain=domain)
    assert state == 1
    rc, info = tools.domctl("getdomaininfo", domain)
    assert rc == 0
    flags = info.u.getdomaininfo.flags
    assert flags & machine.k.XEN_DOMINF_shutdown
    assert flags >> machine.k.XEN_DOMINF_shutdownshift & 255 == 3
    assert machine.lib.host_running(0) == 0
    tools.destroy(domain)


def test_wrong_arguments(tools: Any) -> None:
    rc, _ = tools.domctl("getdomaininfo", 77)
    assert rc == -ESRCH
    rc, _ = tools.domctl("destroydomain", 0)
    assert rc == -EINVAL
    rc, _ = tools.domctl("max_vcpus", 0, max_vcpus={"max": 0})
    assert rc == -EINVAL
    before = memory(tools)
    for config in (
        {"max_vcpus": 0},
        {"max_vcpus": 999},
    ):
        assert create(tools, **config) == -EINVAL
    assert memory(tools) == before


def create(tools: Any, **config: int) -> int:
    """Result of createdomain for a configuration that is good unless it says otherwise."""
    good = {"max_evtchn_port": 9, "flags": 3, "max_vcpus": 1, "grant_opts": 1}
    return int(tools.domctl("createdomain", createdomain=good | config)[0])


@pytest.mark.parametrize("version", [0, 2, 3, 15, 0x11, 0x80000001])
def test_grant_versions_that_are_not_there(tools: Any, version: int) -> None:
    before = memory(tools)
    assert create(tools, max_grant_frames=4, grant_opts=version) == -EINVAL
    assert memory(tools) == before


def test_grant_limits_of_the_command_line(new_machine: Any, tools_of: Any) -> None:
    """A domain may have less than the command line says, or by -1 as much, never more."""
    machine = new_machine()
    line = "dom0_mem=64M noreboot gnttab_max_frames=8 gnttab_max_maptrack_frames=16"
    assert machine.boot(xen=line) == 0
    tools = tools_of(machine)
    before = memory(tools)
    for frames, maptrack in ((9, 1), (1, 17), (1 << 30, 1), (1, 1 << 30), (2**31 - 1, 0), (0, 0)):
        rc = create(tools, max_grant_frames=frames, max_maptrack_frames=maptrack)
        assert rc == -EINVAL, (frames, maptrack)
    assert memory(tools) == before
    for frames, maptrack in ((8, 16), (-1, -1), (1, 0)):
        assert create(tools, max_grant_frames=frames, max_maptrack_frames=maptrack) == 0
