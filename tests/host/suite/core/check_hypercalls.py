# SPDX-License-Identifier: Apache-2.0
"""Hypercalls of dom0 on the third port: results, error numbers, structures."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

EPERM, ENOENT, ESRCH, EFAULT, EBUSY, EINVAL, ENOSYS = 1, 2, 3, 14, 16, 22, 38
GUEST, RUNAWAY = 0, 6
NOWHERE = 0x10  # no memory of dom0 there


def test_version(machine: Any) -> None:
    assert machine.call("xen_version", machine.k.XENVER_version) == 4 << 16 | 20
    at = machine.write(b"\xff" * 16)
    assert machine.call("xen_version", machine.k.XENVER_extraversion, at) == 0
    assert machine.read(at, 16).startswith(b".4")
    assert machine.call("xen_version", machine.k.XENVER_extraversion, NOWHERE) == -EFAULT
    assert machine.call("xen_version", 1000) == -ENOSYS
    assert machine.call("xen_version", machine.k.XENVER_build_id, 0) == 20


def test_unknown_numbers(machine: Any) -> None:
    values = machine.ffi.new("uint64_t[5]")
    result = machine.ffi.new("int64_t *")
    for number in (0, 1, 11, 38, 40, 63, 64, 1000, 2**31, 2**63, 2**64 - 1):
        assert machine.lib.host_hypercall(0, number, values, result) == 0
        assert result[0] == -ENOSYS


@pytest.mark.parametrize(
    "name",
    "platform_op memory_op multicall event_channel_op grant_table_op sched_op vcpu_op hvm_op "
    "physdev_op sysctl domctl console_io vm_assist xsm_op".split(),
)
def test_every_command_with_nonsense(machine: Any, name: str) -> None:
    """Commands without structure behind them answer an error and change nothing that matters."""
    k = machine.k
    stops = {
        ("sched_op", k.SCHEDOP_shutdown),
        ("sched_op", k.SCHEDOP_block),
        ("sched_op", k.SCHEDOP_poll),
        ("sched_op", k.SCHEDOP_remote_shutdown),
        ("sched_op", k.SCHEDOP_watchdog),
    }
    machine.lib.host_preempt(500)  # some ask for more than any guest would wait for
    machine.lib.host_repeats(5)
    commands = [*range(64), 2**31 - 1, 2**32 - 1, 2**63]
    for command in (c for c in commands if (name, c & 0xFFFFFFFF) not in stops):
        for at in (0, NOWHERE, machine.scratch + 1, 2**64 - 8):
            state, _ = machine.try_call(name, command, at, at, at, at)
            assert state in (GUEST, RUNAWAY), (command, at, machine.core.log()[-5:])
    machine.lib.host_preempt(0)
    assert machine.call("xen_version", machine.k.XENVER_version) == 4 << 16 | 20
    assert "Panic" not in "\n".join(machine.core.log())


def test_multicall(machine: Any) -> None:
    k = machine.k
    calls = machine.ffi.new("struct multicall_entry[3]")
    calls[0].op = getattr(k, "__HYPERVISOR_xen_version")
    calls[1].op = 63
    calls[2].op = getattr(k, "__HYPERVISOR_sched_op")
    at = machine.write(bytes(machine.ffi.buffer(calls)))
    assert machine.call("multicall", at, 3) == 0
    machine.ffi.buffer(calls)[:] = machine.read(at, machine.ffi.sizeof(calls))
    results = [int(machine.ffi.cast("int64_t", entry.result)) for entry in calls]
    assert results == [4 << 16 | 20, -ENOSYS, 0]


def test_event_channels(machine: Any) -> None:
    k = machine.k
    rc, unbound = machine.op(
        "event_channel_op", k.EVTCHNOP_alloc_unbound, "evtchn_alloc_unbound",
        dom=k.DOMID_SELF, remote_dom=k.DOMID_SELF,
    )  # fmt: skip
    assert rc == 0
    rc, bound = machine.op(
        "event_channel_op", k.EVTCHNOP_bind_interdomain, "evtchn_bind_interdomain",
        remote_dom=k.DOMID_SELF, remote_port=unbound.port,
    )  # fmt: skip
    assert rc == 0
    upcalls = machine.lib.host_upcalls(0, 0)
    rc, _ = machine.op("event_channel_op", k.EVTCHNOP_send, "evtchn_send", port=bound.local_port)
    assert rc == 0
    assert machine.lib.host_upcalls(0, 0) >= upcalls
    rc, status = machine.op(
        "event_channel_op", k.EVTCHNOP_status, "evtchn_status", dom=k.DOMID_SELF, port=unbound.port
    )
    assert (rc, status.status) == (0, k.EVTCHNSTAT_interdomain)
    for port, wanted in ((bound.local_port, 0), (bound.local_port, -EINVAL), (4000, -EINVAL)):
        rc, _ = machine.op("event_channel_op", k.EVTCHNOP_close, "evtchn_close", port=port)
        assert rc == wanted


def test_device_interrupt(machine: Any) -> None:
    machine.lib.host_raise(40)
    machine.lib.host_advance(1000)
    assert machine.lib.host_virq_pending(0, 40)
    machine.lib.host_complete(0, 40)
    assert not machine.lib.host_virq_pending(0, 40)
    machine.lib.host_raise(41)  # nobody's
    machine.lib.host_advance(1000)
    assert "no owner" in "\n".join(machine.core.log()) or not machine.lib.host_virq_pending(0, 41)


def test_block_until_event(machine: Any) -> None:
    state, result = machine.try_call("sched_op", machine.k.SCHEDOP_block)
    assert (state, result) == (1, 0)
    assert machine.lib.host_running(0) == -1
    machine.lib.host_raise(40)
    machine.lib.host_advance(1000)
    assert machine.lib.host_running(0) == 0


@pytest.mark.parametrize(("reason", "state"), [(0, 4), (1, 3), (3, 2)])
def test_shutdown_is_the_machines(machine: Any, reason: int, state: int) -> None:
    at = machine.write(reason.to_bytes(4, "little"))
    assert machine.try_call("sched_op", machine.k.SCHEDOP_shutdown, at)[0] == state


def test_ballooning_restarts(machine: Any) -> None:
    """A long decrease and increase of the reservation survives being interrupted often."""
    k, pages = machine.k, 4096
    at = machine.scratch + 8192
    first = (machine.scratch + 8 * (1 << 20)) >> 12
    frames = b"".join((first + i).to_bytes(8, "little") for i in range(pages))
    machine.write(frames, at=at)
    machine.lib.host_preempt(3)
    fields = {"extent_start": at, "nr_extents": pages, "domid": k.DOMID_SELF}
    for name in ("XENMEM_decrease_reservation", "XENMEM_populate_physmap"):
        rc, _ = machine.op("memory_op", getattr(k, name), "xen_memory_reservation", **fields)
        assert rc == pages
    machine.write(b"still here", at=first << 12)
    assert machine.read(first << 12, 10) == b"still here"


@given(ns=st.integers(1, 2**62) | st.integers(1, 2**40))
def test_ticks_are_never_early(boot_clock: Any, ns: int) -> None:
    lib = boot_clock
    ticks = lib.time_to_ticks(ns)
    assert lib.time_from_ticks(ticks) >= ns
    assert lib.time_from_ticks(max(ticks - 2, 0)) < ns


@pytest.fixture(scope="module")
def boot_clock(core: Any) -> Any:
    """The library with its clock set up."""
    core.lib.host_machine(64 << 20)
    core.lib.time_init()
    return core.lib
