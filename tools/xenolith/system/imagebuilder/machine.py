# SPDX-License-Identifier: Apache-2.0
"""What a configuration says of the machine: hypervisor, dom0, cpupools, how it is loaded."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from xenolith.errors import UserError
from xenolith.system import assignments
from xenolith.system.imagebuilder import guest, keys
from xenolith.system.imagebuilder.config import Config
from xenolith.system.spec import BOOT_COMMANDS, Dom0, Guest, Outputs, Pool, Range, Spec

EARLYCON = {"arm64": "xenboot", "riscv": "sbi"}
"""Linux's early console under the hypervisor, by port."""
DOM0_KEYS = "DOM0_MEM DOM0_VCPUS DOM0_COLORS DOM0_CMD DOM0_RAMDISK DOM0_ROOTFS".split()


def load(path: Path, arch: str = "arm64", console: str = "serial0") -> Spec:
    """The machine a configuration describes. Raises UserError.

    `arch`: the port's name; `console`: what dtuart= is if the configuration does not say.
    """
    try:
        text = path.read_text()
    except OSError as e:
        raise UserError(f"{path}: {e.strerror}; --config names a file", 2) from e
    except UnicodeDecodeError as e:
        raise UserError(f"{path} is not text", 2) from e
    return parse(text, str(path), arch, console)


def parse(text: str, label: str, arch: str = "arm64", console: str = "serial0") -> Spec:
    """The same from the file's text; `label` names it in messages."""
    config = Config(assignments.read(text, label, keys.check), label)
    count = config.count("NUM_DOMUS")
    _check_counts(config)
    spec = Spec(
        hypervisor=config.text("XEN"),
        arguments=_hypervisor_arguments(config, console),
        dom0=_dom0(config, arch),
        guests=_guests(config, count, arch),
        pools=tuple(_pool(config, i) for i in range(config.count("NUM_CPUPOOLS"))),
        static_heap=config.ranges("XEN_STATIC_HEAP"),
        policy=config.text("XEN_POLICY"),
        device_tree=config.text("DEVICE_TREE"),
        overlays=config.list("NUM_DT_OVERLAY", "DT_OVERLAY"),
        memory=_memory(config),
        hidden_devices=tuple(
            path
            for i in range(count)
            if config.is_set("DOMU_NOBOOT", i) or config.is_set("DOMU_ROOTFS", i)
            for path in config.text("DOMU_PASSTHROUGH_PATHS", i).split()
        ),
        print_chosen=config.is_set("DBG_FDT_PRINT_CHOSEN"),
    )
    return replace(_loading(config, spec), notes=tuple(config.notes))


def _loading(config: Config, spec: Spec) -> Spec:
    """How it comes into memory, and what is written."""
    boot = config.text("BOOT_CMD", None, "booti")
    if boot not in BOOT_COMMANDS:
        why = "starts 32-bit kernels" if boot == "bootz" else "is not known"
        raise config.error(
            "BOOT_CMD", None, f"{boot!r} {why}; there are {', '.join(BOOT_COMMANDS)}"
        )
    return replace(
        spec,
        boot=boot,
        extra_file=config.text("APPEND_EXTRA_CMDS"),
        bitstream=config.text("BITSTREAM"),
        aux=config.list("NUM_BOOT_AUX_FILE", "BOOT_AUX_FILE"),
        prefix=config.text("PREPEND_PATH").strip("/"),
        load=config.load("LOAD_CMD"),
        hypervisor_load=config.load("XEN_LOAD"),
        outputs=Outputs(
            script=config.text("UBOOT_SCRIPT"),
            source=config.text("UBOOT_SOURCE"),
            fit=config.text("FIT"),
            tree=config.text("FDTEDIT"),
        ),
    )


def _check_counts(config: Config) -> None:
    """Raises UserError for an element that nothing would read."""
    for name, index, _ in config.values:
        counter = keys.COUNTERS.get(name, "NUM_DOMUS")
        count = config.count(counter)
        if index is not None and index >= count:
            raise config.error(name, index, f"{counter} is {count}")


def _memory(config: Config) -> Range | None:
    start, end = config.number("MEMORY_START"), config.number("MEMORY_END")
    if not end:
        if start:
            raise config.error("MEMORY_END", None, "is missing beside MEMORY_START")
        return None
    if end <= start:
        raise config.error("MEMORY_END", None, f"{end:#x} is not above MEMORY_START")
    return Range(start, end - start)


