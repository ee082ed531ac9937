# SPDX-License-Identifier: Apache-2.0
"""/chosen for a Spec, as edits: what Xen's boot protocol wants to find there.

Source: Xen, docs/misc/arm/device-tree/{booting,domU,cpupools,passthrough,guest}.txt; node names and
phandles are those of ImageBuilder. `reg` of each module is left to who knows its size: `modules`
names the node.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from xenolith.dt import edit
from xenolith.dt.edit import Edit
from xenolith.errors import UserError
from xenolith.system.spec import Guest, Pool, Range, SharedMemory, Spec

PHANDLE = 0xFFFF_FFFE
"""The first phandle given to nodes of ours, counted down: no compiler hands out such a one."""


@dataclass(frozen=True)
class Chosen:
    """The edits, in order, and which node describes which file (`what` of Spec.files)."""

    edits: tuple[Edit, ...]
    modules: dict[str, str]
    """Path of the node to what it describes."""


class _Writer:
    def __init__(self, spec: Spec, cpus: Mapping[str, int], at: Mapping[str, int]) -> None:
        self.spec = spec
        self.cpus = dict(cpus)
        self.at = at
        self.modules: dict[str, str] = {}
        phandles = itertools.count(PHANDLE, -1)
        self.ends = _channel_ends(spec, phandles)
        self.pool_edits = [list(self.pool(n, p, phandles)) for n, p in enumerate(spec.pools)]

    def module(self, parent: str, name: str, what: str, *compatible: str) -> Iterator[Edit]:
        path = self.module_path(parent, name, what)
        self.modules[path] = what
        yield edit.Node(path)
        yield edit.strings(path, "compatible", *compatible, "multiboot,module")

    def module_path(self, parent: str, name: str, what: str) -> str:
        if what in self.at:
            return f"{parent}/{name}@{self.at[what]:x}"
        # The name tells guests' modules apart.
        last = what.rsplit(maxsplit=1)[-1].replace("tree", "device-tree")
        return f"{parent}/{last if name == 'module' else name}"

    def chosen(self) -> Iterator[Edit]:
        spec, path = self.spec, "/chosen"
        yield from _cells_of(path)
        yield edit.strings(path, "xen,xen-bootargs", spec.arguments)
        if spec.static_heap:
            yield _ranges(path, "xen,static-heap", spec.static_heap)
        legacy = "xen,multiboot-module"
        if spec.policy:
            yield from self.module(path, "xen-policy", "policy", "xen,xsm-policy", legacy)
        yield from self.dom0()
        for edits in self.pool_edits:
            yield from edits
        for guest in spec.guests:
            yield from self.guest(f"{path}/{guest.name}", guest)
        devices = [d for guest in spec.guests for d in guest.devices]
        for device in (*devices, *spec.hidden_devices):
            yield edit.Set(device, "xen,passthrough", edit.Flag())

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

    def pool(self, number: int, pool: Pool, phandles: Iterator[int]) -> Iterator[Edit]:
        for name in pool.cpus:
            if name not in self.cpus:
                raise UserError(
                    f"cpupool {number}: the device tree has no CPU {name}; there are "
                    f"{', '.join(self.cpus) or 'none: name a device tree file'}",
                    2,
                )
            if not self.cpus[name]:
                self.cpus[name] = next(phandles)
                yield edit.cells(f"/cpus/{name}", "phandle", self.cpus[name])
        path = f"/chosen/cpupool_{number}"
        yield edit.Node(path)
        yield edit.cells(path, "phandle", next(phandles))
        yield edit.strings(path, "compatible", "xen,cpupool")
        yield edit.cells(path, "cpupool-cpus", *(self.cpus[name] for name in pool.cpus))
        if pool.scheduler:
            yield edit.strings(path, "cpupool-sched", pool.scheduler)

    def guest(self, path: str, guest: Guest) -> Iterator[Edit]:
        yield edit.Node(path)
        yield edit.strings(path, "compatible", "xen,domain")
        yield from _cells_of(path)
        yield edit.wide(path, "memory", guest.memory)
        yield edit.cells(path, "cpus", guest.vcpus)
        if guest.vpl011:
            yield edit.cells(path, "vpl011", 1)
        if guest.static_memory:
            yield _ranges(path, "xen,static-mem", guest.static_memory)
        if guest.direct_map:
            yield edit.Set(path, "direct-map", edit.Flag())
        if guest.enhanced:
            yield edit.strings(path, "xen,enhanced", guest.enhanced)
        if guest.pool is not None:
            yield edit.cells(path, "domain-cpupool", self.pool_phandle(guest.pool))
        for name, value in guest.numbers.items():
            yield edit.cells(path, name, value)
        for name, text in guest.texts.items():
            yield edit.strings(path, name, text)
        yield from self.guest_links(path, guest)
        yield from self.guest_modules(path, guest)

    def pool_phandle(self, number: int) -> int:
        """The phandle that was given to a pool."""
        path = f"/chosen/cpupool_{number}"
        for change in self.pool_edits[number]:
            if isinstance(change, edit.Set) and (change.path, change.name) == (path, "phandle"):
                assert isinstance(change.value, edit.Cells)
                return change.value.values[0]
        raise AssertionError(path)

    def guest_modules(self, path: str, guest: Guest) -> Iterator[Edit]:
        what = f"{guest.name} kernel"
        yield from self.module(path, "module", what, "multiboot,kernel")
        node = self.module_path(path, "module", what)
        yield edit.strings(node, "bootargs", guest.arguments)
        if guest.ramdisk:
            what = f"{guest.name} ramdisk"
            yield from self.module(path, "module", what, "multiboot,ramdisk")
        if guest.passthrough:
            what = f"{guest.name} passthrough tree"
            yield from self.module(path, "module", what, "multiboot,device-tree")

    def guest_links(self, path: str, guest: Guest) -> Iterator[Edit]:
        """Shared memory, event channels, affinity: nodes that refer to other things."""
        for memory in guest.shared_memory:
            yield from _shared(path, memory)
        for channel in guest.channels:
            node = f"{path}/evtchn@{channel.local}"
            me = self.spec.guests.index(guest)
            other = self.spec.guests[channel.remote]
            if all(c.local != channel.remote_port for c in other.channels):
                raise UserError(
                    f"{guest.name}: event channel {channel.local} leads to port "
                    f"{channel.remote_port} of {other.name}, which does not list it",
                    2,
                )
            far = self.ends[channel.remote, channel.remote_port]
            yield edit.Node(node)
            yield edit.cells(node, "phandle", self.ends[me, channel.local])
            yield edit.strings(node, "compatible", "xen,evtchn-v1")
            yield edit.cells(node, "xen,evtchn", channel.local, far)
        for vcpu, cpus in sorted(guest.affinity.items()):
            node = f"{path}/vcpu{vcpu}"
            yield edit.Node(node)
            yield edit.strings(node, "compatible", "xen,vcpu")
            yield edit.cells(node, "id", vcpu)
            yield edit.strings(node, "hard-affinity", cpus)


def _cells_of(path: str) -> Iterator[Edit]:
    for name in ("#address-cells", "#size-cells"):
        yield edit.cells(path, name, 2)


def _ranges(path: str, name: str, ranges: tuple[Range, ...]) -> Edit:
    """In the cells of the node itself."""
    return edit.wide(path, name, *(value for r in ranges for value in (r.base, r.size)))


def _shared(path: str, memory: SharedMemory) -> Iterator[Edit]:
    node = f"{path}/shared-mem@{memory.host:x}"
    yield edit.Node(node)
    yield edit.strings(node, "compatible", "xen,domain-shared-memory-v1")
    yield edit.strings(node, "xen,shm-id", memory.name)
    yield edit.wide(node, "xen,shared-mem", memory.host, memory.guest, memory.size)


def _channel_ends(spec: Spec, phandles: Iterator[int]) -> dict[tuple[int, int], int]:
    """Phandle of each end of a static event channel, by (guest, port), as they are named."""
    ends: dict[tuple[int, int], int] = {}
    for number, guest in enumerate(spec.guests):
        for channel in guest.channels:
            for end in ((number, channel.local), (channel.remote, channel.remote_port)):
                if end not in ends:
                    ends[end] = next(phandles)
    return ends


def describe(spec: Spec, cpus: Mapping[str, int], at: Mapping[str, int] | None = None) -> Chosen:
    """The edits for a Spec. Raises UserError.

    `cpus`: names of /cpus nodes to their phandles, 0 for none; `at`: address of each file, by what
    it is; None: nodes of modules are named without one.
    """
    writer = _Writer(spec, cpus, at or {})
    edits = tuple(writer.chosen())
    return Chosen(edits, writer.modules)
