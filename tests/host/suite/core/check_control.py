# SPDX-License-Identifier: Apache-2.0
"""What privileged domains may ask for: sysctl and domctl, permissions, bitmaps, lists."""

from __future__ import annotations

from typing import Any

EPERM, ENOENT, ESRCH, EACCES, EFAULT, EBUSY, ENODEV, EINVAL, ENOSYS, EOPNOTSUPP = (
    1, 2, 3, 13, 14, 16, 19, 22, 38, 95
)  # fmt: skip
BUFFER = 65536
"""Where lists go, relative to the scratch memory of dom0."""


def test_versions_and_permissions(tools_on: Any) -> None:
    tools = tools_on(2)
    machine = tools.machine
    assert machine.sysctl("physinfo", version=0x14)[0] == -EACCES
    assert machine.call("sysctl", 0x10) == -EFAULT
    domain = tools.create()
    machine.lib.host_advance(1_000_000)
    assert machine.lib.host_running(1) == domain << 16
    for name, version in (("domctl", 0x17), ("sysctl", 0x15), ("platform_op", 0x3000001)):
        head = (5).to_bytes(4, "little") + version.to_bytes(4, "little")
        if name == "platform_op":
            head = (62).to_bytes(4, "little") + version.to_bytes(4, "little")
        machine.write(head + bytes(512), domain, 0x40000000)
        assert machine.call(name, 0x40000000, domain=domain) == -EPERM


def test_unknown_operations(tools: Any) -> None:
    assert tools.machine.sysctl("get_pmstat")[0] == -ENOSYS
    assert tools.machine.sysctl("livepatch_op")[0] == -ENOSYS
    assert tools.domctl("gethvmcontext")[0] == -ENOSYS
    assert tools.domctl("gethvmcontext", 77)[0] == -ESRCH
    assert tools.domctl("getdomaininfo", 0x7FF0)[0] == -ESRCH
    assert tools.domctl("assign_device")[0] == -EOPNOTSUPP
    assert tools.domctl("set_llc_colors")[0] == -EOPNOTSUPP


def test_host_facts(tools_on: Any) -> None:
    machine = tools_on(4).machine
    rc, got = machine.sysctl("physinfo")
    assert (rc, got.physinfo.nr_cpus, got.physinfo.max_cpu_id) == (0, 4, 3)
    assert got.physinfo.free_pages <= got.physinfo.total_pages == machine.ram >> 12
    rc, got = machine.sysctl("cputopoinfo")
    assert (rc, got.cputopoinfo.num_cpus) == (0, 4)
    room = {"num_cpus": 3, "cputopo": machine.scratch + BUFFER}
    rc, got = machine.sysctl("cputopoinfo", cputopoinfo=room)
    assert (rc, got.cputopoinfo.num_cpus) == (0, 3)
    assert machine.read(machine.scratch + BUFFER + 24, 4) == (2).to_bytes(4, "little")
    rc, got = machine.sysctl("numainfo")
    assert (rc, got.numainfo.num_nodes) == (0, 1)
    room = {"max_cpus": 9, "info": machine.scratch + BUFFER}
    machine.lib.host_advance(1_000_000_000)
    rc, got = machine.sysctl("getcpuinfo", getcpuinfo=room)
    assert (rc, got.getcpuinfo.nr_cpus) == (0, 4)
    idle = [machine.bits(BUFFER + 8 * cpu) for cpu in range(4)]
    assert idle[0] < 10**9 <= min(idle[1:])
    rc, got = machine.sysctl("availheap", availheap={"node": -1})
    assert rc == 0
    assert got.availheap.avail_bytes == machine.lib.page_free_count() * 4096


def test_domain_list(tools: Any) -> None:
    machine = tools.machine
    made = [tools.create(pages=8) for _ in range(3)]
    size = machine.ffi.sizeof("struct xen_domctl_getdomaininfo")

    def listed(first: int, room: int) -> list[int]:
        fields = {"first_domain": first, "max_domains": room, "buffer": machine.scratch + BUFFER}
        rc, got = machine.sysctl("getdomaininfolist", getdomaininfolist=fields)
        assert rc == 0
        count = got.getdomaininfolist.num_domains
        at = machine.scratch + BUFFER
        return [int.from_bytes(machine.read(at + i * size, 2), "little") for i in range(count)]

    assert listed(0, 10) == [0, *made]
    assert listed(0, 2) == [0, made[0]]
    assert listed(made[1], 10) == made[1:]
    assert listed(made[2] + 1, 10) == []
    tools.destroy(made[1])
    assert listed(0, 10) == [0, made[0], made[2]]


def test_info_of_a_domain(tools: Any) -> None:
    k = tools.k
    domain = tools.create(vcpus=2, pages=16)
    rc, got = tools.domctl("getdomaininfo", domain)
    info = got.u.getdomaininfo
    assert (rc, info.domain, info.nr_online_vcpus, info.max_vcpu_id) == (0, domain, 2, 1)
    assert (info.tot_pages, info.max_pages) == (16, 16)
    assert info.flags & 0xFF == k.XEN_DOMINF_hvm_guest
    tools.good("pausedomain", domain)
    assert tools.domctl("getdomaininfo", domain)[1].u.getdomaininfo.flags & k.XEN_DOMINF_paused
    tools.good("unpausedomain", domain)
    assert tools.domctl("unpausedomain", domain)[0] == -EINVAL
    assert tools.domctl("pausedomain", 0)[0] == -EINVAL
    assert tools.domctl("destroydomain", 0)[0] == -EINVAL
    rc, got = tools.domctl("getvcpuinfo", domain, getvcpuinfo={"vcpu": 1})
    assert (rc, got.u.getvcpuinfo.online, got.u.getvcpuinfo.running) == (0, 1, 0)
    assert tools.domctl("getvcpuinfo", domain, getvcpuinfo={"vcpu": 2})[0] == -EINVAL


