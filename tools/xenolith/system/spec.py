# SPDX-License-Identifier: Apache-2.0
"""What shall run on a board when it starts by itself: hypervisor, dom0, guests, modules.

The same values come from a system.toml and from an ImageBuilder configuration; boot scripts and
finished device trees are made from them. File names are as the boot loader will ask for them,
relative to the folder that is served or copied. Memory in KiB where Xen's device-tree binding has
KiB [Xen, docs/misc/arm/device-tree/booting.txt], else in bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from xenolith.errors import UserError

MAX_GUESTS = 32

BOOT_COMMANDS = ("booti", "bootm", "bootefi", "none")
"""How U-Boot starts the hypervisor; `none` leaves that to the user."""


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
    load: str = ""
    """U-Boot command that loads its files; empty: as all others."""


@dataclass(frozen=True)
class Outputs:
    """Names of what is written; empty: the usual ones."""

    script: str = ""
    source: str = ""
    fit: str = ""
    """Everything in one FIT image of this name."""
    tree: str = ""
    """The device tree as the hypervisor will find it, for people."""


@dataclass(frozen=True)
class Guest:
    """A domain that the hypervisor starts itself (dom0less)."""

    kernel: str
    name: str
    ramdisk: str = ""
    passthrough: str = ""
    """A partial device tree of devices given to it."""
    devices: tuple[str, ...] = ()
    """Paths of nodes in the device tree that it gets; the partial tree is made of them."""
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
    texts: dict[str, str] = field(default_factory=dict)
    """Further properties that are text."""
    load: str = ""
    """U-Boot command that loads its files; empty: as all others."""


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
    extra_file: str = ""
    """A file with more of them; it is read here, not loaded."""
    boot: str = "booti"
    load: str = ""
    """U-Boot command that loads files; empty: the user says it (card, USB, TFTP)."""
    hypervisor_load: str = ""
    """The same for hypervisor, policy, device tree and overlays only."""
    prefix: str = ""
    """Folder in which the boot loader finds all files."""
    hidden_devices: tuple[str, ...] = ()
    """Paths of nodes that dom0 does not get though no guest here has them: for guests of xl."""
    bitstream: str = ""
    """What U-Boot loads into the FPGA before all else."""
    aux: tuple[str, ...] = ()
    """Files that only belong beside the others."""
    outputs: Outputs = Outputs()
    print_chosen: bool = False
    """U-Boot shows /chosen before it starts the hypervisor."""
    notes: tuple[str, ...] = field(default=(), metadata={"derived": True})
    """What the user should know about the description; no key of a file."""

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
        found += [("bitstream", self.bitstream), ("device tree", self.device_tree)]
        return [(what, name) for what, name in found if name]

    def ranges(self) -> list[tuple[str, tuple[Range, ...]]]:
        """(whose it is, where) of all memory with an address; what is shared may come twice."""
        found = [("static heap", self.static_heap)]
        for guest in self.guests:
            shared = tuple(Range(memory.host, memory.size) for memory in guest.shared_memory)
            found.append((f"{guest.name} static memory", guest.static_memory))
            found.append((f"{guest.name} shared memory", shared))
        return found

    def load_of(self, what: str) -> str:
        """The U-Boot command that loads a file of `files`; empty: as the user says."""
        if what.startswith("dom0 ") and self.dom0:
            return self.dom0.load or self.load
        for guest in self.guests:
            if what.startswith(f"{guest.name} "):
                return guest.load or self.load
        return self.hypervisor_load or self.load

    def without_loads(self) -> Spec:
        """The same with all files from one place, which the user says."""
        dom0 = replace(self.dom0, load="") if self.dom0 else None
        guests = tuple(replace(guest, load="") for guest in self.guests)
        return replace(self, load="", hypervisor_load="", dom0=dom0, guests=guests)

    def with_arguments(self, more: str) -> Spec:
        """The same with words added to the hypervisor's command line."""
        return replace(self, arguments=f"{self.arguments} {more}".strip())


def _texts(spec: Spec) -> Iterator[tuple[str, str]]:
    """(what it is, text) of all that becomes part of a script's commands as it is."""
    yield "load command", spec.load
    yield "load command", spec.hypervisor_load
    yield from (("load command", part.load) for part in (spec.dom0, *spec.guests) if part)


def _problems(spec: Spec) -> Iterator[str]:
    if not spec.hypervisor:
        yield "no hypervisor is named"
    if not spec.dom0 and not spec.guests:
        yield "nothing to run: neither a dom0 kernel nor a guest is named"
    if len(spec.guests) > MAX_GUESTS:
        yield f"{len(spec.guests)} guests: at most {MAX_GUESTS} start from a device tree"
    for guest in spec.guests:
        yield from _guest_problems(spec, guest)
    yield from _name_problems(spec)
    yield from _value_problems(spec)


def _value_problems(spec: Spec) -> Iterator[str]:
    """What no device tree can hold, and what would be more than a word in a script."""
    asked = (spec.memory,) if spec.memory else ()
    found = [*spec.ranges(), ("memory", asked)]
    ranges = [(what, r.base, r.size) for what, some in found for r in some]
    for guest in spec.guests:
        for memory in guest.shared_memory:
            ranges.append(
                (f"{guest.name} shared memory, as it sees it,", memory.guest, memory.size)
            )
        ports = [n for channel in guest.channels for n in (channel.local, channel.remote_port)]
        cells = [("vcpus", guest.vcpus), *guest.numbers.items(), *(("port", n) for n in ports)]
        for name, value in cells:
            if not 0 <= value < 1 << 32:
                yield f"{guest.name}: {name} {value} does not fit into a cell of a device tree"
        for name in (*guest.numbers, *guest.texts):
            if not re.fullmatch(r"[\w,.+?#-]{1,31}", name, re.ASCII):
                yield f"{guest.name}: {name!r} is no name of a property"
        if guest.memory >= 1 << 54:
            yield f"{guest.name}: memory of {guest.memory} KiB is more than there can be"
    for what, start, size in ranges:
        if start < 0 or size <= 0 or start + size > 1 << 64:
            yield f"{what} {start:#x} of {size:#x} bytes is no range of memory"
    for path in (*spec.hidden_devices, *(path for g in spec.guests for path in g.devices)):
        if not re.fullmatch(r"(/[\w,.+@-]+)+", path, re.ASCII):
            yield f"{path!r} is no path of a device-tree node"


def _name_problems(spec: Spec) -> Iterator[str]:
    out = spec.outputs
    names = [spec.prefix, spec.extra_file, *spec.aux, out.script, out.source, out.fit, out.tree]
    for text in (spec.hypervisor, *(name for _, name in spec.files()), *names):
        if any(c.isspace() or c in "'\"$;\\<>|&#()`" for c in text):
            yield f"file name {text!r}: spaces and shell characters do not survive a boot script"
    for what, text in _texts(spec):
        if re.search(r"[^\w ${}:.,/@=+-]", text):
            yield f"{what} {text!r} is more than one plain U-Boot command"
    if spec.boot not in BOOT_COMMANDS:
        yield f"boot command {spec.boot!r} is none of {', '.join(BOOT_COMMANDS)}"
    for guest in spec.guests:
        if not re.fullmatch(r"[A-Za-z][\w.+-]{0,30}", guest.name):
            yield f"guest name {guest.name!r} is no name of a device-tree node"
    names = [guest.name for guest in spec.guests]
    for name in names:
        if names.count(name) > 1 or name == "dom0":
            yield f"two domains are called {name}"


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
