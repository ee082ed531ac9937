# SPDX-License-Identifier: Apache-2.0
"""What a domain does with its own vCPUs: registered areas, timers, blocking, polling, watchdogs."""

from __future__ import annotations

from typing import Any

import pytest

ENOENT, EFAULT, EBUSY, EINVAL, ENXIO, ENOSPC = 2, 14, 16, 22, 6, 28
ERESTART = 85
GUEST, IDLE, OFF = 0, 1, 4
AREA = 65536
"""Where areas go, relative to the scratch memory of dom0."""


def vcpu_op(machine: Any, name: str, kind: str, vcpu: int = 0, **fields: Any) -> int:
    """A vcpu_op on a structure."""
    value = machine.ffi.new(f"struct {kind} *", fields)
    at = machine.write(bytes(machine.ffi.buffer(value)))
    return int(machine.call("vcpu_op", getattr(machine.k, f"VCPUOP_{name}"), vcpu, at))


def runstate(machine: Any, at: int) -> Any:
    """A run state in dom0's memory."""
    value = machine.ffi.new("struct vcpu_runstate_info *")
    raw = machine.ffi.buffer(value)
    raw[:] = machine.read(at, len(raw))
    return value


@pytest.mark.parametrize("offset", [0, 8, 4096 - 8, 4096 - 20, 4096 - 1])
def test_runstate_area(machine: Any, offset: int) -> None:
    """Every change is published, also across a page boundary, and times add up."""
    k, at = machine.k, machine.scratch + AREA + offset
    machine.write(b"\xff" * 64, at=at)
    assert machine.call("vm_assist", k.VMASST_CMD_enable, k.VMASST_TYPE_runstate_update_flag) == 0
    kind = "vcpu_register_runstate_memory_area"
    assert vcpu_op(machine, "register_runstate_memory_area", kind, addr={"h": at}) == 0
    first = runstate(machine, at)
    assert first.state == k.RUNSTATE_running
    machine.lib.host_advance(5_000_000)
    assert machine.try_call("sched_op", k.SCHEDOP_block)[0] == IDLE
    blocked = runstate(machine, at)
    assert blocked.state == k.RUNSTATE_blocked
    assert blocked.time[k.RUNSTATE_running] >= first.time[k.RUNSTATE_running] + 5_000_000
    machine.lib.host_advance(7_000_000)
    machine.lib.host_raise(40)
    machine.lib.host_advance(1000)
    running = runstate(machine, at)
    assert running.state == k.RUNSTATE_running
    assert running.state_entry_time >> 63 == 0
    assert running.time[k.RUNSTATE_blocked] >= 7_000_000
    assert machine.read(at + machine.ffi.sizeof(running[0]), 8) == b"\xff" * 8


def test_runstate_area_errors(machine: Any) -> None:
    kind = "vcpu_register_runstate_memory_area"
    register = "register_runstate_memory_area"
    assert vcpu_op(machine, register, kind, addr={"h": 0x10}) == -EFAULT
    assert vcpu_op(machine, register, kind, addr={"h": 2**64 - 8}) == -EFAULT
    assert vcpu_op(machine, register, kind, vcpu=1, addr={"h": machine.scratch}) == -ENOENT
    assert machine.call("vcpu_op", 99, 0, machine.scratch) == -EINVAL
    assert vcpu_op(machine, register, kind, vcpu=2**32 - 1, addr={"h": 0}) == -ENOENT


def test_vcpu_info(machine: Any) -> None:
    kind, register = "vcpu_register_vcpu_info", "register_vcpu_info"
    frame = machine.scratch + AREA >> 12
    for mfn, offset, wanted in (
        (frame, 4096 - 8, -ENXIO),
        (frame, 3, -ENXIO),
        (frame, 4096, -EINVAL),
        (2**52, 0, -EINVAL),
        (0x10, 0, -EINVAL),
    ):
        assert vcpu_op(machine, register, kind, mfn=mfn, offset=offset) == wanted
    upcalls = machine.lib.host_upcalls(0, 0)
    assert vcpu_op(machine, register, kind, mfn=frame, offset=64) == 0
    assert machine.read((frame << 12) + 64, 1) == b"\1"
    assert machine.lib.host_upcalls(0, 0) > upcalls
    assert vcpu_op(machine, register, kind, mfn=frame, offset=128) == -EBUSY


