# SPDX-License-Identifier: Apache-2.0
"""Memory of the caller that goes away in the middle of its call, at each access to it.

The call ends with an error that says so, or says how much it did; nothing is left behind, and the
same call works afterwards.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

EPERM, EFAULT, EBUSY, EEXIST, EINVAL = 1, 14, 16, 17, 22
BAD_ADDRESS, GENERAL = -5, -1
"""GNTST_bad_virt_addr, GNTST_general_error."""
SELF = 0x7FF0

Act = Callable[["Scene"], int]


class Scene:
    """Two domains, room for lists, a grant and ports."""

    def __init__(self, pair: Any, granter: Any) -> None:
        self.pair, self.granter, self.tools = pair, granter, pair.tools
        self.dom0, self.dom1, self.k = pair.dom0, pair.dom1, pair.dom0.k
        self.room = self.dom0.page()
        granter.entry(1, 1)
        self.list = self.dom0.page()
        self.failing, self.failed = 0, False

    def fail(self, number: int) -> None:
        """That access to memory of the caller fails from now on, and all after it; 0: none."""
        self.failing = number
        self.pair.machine.lib.host_fail_access(number)

    def whole(self) -> None:
        """What is to be undone is done with all memory there; `failed` stays."""
        self.failed |= self.pair.machine.lib.host_access_failed()
        self.pair.machine.lib.host_fail_access(0)

    def call(self, name: str, *args: int) -> int:
        """A call of dom0's, however it ends."""
        state, rc = self.pair.machine.try_call(name, *args)
        assert state <= 1, state
        return int(rc)

    def op(self, name: str, command: int, value: Any, *rest: int) -> int:
        """On a structure of dom0's."""
        self.dom0.write(self.room, bytes(self.dom0.ffi.buffer(value)))
        return self.call(name, command, self.room, *rest)

    def new(self, kind: str, **fields: Any) -> Any:
        return self.dom0.new(kind, **fields)

    def status(self, kind: str) -> int:
        """The field of that name of what is in the room."""
        raw = self.dom0.read(self.room, self.dom0.ffi.sizeof(f"struct {kind}"))
        return int(self.dom0.ffi.from_buffer(f"struct {kind} *", raw).status)

    def sysctl(self, name: str, /, **fields: Any) -> int:
        value = self.new("xen_sysctl")
        value.cmd, value.interface_version = getattr(self.k, f"XEN_SYSCTL_{name}"), 0x15
        setattr(value.u, *next(iter(fields.items())))
        self.dom0.write(self.room, bytes(self.dom0.ffi.buffer(value)))
        return self.call("sysctl", self.room)

    def domctl(self, name: str, /, **fields: Any) -> int:
        value = self.new("xen_domctl")
        value.cmd = getattr(self.k, f"XEN_DOMCTL_{name}")
        value.interface_version, value.domain = self.k.XEN_DOMCTL_INTERFACE_VERSION, self.dom1.id
        for key, content in fields.items():
            setattr(value.u, key, content)
        self.dom0.write(self.room, bytes(self.dom0.ffi.buffer(value)))
        return self.call("domctl", self.room)


def bitmap(scene: Scene) -> dict[str, int]:
    """Room for 100 CPUs, of which there are two."""
    scene.dom0.write(scene.list, b"\x03" + bytes(16))
    return {"bitmap": scene.list, "nr_bits": 100}


def affinity(scene: Scene, name: str) -> int:
    maps = {"vcpu": 0, "flags": 3, "cpumap_hard": bitmap(scene), "cpumap_soft": bitmap(scene)}
    return scene.domctl(name, vcpuaffinity=maps)


def grant(scene: Scene, command: str, kind: str, **fields: Any) -> int:
    """A grant operation: what the call answers, or else its status."""
    value = scene.new(kind, **fields)
    rc = scene.op("grant_table_op", getattr(scene.k, f"GNTTABOP_{command}"), value, 1)
    return rc if rc != 0 else scene.status(kind)


def copied(scene: Scene) -> int:
    """A copy out of a grant, into memory of the caller."""
    value = scene.new("gnttab_copy", flags=1, len=64)
    value.source.u.ref, value.source.domid = 1, scene.dom1.id
    value.dest.u.gmfn, value.dest.domid = scene.list >> 12, SELF
    rc = scene.op("grant_table_op", scene.k.GNTTABOP_copy, value, 1)
    return rc if rc != 0 else scene.status("gnttab_copy")


