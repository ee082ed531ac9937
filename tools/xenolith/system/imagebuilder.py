"""Reads ImageBuilder's configuration files without executing them.

Such a file is a shell script of assignments; here it is text. Keys: the README of ImageBuilder and
its `uboot-script-gen`; one that is not known is named, never ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from xenolith.errors import UserError
from xenolith.system import assignments
from xenolith.system.assignments import Values
from xenolith.system.spec import Channel, Dom0, Guest, Pool, Range, SharedMemory, Spec

XEN_DEFAULT = "console=dtuart dtuart=serial0 dom0_max_vcpus=1 bootscrub=0 vwfi=native sched=null"
DOM0_DEFAULT = "console=hvc0 earlycon=xenboot clk_ignore_unused"

GLOBAL = """MEMORY_START MEMORY_END LOAD_CMD BOOT_CMD DEVICE_TREE NUM_DT_OVERLAY UBOOT_SOURCE
UBOOT_SCRIPT APPEND_EXTRA_CMDS XEN XEN_CMD XEN_STATIC_HEAP XEN_POLICY NUM_CPUPOOLS DOM0_KERNEL
DOM0_RAMDISK DOM0_CMD DOM0_MEM DOM0_VCPUS NUM_DOMUS XEN_COLORS DOM0_COLORS
DBG_FDT_PRINT_CHOSEN""".split()
INDEXED = """DT_OVERLAY CPUPOOL DOMU_KERNEL DOMU_RAMDISK DOMU_CMD DOMU_MEM DOMU_VCPUS DOMU_COLORS
DOMU_NOBOOT DOMU_STATIC_MEM DOMU_DIRECT_MAP DOMU_ENHANCED DOMU_CPUPOOL DOMU_DRIVER_DOMAIN
DOMU_SHARED_MEM DOMU_STATIC_EVTCHNS DOMU_VCPU_HARD_AFFINITY DOMU_GRANT_VER DOMU_GRANT_FRAMES
DOMU_MAPTRACK_FRAMES DOMU_VPL011 DOMU_NR_SPIS DOMU_CAPS DOMU_DOMID DOMU_P2M_MEM_MB
DOMU_PASSTHROUGH_DTB""".split()
REFUSED = {
    "BITSTREAM": "FPGA images are not loaded",
    "NUM_BOOT_AUX_FILE": "auxiliary files are not loaded",
    "BOOT_AUX_FILE": "auxiliary files are not loaded",
    "FIT": "write a FIT with `uboot --fit`",
    "FIT_ENC_KEY_DIR": "FIT images are not signed",
    "FIT_ENC_UB_DTB": "FIT images are not signed",
    "FDTEDIT": "device-tree edits belong in an overlay (DT_OVERLAY)",
    "BOOTBIN": "boot images of that family are not made",
    "GPT": "the card has an MBR; see `image`",
    "DOM0_ROOTFS": "a root partition is the business of `image`; name root= in DOM0_CMD",
    "DOMU_ROOTFS": "guests with a disk are created from dom0 by xl",
    "LINUX": "Linux without a hypervisor is not booted",
    "LINUX_CMD": "Linux without a hypervisor is not booted",
    "LINUX_RAMDISK": "Linux without a hypervisor is not booted",
    "XEN_LOAD": "all files come from one place (LOAD_CMD)",
    "DOM0_LOAD": "all files come from one place (LOAD_CMD)",
    "DOMU_LOAD": "all files come from one place (LOAD_CMD)",
    "DOMU_PASSTHROUGH_PATHS": "make the partial tree, name it in DOMU_PASSTHROUGH_DTB",
    "DOMU_PASSTHROUGH_PROP": "put the properties into the partial tree (DOMU_PASSTHROUGH_DTB)",
    "PASSTHROUGH_DTS_REPO": "name the finished partial tree in DOMU_PASSTHROUGH_DTB",
    "LOPPER_PATH": "name the finished partial tree in DOMU_PASSTHROUGH_DTB",
    "LOPPER_CMD": "name the finished partial tree in DOMU_PASSTHROUGH_DTB",
}


def _check_name(name: str, indexed: bool, where: str) -> None:
    if name in REFUSED:
        raise UserError(f"{where}: {name} is not supported: {REFUSED[name]}", 2)
    if name not in GLOBAL and name not in INDEXED:
        raise UserError(f"{where}: {name} is no key of ImageBuilder's that is known here", 2)
    if indexed != (name in INDEXED):
        form = f"{name}[number]=" if name in INDEXED else f"{name}="
        raise UserError(f"{where}: {name} is written {form}", 2)


class _Config:
    """Typed access to the assignments; errors name the key."""

    def __init__(self, values: Values, label: str) -> None:
        self.values = values
        self.label = label

    def text(self, name: str, index: int | None = None, default: str = "") -> str:
        return self.values.get((name, index, None)) or default

    def number(self, name: str, index: int | None = None, default: int = 0) -> int:
        text = self.text(name, index)
        try:
            return int(text, 0) if text else default
        except ValueError as e:
            raise self.error(name, index, f"{text!r} is no number") from e

    def numbers(self, name: str, index: int | None, group: int) -> list[tuple[int, ...]]:
        """Groups of numbers separated by spaces or commas."""
        words = (
            re.split(r"[\s,]+", self.text(name, index).strip()) if self.text(name, index) else []
        )
        if len(words) % group:
            raise self.error(name, index, f"numbers come in groups of {group}")
        try:
            flat = [int(word, 0) for word in words]
        except ValueError as e:
            raise self.error(name, index, "not all are numbers") from e
        return [tuple(flat[i : i + group]) for i in range(0, len(flat), group)]

    def choice(self, name: str, index: int, choices: dict[str, str]) -> str:
        text = self.text(name, index, "0")
        if text not in choices:
            raise self.error(name, index, f"{text!r} is none of {', '.join(choices)}")
        return choices[text]

    def error(self, name: str, index: int | None, why: str) -> UserError:
        place = name if index is None else f"{name}[{index}]"
        return UserError(f"{self.label}: {place}: {why}", 2)


def load(path: Path) -> Spec:
    """The machine a configuration describes. Raises UserError."""
    try:
        text = path.read_text()
    except OSError as e:
        raise UserError(f"{path}: {e.strerror}; --config names a file", 2) from e
    except UnicodeDecodeError as e:
        raise UserError(f"{path} is not text", 2) from e
    return parse(text, str(path))


def parse(text: str, label: str) -> Spec:
    """The same from the file's text; `label` names it in messages."""
    values = assignments.read(text, label, _check_name)
    config = _Config(values, label)
    count = config.number("NUM_DOMUS")
    for (name, index, _), _value in values.items():
        if name.startswith("DOMU_") and index is not None and index >= count:
            raise config.error(name, index, f"NUM_DOMUS is {count}")
    start, end = config.number("MEMORY_START"), config.number("MEMORY_END")
    pools = tuple(_pool(config, i) for i in range(config.number("NUM_CPUPOOLS")))
    guests = [_guest(config, i) for i in range(count) if not config.number("DOMU_NOBOOT", i)]
    return Spec(
        hypervisor=config.text("XEN"),
        arguments=_hypervisor_arguments(config),
        dom0=_dom0(config),
        guests=tuple(guests),
        pools=pools,
        static_heap=tuple(Range(*pair) for pair in config.numbers("XEN_STATIC_HEAP", None, 2)),
        policy=config.text("XEN_POLICY"),
        device_tree=config.text("DEVICE_TREE"),
        overlays=tuple(
            config.text("DT_OVERLAY", i) for i in range(config.number("NUM_DT_OVERLAY"))
        ),
        memory=Range(start, end - start) if end else None,
        extra=tuple(filter(None, [config.text("APPEND_EXTRA_CMDS")])),
    )


