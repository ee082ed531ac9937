# SPDX-License-Identifier: Apache-2.0
"""Boot scripts as text: files loaded, the device tree edited, the hypervisor started.

Pure functions. A script stops with a message at the first thing that fails, because what would
follow is a boot that fails without one. Commands: U-Boot, doc/usage/cmd/*.rst.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from xenolith.dt import edit
from xenolith.dt.edit import Edit
from xenolith.uboot.shell import fdt_command, or_stop, quote

__all__ = ["Load", "Plan", "Source", "fdt_command", "first_stage", "quote", "text", "tftp"]

FDT_ROOM = 4096
"""Bytes that `fdt resize` adds beside what the edits need."""


@dataclass(frozen=True)
class Load:
    """A file to load; `size` in bytes, None: found out on the target, at most `room`."""

    what: str
    file: str
    address: int
    size: int | None = None
    room: int = 0
    command: str = ""
    """U-Boot command that takes an address and a name; empty: that of the Source."""

    @property
    def size_variable(self) -> str:
        """The environment variable with the size, if the target finds it out."""
        return "size_" + re.sub(r"\W", "_", self.what)


@dataclass(frozen=True)
class Source:
    """Where files come from: a U-Boot command that takes an address and a name."""

    command: str
    setup: tuple[str, ...] = ()
    """Commands before the first file."""


TFTP = Source("tftpb")
CARD = Source("load ${devtype} ${devnum}:${distro_bootpart}")
"""The partition that the script itself came from, card or USB stick."""
USB = Source("fatload usb 0:1", ("usb start",))


def tftp(server: str = "", address: str = "") -> Source:
    """TFTP from `server` with our own `address` (dotted IPv4); without these by DHCP."""
    setup = [
        f"setenv {name} {ip}" for name, ip in (("serverip", server), ("ipaddr", address)) if ip
    ]
    return Source("tftpb", tuple(setup) if address else ("setenv autoload no", "dhcp", *setup))


@dataclass(frozen=True)
class Plan:
    """All that a boot script does, in this order."""

    source: Source
    loads: Sequence[Load]
    edits: Sequence[Edit]
    """Empty for a finished tree."""
    hypervisor: int
    """Where it is started."""
    tree: int
    """Where the device tree is edited."""
    tree_from: str = ""
    """The variable with the address of the firmware's tree, which is moved; empty: a file."""
    modules: dict[str, Load] = field(default_factory=dict)
    """Path of a module's node to what is loaded there: its `reg` comes from the load."""
    overlays: Sequence[int] = ()
    """Addresses of overlays to apply."""
    extra: Sequence[str] = ()
    """Commands of the user before the start."""
    boot: str = "booti"
    fit: int | None = None
    """Address of the FIT image that files are taken out of instead of being loaded."""
    print_chosen: bool = False


def fit_name(what: str) -> str:
    """The name of a file's node in a FIT image."""
    return re.sub(r"\W", "-", what)


def _load(plan: Plan, load: Load) -> list[str]:
    if plan.fit is not None:
        command = f"imxtract {plan.fit:#x} {fit_name(load.what)} {load.address:#x}"
        lines = or_stop(command, f"{load.what} was not found in the FIT image, or is damaged")
        return lines + _fpga(load)
    command = load.command or plan.source.command
    lines = or_stop(
        f"{command} {load.address:#x} {quote(load.file)}",
        f"{load.what}: {load.file} was not loaded",
    )
    if load.size is None:
        lines.append(f"setenv {load.size_variable} 0x${{filesize}}")
        lines += or_stop(
            f"itest ${{{load.size_variable}}} -le {load.room:#x}",
            f"{load.what}: {load.file} is larger than its place; make the scripts anew",
        )
    return lines + _fpga(load)


def _fpga(load: Load) -> list[str]:
    if load.what == "bitstream":
        size = f"{load.size:#x}" if load.size is not None else f"${{{load.size_variable}}}"
        command = f"fpga load 0 {load.address:#x} {size}"
        return or_stop(command, f"{load.file} was not loaded into the FPGA")
    return []


