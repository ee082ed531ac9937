# SPDX-License-Identifier: Apache-2.0
"""Makes a system bootable: checks its files, gives each a place, writes the device tree."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from xenolith.dt import blob, chosen
from xenolith.errors import UserError
from xenolith.system import kernel
from xenolith.system.kernel import Image
from xenolith.system.model import System
from xenolith.system.placement import Region, Want, check, place

ARCHIVES = (
    b"0707",
    b"\x1f\x8b",
    b"\xfd7zXZ",
    b"\x28\xb5\x2f\xfd",
    b"BZh",
    b"\x02\x21",
    b"\x5d\0",
    b"\x89LZO",
)
"""How cpio archives and the formats Linux unpacks begin."""


@dataclass(frozen=True)
class Layout:
    """Where the parts of a system lie."""

    taken: tuple[Region, ...]
    kernel: Region
    """As long as the file; the memory the kernel needs when it runs is dom0's."""
    initrd: Region


def images(system: System) -> tuple[Image, Image]:
    """The headers of hypervisor and dom0 kernel. Raises UserError for what cannot boot."""
    arch = system.board.arch
    hypervisor = kernel.read(system.hypervisor, arch, what="hypervisor", gzip=False)
    dom0 = kernel.read(system.kernel, arch, what="dom0 kernel")
    return hypervisor, dom0


def layout(system: System, dom0: Image, initrd_size: int, taken: tuple[Region, ...]) -> Layout:
    """Places kernel and initramfs at the board's addresses, or above if these are taken.

    `taken`: what the loader has put into memory already. Raises UserError if it does not fit.
    """
    board = system.board
    ram = Region("RAM", board.ram_base, board.ram_end(system.memory) - board.ram_base)
    wants = [
        Want("the dom0 kernel", board.kernel_addr, dom0.module_size),
        Want("the initramfs", board.initrd_addr, initrd_size),
    ]
    placed = place(ram, taken, wants)
    check(ram, [*taken, *placed])
    return Layout(taken, placed[0], placed[1])


def initrd_bytes(path: Path | None, overlay: bytes) -> bytes:
    """The initramfs, if there is one, with the archive of this run behind it. Raises UserError."""
    if path is None:
        return overlay
    try:
        data = path.read_bytes()
    except OSError as e:
        raise UserError(f"initramfs {path}: {e.strerror}") from e
    if not data:
        raise UserError(f"initramfs {path} is empty")
    if not data.startswith(ARCHIVES):
        raise UserError(f"{path} is no initramfs: neither cpio nor compressed")
    # An uncompressed archive must start at a multiple of 4 (Linux, init/initramfs.c).
    return data + bytes(-len(data) % 4) + overlay


def device_tree(system: System, base: bytes, where: Layout) -> bytes:
    """`base` with the boot modules of `system`. Raises UserError."""
    tree = blob.parse(base)
    modules = [
        chosen.Module(chosen.KERNEL, where.kernel.start, where.kernel.size, system.dom0_line),
        chosen.Module(chosen.RAMDISK, where.initrd.start, where.initrd.size),
    ]
    chosen.add_modules(tree, system.hypervisor_line, modules)
    return blob.serialize(tree)