def _guests(config: Config, count: int, arch: str) -> tuple[Guest, ...]:
    """Those that start; event channels and pools refer to domains by number, so these stay."""
    started = [i for i in range(count) if guest.starts(config, i)]
    found = [guest.read(config, i, arch) for i in started]
    for i, one in zip(started, found, strict=True):
        for channel in one.channels:
            if channel.remote not in started:
                raise config.error(
                    "DOMU_STATIC_EVTCHNS", i, f"domain {channel.remote} is not started at boot"
                )
    place = {i: number for number, i in enumerate(started)}
    return tuple(
        replace(one, channels=tuple(replace(c, remote=place[c.remote]) for c in one.channels))
        for one in found
    )


def _hypervisor_arguments(config: Config, console: str) -> str:
    line = config.text("XEN_CMD")
    if line:
        _check_dom0_words(config, line)
    else:
        memory, vcpus = config.number("DOM0_MEM", None, 1024), config.number("DOM0_VCPUS", None, 1)
        line = f"console=dtuart dtuart={console} dom0_mem={memory}M dom0_max_vcpus={vcpus}"
        line += " bootscrub=0 vwfi=native sched=null"
        for key, word in (("XEN_COLORS", "xen-llc-colors"), ("DOM0_COLORS", "dom0-llc-colors")):
            colors = config.colors(key)
            line += f" {word}={colors}" if colors else ""
    if config.text("DOM0_KERNEL"):
        return line
    return " ".join(word for word in line.split() if not word.startswith("dom0"))


def _check_dom0_words(config: Config, line: str) -> None:
    """Refuses DOM0_MEM and its like beside an XEN_CMD that does not say the same."""
    memory = config.number("DOM0_MEM")
    said = {
        "DOM0_MEM": {f"dom0_mem={memory}M", *([f"dom0_mem={memory >> 10}G"] * (not memory % 1024))},
        "DOM0_VCPUS": {f"dom0_max_vcpus={config.number('DOM0_VCPUS')}"},
        "DOM0_COLORS": {f"dom0-llc-colors={config.colors('DOM0_COLORS')}"},
        "XEN_COLORS": {f"xen-llc-colors={config.colors('XEN_COLORS')}"},
    }
    for key, words in said.items():
        if config.is_set(key) and not words & set(line.split()):
            raise config.error(key, None, f"XEN_CMD does not say {min(words)}; leave out one")


def _dom0(config: Config, arch: str) -> Dom0 | None:
    kernel = config.text("DOM0_KERNEL")
    if not kernel:
        for key in DOM0_KEYS:
            if config.is_set(key):
                raise config.error(key, None, "there is no dom0: DOM0_KERNEL is not set")
        return None
    line = config.text("DOM0_CMD")
    if not line:
        line = f"console=hvc0 earlycon={EARLYCON[arch]} earlyprintk clk_ignore_unused"
    if "root=" not in line:
        line += f" root={_root(config)}"
    return Dom0(kernel, config.text("DOM0_RAMDISK"), line, config.load("DOM0_LOAD"))


def _root(config: Config) -> str:
    """The partition after the one that files are loaded from, if dom0 has a root file system."""
    if not config.is_set("DOM0_ROOTFS"):
        return "/dev/ram0"
    command = config.load("LOAD_CMD")
    found = re.search(r"\b(mmc|scsi) (\d+):(\d+)$", command)
    if not found:
        why = f"which partition it is does not follow from LOAD_CMD={command!r}"
        raise config.error("DOM0_ROOTFS", None, f"{why}; write root= into DOM0_CMD")
    kind, device, partition = found[1], int(found[2]), int(found[3]) + 1
    if kind == "mmc":
        return f"/dev/mmcblk{device}p{partition}"
    return f"/dev/sd{chr(ord('a') + device)}{partition}"


def _pool(config: Config, index: int) -> Pool:
    words = config.text("CPUPOOL", index).split()
    if not words:
        raise config.error("CPUPOOL", index, "write `cpu@1,cpu@2 scheduler`")
    return Pool(tuple(words[0].split(",")), words[-1] if len(words) > 1 else "")
