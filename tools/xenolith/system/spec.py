"""What shall run on a board when it starts by itself: hypervisor, dom0, guests, modules.

The same values come from a system.toml and from an ImageBuilder configuration; boot scripts and
finished device trees are made from them. File names are as the boot loader will ask for them,
relative to the folder that is served or copied. Memory in KiB where Xen's device-tree binding has
KiB [Xen, docs/misc/arm/device-tree/booting.txt], else in bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from xenolith.errors import UserError

MAX_GUESTS = 32


@dataclass(frozen=True)
class Range:
    """A piece of physical memory, bytes."""

    base: int
    size: int


@dataclass(frozen=True)
class SharedMemory:
    """Memory of several guests: host address, where this guest sees it, size in bytes."""

    name: str
    host: int
    guest: int
    size: int


@dataclass(frozen=True)
class Channel:
    """A static event channel: local port, index of the other guest, its port."""

    local: int
    remote: int
    remote_port: int


@dataclass(frozen=True)
class Pool:
    """A cpupool: names of /cpus nodes (`cpu@1`) and a scheduler."""

    cpus: tuple[str, ...]
    scheduler: str


@dataclass(frozen=True)
class Dom0:
    """The control domain."""

    kernel: str
    ramdisk: str = ""
    arguments: str = ""


@dataclass(frozen=True)
class Guest:
    """A domain that the hypervisor starts itself (dom0less)."""

    kernel: str
    name: str
    ramdisk: str = ""
    passthrough: str = ""
    """A partial device tree of devices given to it."""
    arguments: str = ""
    memory: int = 512 << 10
    """KiB."""
    vcpus: int = 1
    vpl011: bool = True
    static_memory: tuple[Range, ...] = ()
    direct_map: bool = False
    enhanced: str = ""
    """`enabled`, `no-xenstore`, or empty: no Xen interfaces."""
    shared_memory: tuple[SharedMemory, ...] = ()
    channels: tuple[Channel, ...] = ()
    pool: int | None = None
    affinity: dict[int, str] = field(default_factory=dict)
    """vCPU to a list of CPUs."""
    numbers: dict[str, int] = field(default_factory=dict)
    """Further properties of one cell, by their name in the binding."""


@dataclass(frozen=True)
class Spec:
    """A whole machine."""

    hypervisor: str
    arguments: str
    dom0: Dom0 | None = None
    guests: tuple[Guest, ...] = ()
    pools: tuple[Pool, ...] = ()
    static_heap: tuple[Range, ...] = ()
    policy: str = ""
    device_tree: str = ""
    """Empty: the firmware's."""
    overlays: tuple[str, ...] = ()
    memory: Range | None = None
    """Where the boot loader may put files; None: what the board says."""
    extra: tuple[str, ...] = ()
    """U-Boot commands before booti."""

    def __post_init__(self) -> None:
        for problem in _problems(self):
            raise UserError(problem, 2)

    def files(self) -> list[tuple[str, str]]:
        """(what it is, its name) of every file to load, device tree last."""
        found = [("hypervisor", self.hypervisor), ("policy", self.policy)]
        if self.dom0:
            found += [("dom0 kernel", self.dom0.kernel), ("dom0 ramdisk", self.dom0.ramdisk)]
        for guest in self.guests:
            parts = (("kernel", guest.kernel), ("ramdisk", guest.ramdisk))
            found += [(f"{guest.name} {what}", name) for what, name in parts]
            found.append((f"{guest.name} passthrough tree", guest.passthrough))
        found += [(f"overlay {number}", name) for number, name in enumerate(self.overlays)]
        found.append(("device tree", self.device_tree))
        return [(what, name) for what, name in found if name]

    def with_arguments(self, more: str) -> Spec:
        """The same with words added to the hypervisor's command line."""
        return replace(self, arguments=f"{self.arguments} {more}".strip())


def _problems(spec: Spec) -> Iterator[str]:
    if not spec.hypervisor:
        yield "no hypervisor is named"
    if not spec.dom0 and not spec.guests:
        yield "nothing to run: neither a dom0 kernel nor a guest is named"
    if len(spec.guests) > MAX_GUESTS:
        yield f"{len(spec.guests)} guests: at most {MAX_GUESTS} start from a device tree"
    for guest in spec.guests:
        yield from _guest_problems(spec, guest)
    for text in (spec.hypervisor, *(name for _, name in spec.files())):
        if any(c.isspace() or c in "'\"$;" for c in text):
            yield f"file name {text!r}: spaces and shell characters do not survive a boot script"


def _guest_problems(spec: Spec, guest: Guest) -> Iterator[str]:
    if guest.pool is not None and not 0 <= guest.pool < len(spec.pools):
        yield f"{guest.name}: there is no cpupool {guest.pool}"
    if guest.memory <= 0 or guest.vcpus <= 0:
        yield f"{guest.name}: memory and vCPUs must be more than 0"
    if guest.static_memory and sum(r.size for r in guest.static_memory) != guest.memory << 10:
        total = sum(r.size for r in guest.static_memory) >> 10
        yield f"{guest.name}: static memory is {total} KiB, its memory {guest.memory} KiB"
    for channel in guest.channels:
        if not 0 <= channel.remote < len(spec.guests):
            yield f"{guest.name}: an event channel leads to a guest {channel.remote}, there is none"
    for vcpu in guest.affinity:
        if vcpu >= guest.vcpus:
            yield f"{guest.name}: affinity of vCPU {vcpu}, but it has {guest.vcpus}"