def test_block_returns_when_something_is_pending(machine: Any) -> None:
    frame = machine.scratch + AREA >> 12
    assert vcpu_op(machine, "register_vcpu_info", "vcpu_register_vcpu_info", mfn=frame) == 0
    assert machine.try_call("sched_op", machine.k.SCHEDOP_block) == (GUEST, 0)


def poll(machine: Any, ports: list[int], timeout: int = 0) -> tuple[int, int]:
    """SCHEDOP_poll: state of the CPU after it, and the result."""
    at = machine.write(b"".join(p.to_bytes(4, "little") for p in ports), at=machine.scratch + 1024)
    fields = {"ports": at, "nr_ports": len(ports), "timeout": timeout}
    value = machine.ffi.new("struct sched_poll *", fields)
    where = machine.write(bytes(machine.ffi.buffer(value)))
    state, result = machine.try_call("sched_op", machine.k.SCHEDOP_poll, where)
    return int(state), int(result)


def open_pair(machine: Any) -> tuple[int, int]:
    """Two ports of dom0, connected, masked, none pending."""
    k = machine.k
    _, one = machine.op(
        "event_channel_op", k.EVTCHNOP_alloc_unbound, "evtchn_alloc_unbound",
        dom=k.DOMID_SELF, remote_dom=k.DOMID_SELF,
    )  # fmt: skip
    rc, other = machine.op(
        "event_channel_op", k.EVTCHNOP_bind_interdomain, "evtchn_bind_interdomain",
        remote_dom=k.DOMID_SELF, remote_port=one.port,
    )  # fmt: skip
    assert rc == 0
    return int(one.port), int(other.local_port)


def test_poll_times_out(machine: Any) -> None:
    assert poll(machine, [], machine.lib.time_now() + 10_000_000) == (IDLE, 0)
    machine.lib.host_advance(5_000_000)
    assert machine.lib.host_running(0) == -1
    machine.lib.host_advance(6_000_000)
    assert machine.lib.host_running(0) == 0


def test_poll_of_ports(machine: Any) -> None:
    assert poll(machine, [4000]) == (GUEST, -EINVAL)
    assert poll(machine, [1] * 129) == (GUEST, -EINVAL)
    first, second = open_pair(machine)
    # bind_interdomain leaves both ends pending.
    assert poll(machine, [first, second]) == (GUEST, 0)


@pytest.mark.parametrize("id_", [1, 2])
def test_watchdog_ends_the_machine(machine: Any, id_: int) -> None:
    k = machine.k

    def watchdog(number: int, timeout: int) -> int:
        rc, _ = machine.op(
            "sched_op", k.SCHEDOP_watchdog, "sched_watchdog", id=number, timeout=timeout
        )
        return int(rc)

    assert [watchdog(0, 10), watchdog(0, 10), watchdog(0, 10)] == [1, 2, -ENOSPC]
    assert watchdog(3, 1) == -EINVAL
    assert watchdog(3 - id_, 0) == 0
    assert watchdog(3 - id_, 0) == -EINVAL
    machine.lib.host_advance(9_000_000_000)
    assert watchdog(id_, 10) == 0
    machine.lib.host_advance(9_000_000_000)
    assert machine.lib.host_running(0) == 0
    machine.lib.host_advance(2_000_000_000)
    assert "watchdog rebooting" in "\n".join(machine.core.log())


def test_timers_cost_the_cpu_that_arms_them(tools_on: Any) -> None:
    """Whatever a vCPU arms, nothing is left to do for a CPU that another one has to itself."""
    tools = tools_on(3)
    machine, k = tools.machine, tools.k
    domain = tools.create(2)
    machine.lib.host_advance(1_000_000)
    cpu = {machine.lib.host_running(i): i for i in range(3)}
    zero, one = cpu[domain << 16], cpu[domain << 16 | 1]

    def armed() -> list[int]:
        return [machine.lib.host_timers(i) for i in range(3)]

    def call(by: int, name: str, command: int, kind: str, **fields: Any) -> int:
        at = 0x40000000
        value = machine.ffi.new(f"struct {kind} *", fields)
        machine.write(bytes(machine.ffi.buffer(value)), domain=domain, at=at)
        args, result = machine.ffi.new("uint64_t[5]", [command, at]), machine.ffi.new("int64_t *")
        number = getattr(k, f"__HYPERVISOR_{name}")
        assert machine.lib.host_hypercall(by, number, args, result) in (GUEST, IDLE)
        return int(result[0])

    def watchdog(by: int, id_: int, timeout: int) -> int:
        fields = {"id": id_, "timeout": timeout}
        return call(by, "sched_op", k.SCHEDOP_watchdog, "sched_watchdog", **fields)

    before = armed()
    assert watchdog(zero, 0, 100) == 1
    assert [now - then for now, then in zip(armed(), before, strict=True)][zero] == 1
    assert watchdog(one, 1, 100) == 0
    assert [now - then for now, then in zip(armed(), before, strict=True)][one] == 1
    assert sum(armed()) == sum(before) + 1
    assert watchdog(one, 1, 0) == 0
    later = machine.lib.time_now() + 10**12
    assert call(one, "sched_op", k.SCHEDOP_poll, "sched_poll", timeout=later) == 0
    assert [now - then for now, then in zip(armed(), before, strict=True)][one] == 1


