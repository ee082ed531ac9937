# SPDX-License-Identifier: Apache-2.0
"""The boot script of an installed machine: one text for every board that the package may meet.

What differs between machines stands in a small file of `name=value` lines beside it, which is
written on the machine itself: the names of kernel and initramfs and three command lines. The
script is never written there, so nothing has to wrap it. Pure functions.
"""

from __future__ import annotations

from xenolith.boards import Board
from xenolith.dt import edit
from xenolith.errors import UserError
from xenolith.system.placement import MIB, Region, check
from xenolith.system.spec import Dom0, Spec
from xenolith.uboot import chosen, script

FOLDER = "xenolith"
"""Beside boot.scr: the hypervisor and its settings."""
HYPERVISOR = f"{FOLDER}/hypervisor"
SETTINGS = f"{FOLDER}/settings.env"
NAMES = ("start", "kernel", "initrd", "xen_args", "dom0_args", "linux_args")
"""What the settings define."""

KERNEL_ADDR_R = {"rpi4": 0x0008_0000, "qemu-virt-arm64": 0x4040_0000}
"""Where U-Boot's default environment would put a kernel (Debian's u-boot-rpi and u-boot-qemu
2025.01): the only address below which no board of ours has free memory."""

ROUND = 2 * MIB
ROOMS = (
    ("hypervisor", "xen_at", 4 * MIB),
    ("device tree", "tree_at", 4 * MIB),
    ("dom0 kernel", "kernel_at", 64 * MIB),
    ("dom0 ramdisk", "initrd_at", 96 * MIB),
)
"""What lies behind each other, the variable with its address, and its room."""
FIRST = 88 * MIB
"""From kernel_addr_r, rounded down, to the first of them: scripts are loaded between."""

ARGUMENTS = {"xen,xen-bootargs": "xen_args", "xen,dom0-bootargs": "dom0_args"}


def room(what: str) -> int:
    """How large that may be, bytes."""
    return next(size for name, _, size in ROOMS if name == what)


def regions(kernel_addr_r: int) -> list[Region]:
    """Where everything lies on a machine with that address."""
    at = kernel_addr_r // ROUND * ROUND + FIRST
    found = []
    for what, _, size in ROOMS:
        found.append(Region(what, at, size))
        at += size
    return found


def check_board(board: Board) -> None:
    """Raise UserError if the places are not free when the board's U-Boot runs the script."""
    if board.uboot is None or board.name not in KERNEL_ADDR_R:
        raise UserError(f"{board.name}: nothing is known about where its U-Boot loads a kernel", 2)
    uboot = board.uboot
    free = Region("RAM for files", uboot.start, uboot.end - uboot.start)
    check(free, regions(KERNEL_ADDR_R[board.name]))


def text() -> str:
    """The script."""
    lines = [
        "# Starts the Xenolith hypervisor. Made by its package; settings.env beside it says what.",
        'if test -n "${prefix}"; then true; else setenv prefix /; fi',
        'if test -n "${fdt_addr}"; then setenv tree ${fdt_addr}',
        "else setenv tree ${fdtcontroladdr}; fi",
        *_places(),
        # First of all: the firmware's tree may lie where something is loaded.
        *_or_stop("fdt addr ${tree}", "the firmware gave no device tree"),
        *_or_stop("fdt move ${tree} ${tree_at}", "the device tree cannot be moved"),
        f"fdt resize {script.FDT_ROOM:#x}",
        *_or_stop(_load("initrd_at", SETTINGS), f"{SETTINGS} was not loaded"),
        *_or_stop(
            f"env import -t ${{initrd_at}} ${{filesize}} {' '.join(NAMES)}",
            f"{SETTINGS} is damaged",
        ),
        *_or_stop(_load("kernel_at", "${kernel}"), "the kernel was not loaded"),
        "setenv kernel_size ${filesize}",
        *_or_stop(_load("initrd_at", "${initrd}"), "the initramfs was not loaded"),
        "setenv initrd_size ${filesize}",
        # What U-Boot moves could end where the hypervisor may not look.
        "setenv fdt_high 0xffffffffffffffff",
        'if test "${start}" = hypervisor; then',
        f"  if {_load('xen_at', HYPERVISOR)}; then",
        *(f"    {line}" for line in _start()),
        "  fi",
        "  echo 'The hypervisor was not started: Linux starts without it'",
        "fi",
        'setenv bootargs "${linux_args}"',
        "booti ${kernel_at} ${initrd_at}:${initrd_size} ${tree_at}",
        "echo 'booti came back: nothing was started'",
    ]
    return "\n".join(lines) + "\n"


def _places() -> list[str]:
    lines = [
        *_or_stop('test -n "${kernel_addr_r}"', "this U-Boot has no kernel_addr_r: set it"),
        f"setexpr next ${{kernel_addr_r}} / {ROUND:#x}",
        f"setexpr next ${{next}} * {ROUND:#x}",
        f"setexpr next ${{next}} + {FIRST:#x}",
    ]
    for _, variable, size in ROOMS:
        lines += [f"setenv {variable} 0x${{next}}", f"setexpr next ${{next}} + {size:#x}"]
    return lines


def _start() -> list[str]:
    """/chosen, and the hypervisor."""
    spec = Spec(HYPERVISOR, "", Dom0("kernel", "initrd", ""))
    described = chosen.describe(spec, {})
    at = {"dom0 kernel": "kernel", "dom0 ramdisk": "initrd"}
    lines = []
    for change in described.edits:
        lines.append(_command(change))
        if isinstance(change, edit.Node) and change.path in described.modules:
            name = at[described.modules[change.path]]
            reg = f"<0x0 ${{{name}_at}} 0x0 0x${{{name}_size}}>"
            lines.append(f"fdt set {change.path} reg {reg}")
    return [*lines, "booti ${xen_at} - ${tree_at}"]


def _command(change: edit.Edit) -> str:
    """One edit; the command lines are those of the settings."""
    if isinstance(change, edit.Set) and change.name in ARGUMENTS:
        return f'fdt set {change.path} {change.name} "${{{ARGUMENTS[change.name]}}}"'
    return script.fdt_command(change)


def _load(variable: str, name: str) -> str:
    return f"{script.CARD.command} ${{{variable}}} ${{prefix}}{name}"


def _or_stop(command: str, message: str) -> list[str]:
    return [f"if {command}; then true; else", f"  echo {script.quote(message)}", "  exit 1", "fi"]