def test_registers_of_a_vcpu(tools: Any) -> None:
    machine = tools.machine
    domain = tools.create()
    context = {"vcpu": 0, "ctxt": machine.scratch + BUFFER}
    assert tools.domctl("getvcpucontext", 0, vcpucontext=context)[0] == -EINVAL
    tools.good("getvcpucontext", domain, vcpucontext=context)
    assert machine.read(machine.scratch + BUFFER, 4) == (1).to_bytes(4, "little")
    reset = {"vcpu": 0, "ctxt": 0}
    tools.good("setvcpucontext", domain, vcpucontext=reset)
    assert tools.domctl("getvcpucontext", domain, vcpucontext=context)[0] == -61
    assert tools.domctl("setvcpucontext", 0, vcpucontext=reset)[0] == -EINVAL


def test_affinity(tools_on: Any) -> None:
    tools = tools_on(4)
    machine, k = tools.machine, tools.k
    domain = tools.create()

    def affinity(name: str, flags: int, **maps: Any) -> int:
        fields = {"vcpu": 0, "flags": flags, **maps}
        return int(tools.domctl(f"{name}vcpuaffinity", domain, vcpuaffinity=fields)[0])

    hard, soft = k.XEN_VCPUAFFINITY_HARD, k.XEN_VCPUAFFINITY_SOFT
    assert affinity("get", hard, cpumap_hard=machine.bitmap(0xFFFF, 16)) == 0
    assert machine.bits(bits=16) == 0xF
    # The rest of a bitmap is zeroed in one go, so there is a limit.
    assert affinity("get", hard, cpumap_hard=machine.bitmap(0, 65536)) == 0
    assert affinity("get", hard, cpumap_hard=machine.bitmap(0, 65544)) == -EINVAL
    assert affinity("set", hard, cpumap_hard=machine.bitmap(0b11000, 16)) == 0
    assert machine.bits(bits=16) == 0b1000
    machine.lib.host_advance(1_000_000)
    assert machine.lib.host_running(3) == domain << 16
    assert affinity("set", hard, cpumap_hard=machine.bitmap(0b110000, 16)) == -EINVAL
    assert affinity("set", hard | soft) == -EINVAL
    assert affinity("get", 0) == -EINVAL
    maps = {
        "cpumap_hard": machine.bitmap(0b0110),
        "cpumap_soft": machine.bitmap(0b0011, at=BUFFER + 64),
    }
    assert affinity("set", hard | soft, **maps) == 0
    assert (machine.bits(), machine.bits(BUFFER + 64)) == (0b0110, 0b0010)
    machine.lib.host_advance(1_000_000)
    assert machine.lib.host_running(3) == -1
    assert domain << 16 in (machine.lib.host_running(1), machine.lib.host_running(2))


def test_scheduler_parameters(tools: Any) -> None:
    k = tools.k

    def op(cmd: int, domain: int = 0, sched: int = k.XEN_SCHEDULER_CREDIT2, **param: int) -> Any:
        fields = {"sched_id": sched, "cmd": cmd, "u": {"credit2": param}}
        rc, got = tools.domctl("scheduler_op", domain, scheduler_op=fields)
        values = got.u.scheduler_op.u.credit2
        return rc, values.weight, values.cap

    get, put = k.XEN_DOMCTL_SCHEDOP_getinfo, k.XEN_DOMCTL_SCHEDOP_putinfo
    assert op(get) == (0, 256, 0)
    assert op(put, weight=512, cap=50)[0] == 0
    assert op(get) == (0, 512, 50)
    assert op(put, weight=0, cap=0)[0] == 0
    assert op(get) == (0, 512, 0)
    assert op(put, cap=101)[0] == -EINVAL
    assert op(get, sched=k.XEN_SCHEDULER_CREDIT)[0] == -EINVAL
    assert op(k.XEN_DOMCTL_SCHEDOP_getvcpuinfo)[0] == -EINVAL
    pool = {"sched_id": k.XEN_SCHEDULER_CREDIT2, "cmd": k.XEN_SYSCTL_SCHEDOP_getinfo}
    rc, got = tools.machine.sysctl("scheduler_op", scheduler_op=pool)
    assert (rc, got.scheduler_op.u.sched_credit2.ratelimit_us) == (0, 1000)
    assert tools.machine.sysctl("scheduler_op", scheduler_op=pool | {"cpupool_id": 1})[0] == -ESRCH


def test_console_ring(tools: Any) -> None:
    machine = tools.machine

    def read(**fields: int) -> Any:
        fields = {"buffer": machine.scratch + BUFFER, "count": 60000, **fields}
        rc, got = machine.sysctl("readconsole", readconsole=fields)
        assert rc == 0
        part = got.readconsole
        return machine.read(machine.scratch + BUFFER, part.count), part.index

    text, index = read()
    assert b"Xen version" in text
    assert read(incremental=1, index=index)[0] == b""
    assert read(count=10)[0] == text[:10]
    read(clear=1)
    assert read()[0] == b""