def test_last_vcpu_down_is_power_off(machine: Any) -> None:
    assert machine.lib.host_vcpu_off(0) == OFF


def test_not_for_guests_on_arm(tools_on: Any) -> None:
    """A vCPU that others can turn off may be one that others wait for; timers come from the CPU."""
    tools = tools_on(3)
    k, machine = tools.k, tools.machine
    domain = tools.create(2)
    offered = {k.VCPUOP_register_runstate_memory_area, k.VCPUOP_register_vcpu_info}
    for op in set(range(20)) - offered:
        for vcpu in range(2):
            assert machine.call("vcpu_op", op, vcpu, machine.scratch, domain=domain) == -EINVAL
            rc, got = tools.domctl("getvcpuinfo", domain, getvcpuinfo={"vcpu": vcpu})
            assert (rc, got.u.getvcpuinfo.online) == (0, 1)


def test_start_waits_for_nobody(tools_on: Any) -> None:
    """Who starts a vCPU that has not left its CPU yet makes the call again."""
    tools = tools_on(3)
    machine = tools.machine
    domain = tools.create(2)
    machine.lib.host_advance(1_000_000)
    cpu = {machine.lib.host_running(i): i for i in range(3)}
    zero, one = cpu[domain << 16], cpu[domain << 16 | 1]
    rc, arg = machine.ffi.new("int *"), machine.ffi.new("uint64_t *")

    def start(pc: int) -> int:
        assert machine.lib.host_vcpu_on(zero, 1, pc, 77, rc) == GUEST
        return int(rc[0])

    assert start(0x1000) == -EBUSY
    assert machine.lib.host_vcpu_off(one) == GUEST
    assert start(0x2000) == start(0x3000) == -ERESTART
    assert machine.lib.host_entry(domain, 1, arg) == 0x40000000
    assert machine.lib.host_gate(one) == IDLE
    assert start(0x4000) == 0
    assert (machine.lib.host_entry(domain, 1, arg), arg[0]) == (0x4000, 77)
    assert start(0x5000) == -EBUSY
    machine.lib.host_advance(1_000_000)
    assert domain << 16 | 1 in [machine.lib.host_running(i) for i in range(3)]


def test_parameters(tools_on: Any) -> None:
    """Who may read and set hvm_op parameters."""
    tools = tools_on(2)
    machine, k = tools.machine, tools.k
    domain = tools.create()

    def param(op: int, index: int, who: int, value: int = 0) -> tuple[int, int]:
        fields = {"domid": who, "index": index, "value": value}
        rc, got = machine.op("hvm_op", op, "xen_hvm_param", **fields)
        return int(rc), int(got.value)

    get, put = k.HVMOP_get_param, k.HVMOP_set_param
    store, ring = 1, 28
    assert param(put, store, domain, 0x39000) == (0, 0x39000)
    assert param(get, store, domain) == (0, 0x39000)
    assert param(put, store, k.DOMID_SELF)[0] == -1
    assert param(get, store, k.DOMID_SELF)[0] == 0
    assert param(get, ring, k.DOMID_SELF)[0] == -1
    assert param(put, ring, domain, 5)[0] == 0
    for index in (3, 10, 38, 39, 63, 64, 2**31, 2**32 - 1):
        assert param(get, index, domain)[0] == -EINVAL
    assert param(get, store, 77)[0] == -3
    assert machine.call("hvm_op", 5, machine.scratch) == -38
