# SPDX-License-Identifier: Apache-2.0
"""What DOMU_* keys say of one domain."""

from __future__ import annotations

from xenolith.system.imagebuilder.config import Config
from xenolith.system.spec import Channel, Guest, SharedMemory

CELLS = {
    "DOMU_GRANT_VER": "max_grant_version",
    "DOMU_GRANT_FRAMES": "max_grant_frames",
    "DOMU_MAPTRACK_FRAMES": "max_maptrack_frames",
    "DOMU_NR_SPIS": "nr_spis",
    "DOMU_DOMID": "domid",
    "DOMU_P2M_MEM_MB": "xen,domain-p2m-mem-mb",
}
"""Keys that are one cell of the domain's node."""
CAPABILITIES = {"control": 1, "hardware": 2, "xenstore": 4, "dom0": 7, "domain0": 7}
DEFAULT_MEMORY = 512
"""MiB."""
CONSOLE = {"arm64": "console=ttyAMA0", "riscv": "console=hvc0"}
"""What a guest's kernel calls the console that it has by default, by port."""


def starts(config: Config, i: int) -> bool:
    """True if domain `i` is started by the hypervisor; a note if that is for a reason."""
    if config.is_set("DOMU_NOBOOT", i):
        return False
    if config.is_set("DOMU_ROOTFS", i):
        config.note("DOMU_ROOTFS", i, "it does not start by itself: a disk is given to it by xl")
        return False
    return True


def read(config: Config, i: int, arch: str) -> Guest:
    """Domain `i`. Raises UserError."""
    kernel = config.text("DOMU_KERNEL", i)
    if not kernel:
        raise config.error("DOMU_KERNEL", i, "is missing")
    if config.flag("DOMU_DRIVER_DOMAIN", i):
        config.note("DOMU_DRIVER_DOMAIN", i, "has no effect on a domain that xl does not create")
    vpl011 = config.flag("DOMU_VPL011", i, default=True)
    static = config.ranges("DOMU_STATIC_MEM", i)
    return Guest(
        kernel=kernel,
        name=f"domU{i}",
        ramdisk=config.text("DOMU_RAMDISK", i),
        passthrough=config.text("DOMU_PASSTHROUGH_DTB", i),
        devices=tuple(config.text("DOMU_PASSTHROUGH_PATHS", i).split()),
        arguments=config.text("DOMU_CMD", i, CONSOLE[arch] if vpl011 else ""),
        memory=_memory(config, i, sum(r.size for r in static) >> 10),
        vcpus=config.number("DOMU_VCPUS", i, 1),
        vpl011=vpl011,
        static_memory=static,
        direct_map=bool(static) and config.flag("DOMU_DIRECT_MAP", i, default=True),
        enhanced=_enhanced(config, i),
        shared_memory=_shared(config, i),
        channels=_channels(config, i),
        pool=config.number("DOMU_CPUPOOL", i) if config.is_set("DOMU_CPUPOOL", i) else None,
        affinity=_affinity(config, i),
        numbers=_numbers(config, i),
        texts=_texts(config, i),
        load=config.load("DOMU_LOAD", i),
    )


def _memory(config: Config, i: int, static: int) -> int:
    """KiB."""
    asked = config.number("DOMU_MEM", i) << 10
    if static and asked not in (0, static):
        config.note("DOMU_MEM", i, f"is not used: DOMU_STATIC_MEM has {static >> 10} MiB")
    return static or asked or DEFAULT_MEMORY << 10


def _enhanced(config: Config, i: int) -> str:
    """With a dom0 a guest has the Xen interfaces unless the configuration says no."""
    choices = {"": "enabled" if config.text("DOM0_KERNEL") else "", "0": "", "1": "enabled"}
    # ImageBuilder itself writes `enabled` for 2, too, if there is a dom0.
    choices["2"] = "no-xenstore"
    text = config.text("DOMU_ENHANCED", i)
    if text not in choices:
        raise config.error("DOMU_ENHANCED", i, f"{text!r} is none of 0, 1, 2")
    return choices[text]


def _affinity(config: Config, i: int) -> dict[int, str]:
    """DOMU_VCPU_HARD_AFFINITY[i,vcpu], and [i] for those that are not named."""
    key = "DOMU_VCPU_HARD_AFFINITY"
    named = {
        vcpu: value
        for (name, index, vcpu), value in config.values.items()
        if name == key and index == i and vcpu is not None
    }
    every = config.text(key, i)
    rest = dict.fromkeys(range(config.number("DOMU_VCPUS", i, 1)), every) if every else {}
    return rest | named


def _numbers(config: Config, i: int) -> dict[str, int]:
    found = {name: config.number(key, i) for key, name in CELLS.items() if config.is_set(key, i)}
    words = config.text("DOMU_CAPS", i).replace(",", " ").split()
    mask = 0
    for word in words:
        try:
            mask |= CAPABILITIES[word] if word in CAPABILITIES else int(word, 0)
        except ValueError as e:
            known = ", ".join(CAPABILITIES)
            raise config.error("DOMU_CAPS", i, f"{word!r} is none of {known}") from e
    return found | ({"capabilities": mask} if words else {})


def _texts(config: Config, i: int) -> dict[str, str]:
    colors = config.colors("DOMU_COLORS", i)
    found = {"llc-colors": colors} if colors else {}
    passthrough = config.text("DOMU_PASSTHROUGH_PROP", i)
    if passthrough not in ("", "enabled"):
        raise config.error("DOMU_PASSTHROUGH_PROP", i, f"{passthrough!r} is not `enabled`")
    return found | ({"passthrough": passthrough} if passthrough else {})


def _shared(config: Config, i: int) -> tuple[SharedMemory, ...]:
    words = config.text("DOMU_SHARED_MEM", i).split()
    if len(words) % 4:
        raise config.error("DOMU_SHARED_MEM", i, "write `id host-address guest-address size`")
    try:
        return tuple(
            SharedMemory(words[n], *(int(word, 0) for word in words[n + 1 : n + 4]))
            for n in range(0, len(words), 4)
        )
    except ValueError as e:
        raise config.error("DOMU_SHARED_MEM", i, f"not a number: {e}") from e


def _channels(config: Config, i: int) -> tuple[Channel, ...]:
    parts = [p.split() for p in config.text("DOMU_STATIC_EVTCHNS", i).split(";") if p.strip()]
    if any(len(part) != 3 or not all(word.isdecimal() for word in part) for part in parts):
        raise config.error("DOMU_STATIC_EVTCHNS", i, "write `local-port domain remote-port; ...`")
    return tuple(Channel(*(int(word) for word in part)) for part in parts)
