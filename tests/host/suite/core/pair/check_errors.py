# SPDX-License-Identifier: Apache-2.0
"""Calls with one thing wrong: what they answer, and that they did nothing."""

from __future__ import annotations

from typing import Any

import pytest

EPERM, ESRCH, EFAULT, EBUSY, EEXIST, EINVAL, ENOSYS, ENODATA = 1, 3, 14, 16, 17, 22, 38, 61
EOPNOTSUPP = 95
OKAY, GENERAL, BAD_DOMAIN, BAD_ADDRESS, DENIED = 0, -1, -2, -5, -8
"""GNTST_."""
SELF = 0x7FF0


def table_call(guest: Any, command: str, kind: str, nr: int = 1, **fields: Any) -> tuple[int, Any]:
    """A grant operation on `nr` structures: result, and the first as it came back."""
    value = guest.new(kind, **fields)
    return guest.op("grant_table_op", getattr(guest.k, f"GNTTABOP_{command}"), value, nr), value


@pytest.mark.parametrize("command", ["setup_table", "query_size", "get_status_frames"])
def test_tables_are_one_at_a_time(pair: Any, command: str) -> None:
    kind = f"gnttab_{command}"
    for nr in (0, 2, 100):
        assert table_call(pair.dom1, command, kind, nr, dom=SELF)[0] == -EINVAL
    for domain, status in ((SELF, OKAY), (0, DENIED), (77, BAD_DOMAIN)):
        rc, value = table_call(pair.dom1, command, kind, dom=domain)
        assert (rc, value.status) == (0, status)
    rc, value = table_call(pair.dom0, command, kind, dom=pair.dom1.id)
    assert (rc, value.status) == (0, OKAY)


def test_setting_up_a_table(pair: Any) -> None:
    """More frames than there may be; a list that cannot be written; where frames are."""
    dom1 = pair.dom1
    lists = dom1.page()
    setup = ("setup_table", "gnttab_setup_table")
    assert table_call(dom1, *setup, dom=SELF, nr_frames=5, frame_list=lists)[1].status == GENERAL
    bad = table_call(dom1, *setup, dom=SELF, nr_frames=1, frame_list=2**63)
    assert bad[1].status == BAD_ADDRESS
    assert dom1.physmap(dom1.k.XENMAPSPACE_grant_table, 1, dom1.page()) == 0
    pair.machine.lib.host_preempt(1)
    assert table_call(dom1, *setup, dom=SELF, nr_frames=4, frame_list=lists)[1].status == OKAY
    pair.machine.lib.host_preempt(0)
    frames = [dom1.word(lists + 8 * i, 8) for i in range(4)]
    assert frames[1] == (dom1.next_page >> 12) - 1
    assert frames[0] == frames[2] == frames[3] == 2**64 - 1


@pytest.mark.parametrize(("version", "wanted"), [(1, 0), (2, -ENOSYS), (0, -EINVAL), (3, -EINVAL)])
def test_grant_versions(pair: Any, version: int, wanted: int) -> None:
    rc, value = table_call(pair.dom1, "set_version", "gnttab_set_version", version=version)
    assert (rc, value.version) == (wanted, 1)
    rc, value = table_call(pair.dom1, "get_version", "gnttab_get_version", dom=SELF)
    assert (rc, value.version) == (0, 1)
    assert table_call(pair.dom1, "get_version", "gnttab_get_version", dom=0)[0] == -EPERM


def test_grant_calls_that_are_not_there(pair: Any) -> None:
    dom1 = pair.dom1
    assert dom1.call("grant_table_op", dom1.k.GNTTABOP_transfer, dom1.scratch, 1) == -EOPNOTSUPP
    for command in (0, dom1.k.GNTTABOP_copy, 13, 99):
        assert dom1.call("grant_table_op", command | 1 << 20, dom1.scratch, 1) == -EINVAL
        assert dom1.call("grant_table_op", command, dom1.scratch, 2**31) == -EINVAL
    assert dom1.call("grant_table_op", 13, dom1.scratch, 1) == -ENOSYS
    assert dom1.call("grant_table_op", dom1.k.GNTTABOP_copy, 2**63, 1) == -EFAULT
    assert dom1.call("grant_table_op", dom1.k.GNTTABOP_copy, 2**63, 0) == 0