def mapped(scene: Scene) -> int:
    """A grant that is mapped; the mapping is ended by the handle that the caller was to get."""
    where = {"host_addr": 0x80000000, "ref": 1, "dom": scene.dom1.id, "flags": 2}
    rc = grant(scene, "map_grant_ref", "gnttab_map_grant_ref", **where)
    scene.whole()
    undo = {"host_addr": 0x80000000, "handle": 0}
    grant(scene, "unmap_grant_ref", "gnttab_unmap_grant_ref", **undo)
    return rc


def reservation(scene: Scene, command: str, first: int, nr: int = 8) -> int:
    """populate or decrease for the second domain; how much was not done."""
    frames = b"".join((first + i).to_bytes(8, "little") for i in range(nr))
    scene.dom0.write(scene.list, frames)
    value = scene.new("xen_memory_reservation", nr_extents=nr, domid=scene.dom1.id)
    value.extent_start = scene.list
    return scene.op("memory_op", getattr(scene.k, f"XENMEM_{command}"), value) - nr


def refill(scene: Scene, missing: range) -> None:
    """Those of the pages are there again."""
    scene.whole()
    for i in missing:
        reservation(scene, "populate_physmap", 0x40080 + i, 1)


def balloon(scene: Scene) -> int:
    """Eight pages back, and again there."""
    rc = reservation(scene, "decrease_reservation", 0x40080)
    refill(scene, range(rc + 8))
    return rc


def populate(scene: Scene) -> int:
    """Eight pages there, which were taken before."""
    scene.whole()
    reservation(scene, "decrease_reservation", 0x40080)
    scene.fail(scene.failing)
    rc = reservation(scene, "populate_physmap", 0x40080)
    refill(scene, range(rc + 8, 8))
    return rc


def batch(scene: Scene) -> int:
    """Three pages of the other domain, mapped and then removed."""
    frames = b"".join((0x40000 + i).to_bytes(8, "little") for i in range(3))
    places = b"".join((0x90000 + i).to_bytes(8, "little") for i in range(3))
    scene.dom0.write(scene.list, frames + places)
    value = scene.new("xen_add_to_physmap_batch", domid=SELF, size=3)
    value.space, value.u.foreign_domid = scene.k.XENMAPSPACE_gmfn_foreign, scene.dom1.id
    value.idxs, value.gpfns, value.errs = scene.list, scene.list + 24, scene.list + 48
    rc = scene.op("memory_op", scene.k.XENMEM_add_to_physmap_batch, value)
    scene.whole()
    for i in range(3):
        value = scene.new("xen_remove_from_physmap", domid=SELF, gpfn=0x90000 + i)
        scene.op("memory_op", scene.k.XENMEM_remove_from_physmap, value)
    return rc


def resource(scene: Scene) -> int:
    """A frame of the other's grant table, mapped and then removed."""
    scene.dom0.write(scene.list, (0x90000).to_bytes(8, "little"))
    value = scene.new("xen_mem_acquire_resource", domid=scene.dom1.id, type=1, nr_frames=1)
    value.frame_list = scene.list
    rc = scene.op("memory_op", scene.k.XENMEM_acquire_resource, value)
    scene.whole()
    value = scene.new("xen_remove_from_physmap", domid=SELF, gpfn=0x90000)
    scene.op("memory_op", scene.k.XENMEM_remove_from_physmap, value)
    return rc


def port(scene: Scene, what: str, kind: str, **fields: Any) -> int:
    """A port that is closed again: its number is one behind the last."""
    rc = scene.op(
        "event_channel_op", getattr(scene.k, f"EVTCHNOP_{what}"), scene.new(kind, **fields)
    )
    scene.whole()
    scene.op("event_channel_op", scene.k.EVTCHNOP_reset, scene.new("evtchn_reset", dom=SELF))
    return rc


def multicall(scene: Scene) -> int:
    """Three calls in a list."""
    entry = bytes(scene.dom0.ffi.buffer(scene.new("multicall_entry", op=17)))
    scene.dom0.write(scene.list, entry * 3)
    return scene.call("multicall", scene.list, 3)