def _reg(path: str, load: Load) -> str:
    high, low = divmod(load.address, 1 << 32)
    if load.size is None:
        size = f"0x0 ${{{load.size_variable}}}"
    else:
        size = " ".join(f"{half:#x}" for half in divmod(load.size, 1 << 32))
    return f"fdt set {path} reg <{high:#x} {low:#x} {size}>"


def _firmware_tree(plan: Plan) -> list[str]:
    """Takes the firmware's tree away before files are loaded, which may be over it."""
    lines = or_stop(f"fdt addr ${{{plan.tree_from}}}", "the firmware gave no device tree")
    # There may be no room behind the firmware's own.
    return lines + or_stop(
        f"fdt move ${{{plan.tree_from}}} {plan.tree:#x}",
        f"the firmware's device tree cannot be moved to {plan.tree:#x}",
    )


def _size(change: Edit) -> int:
    """Bytes that an edit may add to a tree, generously."""
    if isinstance(change, edit.Set):
        value = change.value
        if isinstance(value, edit.Strings):
            return 64 + sum(len(text) + 1 for text in value.values)
        return 64 + 4 * len(value.values) if isinstance(value, edit.Cells) else 64
    return 64


def _edits(plan: Plan) -> list[str]:
    """The working tree, large enough, with everything set."""
    needed = sum(_size(change) + 64 for change in plan.edits)
    room = FDT_ROOM + -(-needed // FDT_ROOM) * FDT_ROOM
    lines = or_stop(f"fdt addr {plan.tree:#x}", "the device tree is damaged")
    lines += or_stop(f"fdt resize {room:#x}", "the device tree cannot grow")
    for address in plan.overlays:
        lines += or_stop(f"fdt apply {address:#x}", f"overlay at {address:#x} does not fit")
    if not plan.edits:
        return lines
    lines.append("if fdt get size size_chosen /chosen; then true; else fdt mknod / chosen; fi")
    for change in plan.edits:
        command = fdt_command(change)
        inside = change.path.startswith("/chosen")
        lines += [command] if inside else or_stop(command, f"no node {change.path}")
        if isinstance(change, edit.Node) and change.path in plan.modules:
            lines.append(_reg(change.path, plan.modules[change.path]))
    last = next(c for c in reversed(plan.edits) if isinstance(c, edit.Set))
    found = f"fdt get size size_chosen {last.path} {last.name}"
    return lines + or_stop(found, "the device tree has no room for /chosen")


def _start(plan: Plan) -> list[str]:
    hypervisor, tree = f"{plan.hypervisor:#x}", f"{plan.tree:#x}"
    lines = ["fdt print /chosen"] if plan.print_chosen else []
    # The tree stays where it is: U-Boot would move it to where the hypervisor may not look.
    lines.append("setenv fdt_high 0xffffffffffffffff")
    lines += plan.extra
    if plan.boot == "none":
        return [*lines, f"setenv host_kernel_addr {hypervisor}", f"setenv host_fdt_addr {tree}"]
    dash = "" if plan.boot == "bootefi" else "- "
    lines.append(f"{plan.boot} {hypervisor} {dash}{tree}")
    return [*lines, f"echo {quote(f'{plan.boot} came back: the hypervisor was not started')}"]


def text(plan: Plan) -> str:
    """The script."""
    lines = [] if plan.fit is not None else [*plan.source.setup]
    if plan.tree_from:
        lines += _firmware_tree(plan)
    for load in plan.loads:
        lines += _load(plan, load)
    lines += _edits(plan)
    lines += _start(plan)
    return "\n".join(lines) + "\n"


def first_stage(source: Source, address: int, name: str, part: str = "") -> str:
    """A script that fetches the real one and runs it at `address`; `part`: of a FIT image."""
    fetch = or_stop(
        f"{source.command} {address:#x} {quote(name)}", f"{name} was not loaded; is the server up?"
    )
    run = f"source {address:#x}:{part}" if part else f"source {address:#x}"
    return "\n".join([*source.setup, *fetch, run]) + "\n"