def _hypervisor_arguments(config: _Config) -> str:
    line = config.text("XEN_CMD")
    if line:
        return line
    memory = config.number("DOM0_MEM", None, 1500)
    vcpus = config.number("DOM0_VCPUS", None, 1)
    line = XEN_DEFAULT.replace("dom0_max_vcpus=1", f"dom0_mem={memory}M dom0_max_vcpus={vcpus}")
    for key, word in (("XEN_COLORS", "xen-llc-colors"), ("DOM0_COLORS", "dom0-llc-colors")):
        line += f" {word}={config.text(key)}" if config.text(key) else ""
    return line


def _dom0(config: _Config) -> Dom0 | None:
    kernel, ramdisk = config.text("DOM0_KERNEL"), config.text("DOM0_RAMDISK")
    if not kernel:
        return None
    line = config.text("DOM0_CMD", None, DOM0_DEFAULT)
    return Dom0(kernel, ramdisk, line if "root=" in line else f"{line} root=/dev/ram0")


def _pool(config: _Config, index: int) -> Pool:
    cpus, _, scheduler = config.text("CPUPOOL", index).partition(" ")
    if not cpus:
        raise config.error("CPUPOOL", index, "write `cpu@1,cpu@2 scheduler`")
    return Pool(tuple(cpus.split(",")), scheduler.strip())