def poll(scene: Scene) -> int:
    scene.dom0.write(scene.list, (1).to_bytes(4, "little"))
    value = scene.new("sched_poll", ports=scene.list, nr_ports=1, timeout=1)
    return scene.op("sched_op", scene.k.SCHEDOP_poll, value)


ROOM = {"count": 2000}
ACTS: dict[str, Act] = {
    "readconsole": lambda s: s.sysctl("readconsole", readconsole=ROOM | {"buffer": s.list}),
    "domains": lambda s: s.sysctl(
        "getdomaininfolist", getdomaininfolist={"max_domains": 4, "buffer": s.list}
    ),
    "keys": lambda s: s.sysctl("debug_keys", debug_keys={"keys": s.list, "nr_keys": 3}),
    "topology": lambda s: s.sysctl("cputopoinfo", cputopoinfo={"num_cpus": 4, "cputopo": s.list}),
    "nodes": lambda s: s.sysctl(
        "numainfo", numainfo={"num_nodes": 1, "meminfo": s.list, "distance": s.list + 256}
    ),
    "idle times": lambda s: s.sysctl("getcpuinfo", getcpuinfo={"max_cpus": 4, "info": s.list}),
    "pool": lambda s: s.sysctl(
        "cpupool_op", cpupool_op={"op": s.k.XEN_SYSCTL_CPUPOOL_OP_INFO, "cpumap": bitmap(s)}
    ),
    "domain": lambda s: s.domctl("getdomaininfo"),
    "get affinity": lambda s: affinity(s, "getvcpuaffinity"),
    "set affinity": lambda s: affinity(s, "setvcpuaffinity"),
    "get node": lambda s: s.domctl("getnodeaffinity", nodeaffinity={"nodemap": bitmap(s)}),
    "set node": lambda s: s.domctl("setnodeaffinity", nodeaffinity={"nodemap": bitmap(s)}),
    "get context": lambda s: s.domctl("getvcpucontext", vcpucontext={"ctxt": s.list}),
    "size": lambda s: grant(s, "query_size", "gnttab_query_size", dom=SELF),
    "set up": lambda s: grant(
        s, "setup_table", "gnttab_setup_table", dom=SELF, nr_frames=1, frame_list=s.list
    ),
    "status": lambda s: grant(
        s, "get_status_frames", "gnttab_get_status_frames", dom=SELF, frame_list=s.list
    ),
    "copy": copied,
    "map": mapped,
    "balloon": balloon,
    "populate": populate,
    "batch": batch,
    "resource": resource,
    "unbound": lambda s: port(s, "alloc_unbound", "evtchn_alloc_unbound", dom=SELF),
    "virq": lambda s: port(s, "bind_virq", "evtchn_bind_virq", virq=0),
    "ipi": lambda s: port(s, "bind_ipi", "evtchn_bind_ipi", vcpu=0),
    "state": lambda s: s.op(
        "event_channel_op", s.k.EVTCHNOP_status, s.new("evtchn_status", port=1)
    ),
    "multicall": multicall,
    "text": lambda s: s.call("console_io", 0, 40, s.list),
    "capabilities": lambda s: s.call("xen_version", s.k.XENVER_capabilities, s.list),
    "compiler": lambda s: s.call("xen_version", s.k.XENVER_compile_info, s.list),
    "features": lambda s: s.call("xen_version", s.k.XENVER_get_features, s.list),
    "poll": poll,
}

PARTS = ("balloon", "populate")
"""What answers by how much it did."""


@pytest.mark.parametrize("name", ACTS)
def test_each_access(pair: Any, granter: Any, name: str) -> None:
    lib = pair.machine.lib
    scene = Scene(pair, granter)
    good = ACTS[name](scene)
    before = pair.free(), lib.heap_used()
    for number in itertools.count(1):
        scene.failed = False
        scene.fail(number)
        rc = ACTS[name](scene)
        scene.whole()
        scene.failing = 0
        lib.host_advance(1_000_000)
        if not scene.failed:
            break
        if name in PARTS:
            assert -8 <= rc < 0, (number, rc)
        else:
            assert rc in (-EFAULT, BAD_ADDRESS), (number, rc)
        assert (pair.free(), lib.heap_used()) == before, number
        assert ACTS[name](scene) == good, number
    assert rc == good and number > 1
    assert "Panic" not in "\n".join(pair.machine.core.log())