def test_exchanging_entries(pair: Any, granter: Any) -> None:
    """swap_grant_ref: both unused, both there."""
    granter.entry(1, 1)
    granter.entry(2, 1)
    before = [granter.guest.read(granter.table + 8 * i, 8) for i in (1, 2)]
    swap = ("swap_grant_ref", "gnttab_swap_grant_ref")
    assert table_call(pair.dom1, *swap, ref_a=1, ref_b=2)[1].status == OKAY
    assert [granter.guest.read(granter.table + 8 * i, 8) for i in (2, 1)] == before
    assert table_call(pair.dom1, *swap, ref_a=1, ref_b=1)[1].status == OKAY
    for a, b in ((1, 10**6), (10**6, 1)):
        assert table_call(pair.dom1, *swap, ref_a=a, ref_b=b)[1].status == -3, "bad reference"
    fields = {"host_addr": 0x80000000, "flags": 2, "ref": 1, "dom": 1}
    assert pair.dom0.grant("map_grant_ref", **fields).status == OKAY
    for a, b in ((1, 2), (2, 1)):
        assert table_call(pair.dom1, *swap, ref_a=a, ref_b=b)[1].status != OKAY, "in use"


def parameter(guest: Any, what: str, index: int, domain: int, value: int = 5) -> tuple[int, int]:
    """hvm_op: result and value."""
    param = guest.new("xen_hvm_param", domid=domain, index=index, value=value)
    command = getattr(guest.k, f"HVMOP_{what}_param")
    return guest.op("hvm_op", command, param), param.value


def test_parameters(pair: Any) -> None:
    """The tools set them, the domain reads them; both learn first which ones there are."""
    dom0, dom1, k = pair.dom0, pair.dom1, pair.dom0.k
    store = k.HVM_PARAM_STORE_PFN
    assert parameter(dom0, "set", store, dom1.id, 77) == (0, 77)
    assert parameter(dom1, "get", store, SELF) == (0, 77)
    assert parameter(dom0, "get", store, dom1.id) == (0, 77)
    assert parameter(dom1, "set", store, SELF)[0] == -EPERM
    assert parameter(dom0, "set", store, SELF)[0] == -EPERM
    assert parameter(dom1, "get", store, 0)[0] == -EPERM
    for index in (0, 11, 50, 63, 64, 2**31, 2**32 - 1):
        rc, _ = parameter(dom0, "set", index, dom1.id)
        if rc != 0:
            assert rc == -EINVAL
            assert parameter(dom1, "get", index, SELF)[0] in (-EINVAL, -EPERM)
    assert parameter(dom0, "set", 2**32 - 1, dom1.id)[0] == -EINVAL


@pytest.mark.parametrize(
    ("command", "kind", "wanted"), [(0, 4, 0), (1, 4, 0), (2, 4, -ENOSYS), (0, 3, -EINVAL)]
)
def test_assistance(pair: Any, command: int, kind: int, wanted: int) -> None:
    """vm_assist: runstates say that they are being updated, nothing else."""
    kind = pair.dom1.k.VMASST_TYPE_runstate_update_flag if kind == 4 else kind
    assert pair.dom1.call("vm_assist", command, kind) == wanted


@pytest.mark.parametrize(
    ("name", "fields", "wanted"),
    [
        ("max_vcpus", {"max_vcpus": {"max": 2}}, -EINVAL),
        ("max_vcpus", {"max_vcpus": {"max": 1}}, 0),
        ("setvcpucontext", {"vcpucontext": {"vcpu": 1}}, -EINVAL),
        ("setvcpucontext", {"vcpucontext": {"vcpu": 0, "ctxt": 2**63}}, -EFAULT),
        ("getvcpucontext", {"vcpucontext": {"vcpu": 1}}, -EINVAL),
        ("getvcpucontext", {"vcpucontext": {"vcpu": 0, "ctxt": 2**63}}, -EFAULT),
        ("getvcpuinfo", {"getvcpuinfo": {"vcpu": 1}}, -EINVAL),
        ("getvcpuinfo", {"getvcpuinfo": {"vcpu": 2**32 - 1}}, -EINVAL),
        ("setvcpuaffinity", {"vcpuaffinity": {"vcpu": 0}}, -EINVAL),
        ("setvcpuaffinity", {"vcpuaffinity": {"vcpu": 0, "flags": 1}}, -EINVAL),
        ("setvcpuaffinity", {"vcpuaffinity": {"vcpu": 0, "flags": 2}}, -EINVAL),
        ("setvcpuaffinity", {"vcpuaffinity": {"vcpu": 9, "flags": 1}}, -EINVAL),
        ("getvcpuaffinity", {"vcpuaffinity": {"vcpu": 0}}, -EINVAL),
        ("getvcpuaffinity", {"vcpuaffinity": {"vcpu": 9, "flags": 1}}, -EINVAL),
    ],
)
def test_vcpus_of_others(pair: Any, name: str, fields: dict[str, Any], wanted: int) -> None:
    assert pair.tools.domctl(name, pair.dom1.id, **fields)[0] == wanted


