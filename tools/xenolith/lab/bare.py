# SPDX-License-Identifier: Apache-2.0
"""A boot without a boot loader: QEMU puts everything into memory, right unless it is changed.

For what a boot loader or a firmware can do wrong, and for trees that no QEMU machine has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xenolith.boards import Board
from xenolith.dt import blob, chosen
from xenolith.lab import qemu, stub
from xenolith.lab.stub import Idle
from xenolith.system import kernel
from xenolith.system.placement import MIB, Region

MEMORY = 1024
TREE, KERNEL, INITRD = 0x800_0000, 0x200_0000, 0x500_0000
"""Offsets into RAM."""
PLACES = {"arm64": (0x10_0000, 0x40_0000), "riscv": (0x20_0000, 0x40_0000)}
"""By port, offsets of start code and hypervisor. QEMU's own tree is in the first MiB (arm64);
OpenSBI jumps to 2 MiB (RISC-V)."""


@dataclass(frozen=True)
class Boot:
    """A boot, right unless changed. Addresses are offsets into RAM, sizes in bytes."""

    kernel: Callable[[Idle], bytes] = Idle.image
    kernel_at: int = KERNEL
    kernel_size: int | None = None
    initrd: bytes = b"\x1f\x8b\x08" + bytes(5000)
    initrd_at: int = INITRD
    arguments: str = "dom0_mem=256M noreboot"
    console: str = ""
    """Device-tree path; empty: the board's."""
    modules: bool = True
    tree: Callable[[Any, int], None] = lambda _tree, _ram: None
    """Changes the tree; the second argument: where RAM begins."""
    blob: Callable[[bytes], bytes] = lambda data: data
    """Changes its bytes."""
    tree_at: int | None = TREE
    """What the hypervisor is told; None: nothing."""


def device_tree(board: Board, boot: Boot) -> bytes:
    tree = blob.parse(qemu.base_tree(board, 1, MEMORY))
    kernel_file = boot.kernel(stub.IDLE[board.arch])
    size = len(kernel_file) if boot.kernel_size is None else boot.kernel_size
    base = board.ram_base
    modules = [
        chosen.Module(chosen.KERNEL, base + boot.kernel_at, size, "console=hvc0"),
        chosen.Module(chosen.RAMDISK, base + boot.initrd_at, len(boot.initrd)),
    ]
    line = f"console=dtuart dtuart={boot.console or board.console} {boot.arguments}"
    chosen.add_modules(tree, line, modules if boot.modules else [])
    if board.arch == "riscv":
        # As OpenSBI adds it to the tree that it passes on: its own memory.
        reserve(0, 0x8_0000)(tree, base)
    boot.tree(tree, base)
    return boot.blob(blob.serialize(tree))


def loadable(files: dict[int, bytes], at: int, base: int, folder: Path) -> Iterator[qemu.Load]:
    """What of `files` (by address) QEMU can load: all in RAM, beside the hypervisor at `at`."""
    full = [Region("the hypervisor", at, MIB)]
    for number, (address, data) in enumerate(files.items()):
        region = Region(str(number), address, len(data))
        path = folder / f"part{number}"
        path.write_bytes(data)
        inside = base <= address < base + MEMORY * MIB
        if inside and not any(region.overlaps(other) for other in full):
            yield qemu.Load(path, address)
            full.append(region)


def options(board: Board, boot: Boot, hypervisor: Path, folder: Path) -> list[str]:
    """QEMU's options that put everything into memory and begin at the start code."""
    start, xen = PLACES[board.arch]
    base = board.ram_base
    # QEMU's loader puts an arm64 image at its text_offset; a RISC-V image runs anywhere.
    offset = kernel.read(hypervisor, board.arch).text_offset if board.arch == "arm64" else 0
    at = base + xen + offset
    begin = stub.jump(board.arch, at, 0 if boot.tree_at is None else base + boot.tree_at)
    files = {
        base + start: begin,
        base + TREE: device_tree(board, boot),
        base + boot.kernel_at: boot.kernel(stub.IDLE[board.arch]),
        base + boot.initrd_at: boot.initrd,
    }
    if board.arch == "arm64":
        first = ["-device", f"loader,addr={base + start:#x},cpu-num=0"]
    else:
        # OpenSBI jumps to what QEMU takes for the kernel.
        del files[base + start]
        (folder / "stub").write_bytes(begin)
        first = ["-kernel", str(folder / "stub")]
    loads = [qemu.Load(hypervisor, at), *loadable(files, at, base, folder)]
    return [*qemu.loaders(loads), *first]


def reserve(offset: int, size: int) -> Callable[[Any, int], None]:
    """Adds a range of RAM to /reserved-memory."""

    def change(tree: Any, ram: int) -> None:
        start = ram + offset
        parent = tree.get_node("/reserved-memory", create=True)
        blob.set_cells(parent, "#address-cells", 2)
        blob.set_cells(parent, "#size-cells", 2)
        blob.set_bytes(parent, "ranges", b"")
        node = tree.get_node(f"/reserved-memory/firmware@{start:x}", create=True)
        blob.set_cells(node, "reg", 0, start, 0, size)

    return change
