# SPDX-License-Identifier: Apache-2.0
"""Each allocation fails once, whatever goes on: who asked is told, nothing is left behind."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

ENOMEM = 12
ANY_CPU = 0xFFFFFFFF


def memory(tools: Any) -> tuple[int, int]:
    """Free pages of the machine, bytes of the hypervisor's objects."""
    tools.machine.lib.host_advance(1_000_000)
    return tools.machine.lib.page_free_count(), tools.machine.lib.heap_used()


def each_failure(lib: Any) -> Iterator[int]:
    """1, 2, ... while there is an allocation of that number to fail in the loop's body."""
    for number in itertools.count(1):
        assert lib.alloc_fault_set(number, ANY_CPU) == 0
        yield number
        if lib.alloc_fault_set(0, ANY_CPU) != 0:
            assert number > 1, "nothing was allocated"
            return


def begin(tools: Any) -> list[tuple[str, int]]:
    """What a domain builder does until a domain has memory, and what each step answered."""
    k, machine = tools.k, tools.machine
    config = {
        "flags": k.XEN_DOMCTL_CDF_hvm | k.XEN_DOMCTL_CDF_hap,
        "max_vcpus": 3,
        "max_evtchn_port": 1023,
        "max_grant_frames": 4,
        "max_maptrack_frames": 4,
        "grant_opts": 1,
    }
    rc, made = tools.domctl("createdomain", createdomain=config)
    steps = [("createdomain", rc)]
    if rc != 0:
        return steps
    domain = made.domain
    for name, fields in (
        ("max_vcpus", {"max_vcpus": {"max": 3}}),
        ("max_mem", {"max_mem": {"max_memkb": 8192}}),
        ("set_paging_mempool_size", {"paging_mempool": {"size": 1 << 20}}),
    ):
        steps.append((name, tools.domctl(name, domain, **fields)[0]))
        if steps[-1][1] != 0:
            break
    else:
        frames = b"".join((0x40000 + 600 * i).to_bytes(8, "little") for i in range(4))
        machine.write(frames, at=machine.scratch + 8192)
        wanted = {"extent_start": machine.scratch + 8192, "nr_extents": 4, "domid": domain}
        command = k.XENMEM_populate_physmap
        rc, _ = machine.op("memory_op", command, "xen_memory_reservation", **wanted)
        steps.append(("populate_physmap", rc - 4))
        steps.append(("chunk", tools.populate_chunks(domain, 1) - 1))
    tools.destroy(domain)
    return steps


def test_making_a_domain(tools: Any) -> None:
    """Creation, vCPUs and memory: -ENOMEM or fewer pages, once, and all comes back."""
    assert all(rc == 0 for _, rc in begin(tools))
    before = memory(tools)
    failed = set()
    for number in each_failure(tools.machine.lib):
        wrong = [step for step in begin(tools) if step[1] != 0]
        assert len(wrong) <= 1, (number, wrong)
        for name, rc in wrong:
            assert rc == -ENOMEM or name in ("populate_physmap", "chunk"), (number, name, rc)
            failed.add(name)
        assert memory(tools) == before, (number, wrong)
    assert failed == {"createdomain", "max_vcpus", "populate_physmap", "chunk"}
