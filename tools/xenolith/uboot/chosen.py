"""/chosen for a Spec, as edits: what Xen's boot protocol wants to find there.

Source: Xen, docs/misc/arm/device-tree/{booting,domU,cpupools,passthrough,guest}.txt. `reg` of each
module is left to who knows its address and size: `modules` names the node.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xenolith.dt import edit
from xenolith.dt.edit import Edit
from xenolith.errors import UserError
from xenolith.system.spec import Guest, Range, SharedMemory, Spec

PHANDLE = 0xFFFF_FFFE
"""The first phandle of static event channels, counted down: no compiler hands out such a one."""


@dataclass(frozen=True)
class Chosen:
    """The edits, in order, and which node describes which file (`what` of Spec.files)."""

    edits: tuple[Edit, ...]
    modules: dict[str, str]
    """Path of the node to what it describes."""


class _Writer:
    def __init__(self, spec: Spec, cpus: dict[str, int]) -> None:
        self.spec = spec
        self.cpus = cpus
        self.modules: dict[str, str] = {}

    def module(self, parent: str, name: str, what: str, *compatible: str) -> Iterator[Edit]:
        path = f"{parent}/{name}"
        self.modules[path] = what
        yield edit.Node(path)
        yield edit.strings(path, "compatible", *compatible, "multiboot,module")

    def chosen(self) -> Iterator[Edit]:
        spec, path = self.spec, "/chosen"
        yield from _cells_of(path)
        yield edit.strings(path, "xen,xen-bootargs", spec.arguments)
        if spec.static_heap:
            yield from _ranges(path, "xen,static-heap", spec.static_heap)
        if spec.policy:
            yield from self.module(path, "xen-policy", "policy", "xen,xsm-policy")
        yield from self.dom0()
        for number, pool in enumerate(spec.pools):
            yield from self.pool(f"{path}/cpupool{number}", pool.cpus, pool.scheduler, number)
        for guest in spec.guests:
            yield from self.guest(f"{path}/{guest.name}", guest)

    def dom0(self) -> Iterator[Edit]:
        dom0, path = self.spec.dom0, "/chosen"
        if dom0 is None:
            return
        # The older words, too: they are what every version of Xen knows.
        yield edit.strings(path, "xen,dom0-bootargs", dom0.arguments)
        legacy = "xen,multiboot-module"
        yield from self.module(path, "dom0", "dom0 kernel", "xen,linux-zimage", legacy)
        if dom0.ramdisk:
            yield from self.module(path, "dom0-ramdisk", "dom0 ramdisk", "xen,linux-initrd", legacy)

    def pool(self, path: str, cpus: tuple[str, ...], scheduler: str, number: int) -> Iterator[Edit]:
        missing = [name for name in cpus if name not in self.cpus]
        if missing:
            names = ", ".join(missing)
            raise UserError(
                f"cpupool {number}: the device tree has no CPU {names} with a phandle; name a "
                "device tree that has (`dtc -@`, or give the node a label that is used)",
                2,
            )
        yield edit.Node(path)
        yield edit.strings(path, "compatible", "xen,cpupool")
        yield edit.cells(path, "cpupool-cpus", *(self.cpus[name] for name in cpus))
        if scheduler:
            yield edit.strings(path, "cpupool-sched", scheduler)
        yield edit.cells(path, "phandle", _pool_phandle(number))

    def guest(self, path: str, guest: Guest) -> Iterator[Edit]:
        yield edit.Node(path)
        yield edit.strings(path, "compatible", "xen,domain")
        yield from _cells_of(path)
        yield edit.wide(path, "memory", guest.memory)
        yield edit.cells(path, "cpus", guest.vcpus)
        if guest.vpl011:
            yield edit.cells(path, "vpl011", 1)
        if guest.static_memory:
            yield from _ranges(path, "xen,static-mem", guest.static_memory)
        if guest.direct_map:
            yield edit.Set(path, "direct-map", edit.Flag())
        if guest.enhanced:
            yield edit.strings(path, "xen,enhanced", guest.enhanced)
        if guest.pool is not None:
            yield edit.cells(path, "domain-cpupool", _pool_phandle(guest.pool))
        for name, value in guest.numbers.items():
            yield edit.cells(path, name, value)
        yield from self.guest_modules(path, guest)
        yield from self.guest_links(path, guest)

    def guest_modules(self, path: str, guest: Guest) -> Iterator[Edit]:
        yield from self.module(path, "kernel", f"{guest.name} kernel", "multiboot,kernel")
        yield edit.strings(f"{path}/kernel", "bootargs", guest.arguments)
        if guest.ramdisk:
            yield from self.module(path, "ramdisk", f"{guest.name} ramdisk", "multiboot,ramdisk")
        if guest.passthrough:
            what = f"{guest.name} passthrough tree"
            yield from self.module(path, "device-tree", what, "multiboot,device-tree")

    def guest_links(self, path: str, guest: Guest) -> Iterator[Edit]:
        """Shared memory, event channels, affinity: nodes that refer to other things."""
        for memory in guest.shared_memory:
            yield from _shared(path, memory)
        for channel in guest.channels:
            node = f"{path}/evtchn@{channel.local}"
            ends = _channel_ends(self.spec)
            me = self.spec.guests.index(guest)
            other = ends.get((channel.remote, channel.remote_port))
            if other is None:
                raise UserError(
                    f"{guest.name}: event channel {channel.local} leads to port "
                    f"{channel.remote_port} of {self.spec.guests[channel.remote].name}, which "
                    "does not list it",
                    2,
                )
            yield edit.Node(node)
            yield edit.strings(node, "compatible", "xen,evtchn-v1")
            yield edit.cells(node, "xen,evtchn", channel.local, other)
            yield edit.cells(node, "phandle", ends[me, channel.local])
        for vcpu, cpus in sorted(guest.affinity.items()):
            node = f"{path}/vcpu{vcpu}"
            yield edit.Node(node)
            yield edit.strings(node, "compatible", "xen,vcpu")
            yield edit.cells(node, "id", vcpu)
            yield edit.strings(node, "hard-affinity", cpus)


def _cells_of(path: str) -> Iterator[Edit]:
    for name in ("#address-cells", "#size-cells"):
        yield edit.cells(path, name, 2)


def _ranges(path: str, name: str, ranges: tuple[Range, ...]) -> Iterator[Edit]:
    yield edit.cells(path, f"#{name}-address-cells", 2)
    yield edit.cells(path, f"#{name}-size-cells", 2)
    yield edit.wide(path, name, *(value for r in ranges for value in (r.base, r.size)))


def _shared(path: str, memory: SharedMemory) -> Iterator[Edit]:
    node = f"{path}/{memory.name.lower()}@{memory.host:x}"
    yield edit.Node(node)
    yield edit.strings(node, "compatible", "xen,domain-shared-memory-v1")
    yield edit.strings(node, "xen,shm-id", memory.name)
    yield edit.wide(node, "xen,shared-mem", memory.host, memory.guest, memory.size)


def _channel_ends(spec: Spec) -> dict[tuple[int, int], int]:
    """Phandle of each end of a static event channel, by (guest, port)."""
    ends = [(i, c.local) for i, guest in enumerate(spec.guests) for c in guest.channels]
    return {end: PHANDLE - number for number, end in enumerate(ends)}


def _pool_phandle(number: int) -> int:
    return PHANDLE - 0x1000 - number


def describe(spec: Spec, cpus: dict[str, int]) -> Chosen:
    """The edits for a Spec. `cpus`: names of /cpus nodes to their phandles. Raises UserError."""
    writer = _Writer(spec, cpus)
    edits = tuple(writer.chosen())
    return Chosen(edits, writer.modules)
