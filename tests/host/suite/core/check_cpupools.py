# SPDX-License-Identifier: Apache-2.0
"""CPU pools as the tools see them: made, filled, emptied, domains moved, refusals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

EPERM, ENOENT, ESRCH, EBUSY, ENODEV, EINVAL, ENOSPC, ENOSYS, EADDRNOTAVAIL = (
    1, 2, 3, 16, 19, 22, 28, 38, 99
)  # fmt: skip
ANY = 0xFFFFFFFF


@dataclass(frozen=True)
class Pool:
    """What INFO says: its number, scheduler, domains, CPUs as bits."""

    id: int
    scheduler: int
    domains: int
    cpus: int


class Pools:
    """The pools of a machine with four CPUs, by sysctl."""

    def __init__(self, tools: Any) -> None:
        self.tools = tools
        self.machine = tools.machine

    def op(self, name: str, **fields: int) -> tuple[int, Any]:
        """Result, and what the hypervisor wrote back."""
        number = getattr(self.machine.k, f"XEN_SYSCTL_CPUPOOL_OP_{name}")
        request = {"op": number, "cpumap": self.machine.bitmap(0xFFFF), **fields}
        rc, got = self.machine.sysctl("cpupool_op", cpupool_op=request)
        return rc, got.cpupool_op

    def rc(self, name: str, pool: int = 0, **fields: int) -> int:
        return self.op(name, cpupool_id=pool, **fields)[0]

    def make(self, scheduler: str = "CREDIT2", *cpus: int) -> int:
        """A new pool with these CPUs, which leave Pool-0."""
        number = getattr(self.machine.k, f"XEN_SCHEDULER_{scheduler}")
        rc, got = self.op("CREATE", cpupool_id=ANY, sched_id=number)
        assert rc == 0
        for cpu in cpus:
            assert self.rc("RMCPU", cpu=cpu) == 0
            assert self.rc("ADDCPU", got.cpupool_id, cpu=cpu) == 0
        return int(got.cpupool_id)

    def all(self) -> list[Pool]:
        """As the tools list them: the next one from each number on."""
        found = []
        rc, got = self.op("INFO", cpupool_id=0)
        while rc == 0:
            found.append(Pool(got.cpupool_id, got.sched_id, got.n_dom, self.machine.bits()))
            rc, got = self.op("INFO", cpupool_id=got.cpupool_id + 1)
        assert rc == -ENOENT
        return found

    def free(self) -> int:
        assert self.rc("FREEINFO") == 0
        return int(self.machine.bits())


@pytest.fixture
def pools(tools_on: Callable[[int], Any]) -> Pools:
    return Pools(tools_on(4))


def test_at_first_there_is_one(pools: Pools) -> None:
    assert pools.all() == [Pool(0, pools.machine.k.XEN_SCHEDULER_CREDIT2, 1, 0b1111)]
    assert pools.free() == 0


@pytest.mark.parametrize(
    ("op", "pool", "fields", "wanted"),
    [
        ("CREATE", ANY, {"sched_id": 5}, -ENOENT),
        ("CREATE", 0, {"sched_id": 6}, -ENOSPC),
        ("DESTROY", 0, {}, -EBUSY),
        ("DESTROY", 3, {}, -ENOENT),
        ("ADDCPU", 0, {"cpu": 1}, -ENODEV),
        ("ADDCPU", 0, {"cpu": 4}, -EINVAL),
        ("ADDCPU", 0, {"cpu": ANY}, -ENODEV),
        ("RMCPU", 0, {"cpu": 4}, -EINVAL),
        ("RMCPU", 3, {"cpu": 1}, -ENOENT),
        ("MOVEDOMAIN", 0, {"domid": 0}, -EPERM),
        ("MOVEDOMAIN", 1, {"domid": 5}, -ESRCH),
        ("MOVEDOMAIN", 0, {"domid": 0x7FF4}, -ESRCH),
    ],
)
def test_refusals(pools: Pools, op: str, pool: int, fields: dict[str, int], wanted: int) -> None:
    assert pools.rc(op, pool, **fields) == wanted
    assert pools.all() == [Pool(0, 6, 1, 0b1111)]


def test_no_such_operation(pools: Pools) -> None:
    request = {"op": 99, "cpumap": pools.machine.bitmap()}
    assert pools.machine.sysctl("cpupool_op", cpupool_op=request)[0] == -ENOSYS


def test_numbers_and_cpus(pools: Pools) -> None:
    fair, null = pools.machine.k.XEN_SCHEDULER_CREDIT2, pools.machine.k.XEN_SCHEDULER_NULL
    assert (pools.make("CREDIT2", 3), pools.make("NULL", 1, 2)) == (1, 2)
    assert pools.op("CREATE", cpupool_id=7, sched_id=fair)[0] == 0
    expected = [Pool(0, fair, 1, 1), Pool(1, fair, 0, 8), Pool(2, null, 0, 6), Pool(7, fair, 0, 0)]
    assert pools.all() == expected
    assert pools.rc("RMCPU", cpu=1) == -EADDRNOTAVAIL
    assert pools.rc("RMCPU", cpu=0) == -EBUSY
    assert pools.rc("RMCPU", 7, cpu=ANY) == -EINVAL
    assert pools.rc("RMCPU", 2, cpu=ANY) == 0
    assert pools.free() == 0b100
    assert pools.rc("ADDCPU", 7, cpu=ANY) == 0
    assert pools.rc("DESTROY", 1) == 0
    assert pools.free() == 0b1000
    assert pools.make() == 1
    assert [(pool.id, pool.cpus) for pool in pools.all()] == [(0, 1), (1, 0), (2, 2), (7, 4)]


def test_a_domain_in_a_pool(pools: Pools) -> None:
    """It is made there, runs there only, keeps the pool and its last CPU until it is gone."""
    tools, machine = pools.tools, pools.machine
    pool = pools.make("CREDIT2", 2, 3)
    assert tools.domctl("createdomain", createdomain=tools.config(cpupool_id=9))[0] == -EINVAL
    domain = tools.create(vcpus=2, cpupool_id=pool)
    machine.lib.host_advance(1_000_000)
    running = {cpu: machine.lib.host_running(cpu) >> 16 for cpu in range(4)}
    assert (running[2], running[3]) == (domain, domain)
    assert domain not in (running[0], running[1])
    assert tools.domctl("getdomaininfo", domain)[1].u.getdomaininfo.cpupool == pool
    assert pools.rc("RMCPU", pool, cpu=3) == 0
    assert pools.rc("RMCPU", pool, cpu=2) == -EBUSY
    assert pools.rc("DESTROY", pool) == -EBUSY
    machine.lib.host_advance(1_000_000)
    assert machine.lib.host_running(2) >> 16 == domain
    assert machine.lib.host_running(3) >> 16 != domain
    tools.destroy(domain)
    assert pools.all()[1].domains == 0
    assert pools.rc("DESTROY", pool) == 0


def test_moving(pools: Pools) -> None:
    """Affinities end with the move; the null scheduler has room for as many vCPUs as CPUs."""
    tools, machine = pools.tools, pools.machine
    null, empty = pools.make("NULL", 3), pools.make()
    one, two = tools.create(), tools.create(vcpus=2)
    affinity = {"vcpu": 0, "flags": 1, "cpumap_hard": machine.bitmap(0b10)}
    assert tools.domctl("setvcpuaffinity", one, vcpuaffinity=affinity)[0] == 0
    assert pools.rc("MOVEDOMAIN", empty, domid=one) == -ENOENT
    assert pools.rc("MOVEDOMAIN", 5, domid=one) == -ENOENT
    assert pools.rc("MOVEDOMAIN", null, domid=two) == -ENOSPC
    assert pools.rc("MOVEDOMAIN", null, domid=one) == 0
    machine.lib.host_advance(1_000_000)
    assert machine.lib.host_running(3) >> 16 == one
    asked = {"vcpu": 0, "flags": 1, "cpumap_hard": machine.bitmap()}
    assert tools.domctl("getvcpuaffinity", one, vcpuaffinity=asked)[0] == 0
    assert machine.bits() == 0b1111
    assert pools.rc("MOVEDOMAIN", null, domid=two) == -ENOSPC
    assert [pool.domains for pool in pools.all()] == [2, 1, 0]
    assert pools.rc("MOVEDOMAIN", 0, domid=one) == 0
    assert pools.rc("MOVEDOMAIN", 0, domid=one) == 0
    assert [pool.domains for pool in pools.all()] == [3, 0, 0]
    machine.lib.host_advance(1_000_000)
    assert machine.lib.host_running(3) >> 16 not in (one, two)


def test_who_was_pinned_finds_room(pools: Pools) -> None:
    """Two vCPUs bound to one CPU move to a null pool of two, that CPU among them."""
    tools, machine = pools.tools, pools.machine
    domain = tools.create(vcpus=2)
    for vcpu in range(2):
        affinity = {"vcpu": vcpu, "flags": 1, "cpumap_hard": machine.bitmap(0b100)}
        assert tools.domctl("setvcpuaffinity", domain, vcpuaffinity=affinity)[0] == 0
    null = pools.make("NULL", 2, 3)
    assert pools.rc("MOVEDOMAIN", null, domid=domain) == 0
    machine.lib.host_advance(1_000_000)
    assert {machine.lib.host_running(cpu) for cpu in (2, 3)} == {domain << 16, domain << 16 | 1}


def test_a_cap_has_no_debts_from_a_null_pool(pools: Pools) -> None:
    tools, machine = pools.tools, pools.machine
    domain = tools.create()
    cap = {"sched_id": 6, "u": {"credit2": {"weight": 256, "cap": 10}}}
    assert tools.domctl("scheduler_op", domain, scheduler_op=cap)[0] == 0
    null = pools.make("NULL", 3)
    assert pools.rc("MOVEDOMAIN", null, domid=domain) == 0
    for _ in range(200):
        machine.lib.host_advance(10_000_000)
    assert pools.rc("MOVEDOMAIN", 0, domid=domain) == 0
    before = tools.domctl("getdomaininfo", domain)[1].u.getdomaininfo.cpu_time
    for _ in range(100):
        machine.lib.host_advance(10_000_000)
    after = tools.domctl("getdomaininfo", domain)[1].u.getdomaininfo.cpu_time
    assert 50_000_000 < after - before < 200_000_000


def test_who_is_pinned_to_a_cpu_that_leaves(pools: Pools) -> None:
    """Runs elsewhere, and there again when it is back."""
    tools, machine = pools.tools, pools.machine
    pool = pools.make("CREDIT2", 2, 3)
    domain = tools.create(cpupool_id=pool)
    affinity = {"vcpu": 0, "flags": 1, "cpumap_hard": machine.bitmap(0b1000)}
    assert tools.domctl("setvcpuaffinity", domain, vcpuaffinity=affinity)[0] == 0
    for change, cpu in (("RMCPU", 2), ("ADDCPU", 3)):
        assert pools.rc(change, pool, cpu=3) == 0
        machine.lib.host_advance(1_000_000)
        assert machine.lib.host_running(cpu) >> 16 == domain
