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
from xenolith.errors import UserError

FDT_ROOM = 4096
"""Bytes that `fdt resize` adds at least: nodes and properties of a boot."""


@dataclass(frozen=True)
class Load:
    """A file to load; `size` in bytes, None: found out on the target."""

    what: str
    file: str
    address: int
    size: int | None = None

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
    hypervisor: int
    """Address that booti starts."""
    tree: int
    """Where the device tree is edited."""
    tree_from: str = ""
    """The variable with the address of the firmware's tree, which is moved; empty: a file."""
    modules: dict[str, Load] = field(default_factory=dict)
    """Path of a module's node to what is loaded there: its `reg` comes from the load."""
    overlays: Sequence[int] = ()
    """Addresses of overlays to apply."""
    extra: Sequence[str] = ()
    """Commands of the user before booti."""


def quote(text: str) -> str:
    """`text` as one word of U-Boot's shell. Raises UserError for what no quoting can carry."""
    if not text.isascii() or any(ord(c) < 0x20 for c in text):
        raise UserError(f"U-Boot script: {text!r} has control or non-ASCII characters", 2)
    if "'" in text:
        raise UserError(f"U-Boot script: {text!r} has a single quote; use double quotes", 2)
    return text if re.fullmatch(r"[\w@%+=:,./-]+", text) else f"'{text}'"


def _name(name: str) -> str:
    """A property's name; the # of #address-cells begins a comment unless escaped."""
    return name.replace("#", "\\#")


def _value(value: edit.Value) -> str:
    if isinstance(value, edit.Cells):
        return " <" + " ".join(f"{cell:#x}" for cell in value.values) + ">"
    if isinstance(value, edit.Strings):
        return "".join(" " + quote(text) for text in value.values)
    return ""


def fdt_command(change: Edit) -> str:
    """One edit as a command."""
    if isinstance(change, edit.Node):
        parent, _, name = change.path.rpartition("/")
        return f"fdt mknod {parent or '/'} {name}"
    if isinstance(change, edit.Remove):
        return f"fdt rm {change.path} {_name(change.name)}".rstrip()
    return f"fdt set {change.path} {_name(change.name)}{_value(change.value)}"


def _or_stop(command: str, message: str) -> list[str]:
    return [f"if {command}; then true; else", f"  echo {quote(message)}", "  exit 1", "fi"]


def _load(source: Source, load: Load) -> list[str]:
    lines = _or_stop(
        f"{source.command} {load.address:#x} {quote(load.file)}",
        f"{load.what}: {load.file} was not loaded",
    )
    return (
        lines if load.size is not None else [*lines, f"setenv {load.size_variable} 0x${{filesize}}"]
    )


def _reg(path: str, load: Load) -> str:
    high, low = divmod(load.address, 1 << 32)
    if load.size is None:
        size = f"0x0 ${{{load.size_variable}}}"
    else:
        size = " ".join(f"{half:#x}" for half in divmod(load.size, 1 << 32))
    return f"fdt set {path} reg <{high:#x} {low:#x} {size}>"


def _tree(plan: Plan) -> list[str]:
    """Commands that make the working tree: large enough, where the plan wants it."""
    if plan.tree_from:
        lines = _or_stop(f"fdt addr ${{{plan.tree_from}}}", "the firmware gave no device tree")
        # There may be no room behind the firmware's own.
        lines += _or_stop(f"fdt move ${{{plan.tree_from}}} {plan.tree:#x}", "it cannot be moved")
    else:
        lines = _or_stop(f"fdt addr {plan.tree:#x}", "the device tree is damaged")
    lines.append(f"fdt resize {FDT_ROOM:#x}")
    for address in plan.overlays:
        lines += _or_stop(f"fdt apply {address:#x}", f"overlay at {address:#x} does not fit")
    return lines


def text(plan: Plan) -> str:
    """The script."""
    lines = [*plan.source.setup]
    for load in plan.loads:
        lines += _load(plan.source, load)
    lines += _tree(plan)
    for change in plan.edits:
        lines.append(fdt_command(change))
        if isinstance(change, edit.Node) and change.path in plan.modules:
            lines.append(_reg(change.path, plan.modules[change.path]))
    lines += plan.extra
    # The tree stays where it is: U-Boot would move it to where the hypervisor may not look.
    lines.append("setenv fdt_high 0xffffffffffffffff")
    lines.append(f"booti {plan.hypervisor:#x} - {plan.tree:#x}")
    lines.append(f"echo {quote('booti came back: the hypervisor was not started')}")
    return "\n".join(lines) + "\n"


def first_stage(source: Source, address: int, name: str) -> str:
    """A script for the card that fetches the real one and runs it at `address`."""
    fetch = _or_stop(
        f"{source.command} {address:#x} {quote(name)}", f"{name} was not loaded; is the server up?"
    )
    return "\n".join([*source.setup, *fetch, f"source {address:#x}"]) + "\n"