def test_a_vcpu_that_was_not_set_up(pair: Any) -> None:
    """Made, but without registers; taken back by a context of nothing."""
    tools = pair.tools
    tools.good("setvcpucontext", pair.dom1.id, vcpucontext={"vcpu": 0, "ctxt": 0})
    rc, _ = tools.domctl("getvcpucontext", pair.dom1.id, vcpucontext={"vcpu": 0})
    assert rc == -ENODATA
    _, info = tools.domctl("getvcpuinfo", pair.dom1.id, getvcpuinfo={"vcpu": 0})
    assert info.u.getvcpuinfo.online == 0
    k = pair.dom0.k
    config = {"flags": k.XEN_DOMCTL_CDF_hvm | k.XEN_DOMCTL_CDF_hap, "max_vcpus": 2}
    config |= {"max_evtchn_port": 9, "max_grant_frames": 1, "grant_opts": 1}
    rc, made = tools.domctl("createdomain", createdomain=config)
    assert rc == 0
    for name in ("getvcpuinfo", "getvcpuaffinity"):
        fields = {"getvcpuinfo": {"vcpu": 0}, "vcpuaffinity": {"vcpu": 0, "flags": 1}}
        field = "getvcpuinfo" if name == "getvcpuinfo" else "vcpuaffinity"
        assert tools.domctl(name, made.domain, **{field: fields[field]})[0] == -ESRCH
    pair.machine.lib.host_preempt(1)
    tools.good("max_vcpus", made.domain, max_vcpus={"max": 2})
    pair.machine.lib.host_preempt(0)
    assert tools.domctl("getvcpuinfo", made.domain, getvcpuinfo={"vcpu": 1})[0] == 0
    tools.destroy(made.domain)


@pytest.mark.parametrize("reason", [2, 4, 5, 9, 255])
def test_ends_of_the_machine(new_machine: Any, reason: int) -> None:
    """dom0's crash, watchdog, soft reset and reasons that nobody knows: a reset that is said."""
    machine = new_machine()
    assert machine.boot(xen="dom0_mem=64M loglvl=all") == 0
    at = machine.write(reason.to_bytes(4, "little"))
    machine.core.log()
    machine.lib.host_clock_step(54000000)
    state, _ = machine.try_call("sched_op", machine.k.SCHEDOP_shutdown, at)
    text = "\n".join(machine.core.log())
    assert state == 3, text
    assert "Hardware" in text


@pytest.mark.parametrize("fields", [{"max_bitwidth": 31}, {"max_bitwidth": 5}, {"node": 1}, {}])
def test_free_memory_below(pair: Any, fields: dict[str, int]) -> None:
    rc, got = pair.machine.sysctl("availheap", availheap=fields)
    there = got.availheap.avail_bytes
    assert rc == 0
    assert (there == pair.free() * 4096) if fields in ({}, {"max_bitwidth": 31}) else there == 0


def test_nodes_and_cpus_without_room(pair: Any) -> None:
    """How many there are, where nobody asks for more; and what fits."""
    machine = pair.machine
    rc, got = machine.sysctl("numainfo")
    assert (rc, got.numainfo.num_nodes) == (0, 1)
    rc, got = machine.sysctl("numainfo", numainfo={"meminfo": machine.scratch, "num_nodes": 0})
    assert (rc, got.numainfo.num_nodes) == (0, 0)
    rc, got = machine.sysctl("cputopoinfo")
    assert (rc, got.cputopoinfo.num_cpus) == (0, 2)
    room = {"cputopo": machine.scratch + 65536, "num_cpus": 1}
    rc, got = machine.sysctl("cputopoinfo", cputopoinfo=room)
    assert (rc, got.cputopoinfo.num_cpus) == (0, 1)