CELLS: dict[str, Callable[[int], tuple[str, int]]] = {
    "DOMU_GRANT_VER": lambda n: ("max_grant_version", n),
    "DOMU_GRANT_FRAMES": lambda n: ("max_grant_frames", n),
    "DOMU_MAPTRACK_FRAMES": lambda n: ("max_maptrack_frames", n),
    "DOMU_NR_SPIS": lambda n: ("nr_spis", n),
    "DOMU_CAPS": lambda n: ("capabilities", n),
    "DOMU_DOMID": lambda n: ("domid", n),
    "DOMU_P2M_MEM_MB": lambda n: ("xen,domain-p2m-mem-mb", n),
    "DOMU_DRIVER_DOMAIN": lambda n: ("driver-domain", n),
}
"""Keys that are one cell of the domain's node."""


def _guest(config: _Config, i: int) -> Guest:
    kernel = config.text("DOMU_KERNEL", i)
    if not kernel:
        raise config.error("DOMU_KERNEL", i, "is missing")
    static = tuple(Range(*pair) for pair in config.numbers("DOMU_STATIC_MEM", i, 2))
    memory = config.number("DOMU_MEM", i, 512) << 10
    cells = [make(config.number(key, i)) for key, make in CELLS.items() if config.text(key, i)]
    affinity = {
        vcpu: value
        for (name, index, vcpu), value in config.values.items()
        if name == "DOMU_VCPU_HARD_AFFINITY" and index == i and vcpu is not None
    }
    vcpus = config.number("DOMU_VCPUS", i, 1)
    every = config.text("DOMU_VCPU_HARD_AFFINITY", i)
    return Guest(
        kernel=kernel,
        name=f"domU{i}",
        ramdisk=config.text("DOMU_RAMDISK", i),
        passthrough=config.text("DOMU_PASSTHROUGH_DTB", i),
        arguments=config.text("DOMU_CMD", i, "console=ttyAMA0"),
        memory=sum(r.size for r in static) >> 10 if static else memory,
        vcpus=vcpus,
        vpl011=bool(config.number("DOMU_VPL011", i, 1)),
        static_memory=static,
        direct_map=bool(config.number("DOMU_DIRECT_MAP", i, int(bool(static)))),
        enhanced=config.choice("DOMU_ENHANCED", i, {"0": "", "1": "enabled", "2": "no-xenstore"}),
        shared_memory=_shared(config, i),
        channels=_channels(config, i),
        pool=config.number("DOMU_CPUPOOL", i) if config.text("DOMU_CPUPOOL", i) else None,
        affinity=(dict.fromkeys(range(vcpus), every) if every else {}) | affinity,
        numbers=dict(cells),
    )


def _shared(config: _Config, i: int) -> tuple[SharedMemory, ...]:
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


def _channels(config: _Config, i: int) -> tuple[Channel, ...]:
    parts = [p.split() for p in config.text("DOMU_STATIC_EVTCHNS", i).split(";") if p.strip()]
    if any(len(part) != 3 or not all(word.isdecimal() for word in part) for part in parts):
        raise config.error("DOMU_STATIC_EVTCHNS", i, "write `local-port domain remote-port; ...`")
    return tuple(Channel(*(int(word) for word in part)) for part in parts)
