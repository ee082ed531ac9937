"""What a boot loader can do wrong: the hypervisor names the fault on the UART and stops."""

from __future__ import annotations

import gzip
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from xenolith.boards import Board
from xenolith.dt import blob, chosen
from xenolith.lab import qemu, stub
from xenolith.lab.console import Console, Deadline, LabError
from xenolith.system import kernel
from xenolith.system.placement import MIB, Region

MEMORY = 1024
STUB, XEN, TREE, KERNEL, INITRD = 0x10_0000, 0x20_0000, 0x800_0000, 0x200_0000, 0x500_0000
"""Offsets into RAM; QEMU's own tree lies in its first MiB."""
END = rb"Panic on CPU|Halted|Reboot in|halt"
SECONDS = 15.0


def image(
    code: bytes = b"\x00\x00\x00\x14", *, size: int = 0x10000, arch: bytes = b"ARM\x64"
) -> bytes:
    """A kernel that does nothing: an Image header and a branch to itself."""
    head = code + bytes(4) + struct.pack("<QQQ", 0, size, 0xA) + bytes(24) + arch + bytes(4)
    return head + bytes(0x1000 - len(head))


def cut_image() -> bytes:
    """A kernel whose PE header has a section that ends behind the module."""
    pe = struct.pack("<IHHIIIHH", 0x4550, 0xAA64, 1, 0, 0, 0, 0, 0)
    section = struct.pack("<8sIIII", b".text", MIB, 0x1000, MIB, 0x1000) + bytes(16)
    head = image()[:60] + struct.pack("<I", 64) + pe + section
    return head + bytes(0x1000 - len(head))


@dataclass(frozen=True)
class Boot:
    """A boot, right unless changed. Addresses are offsets into RAM, sizes in bytes."""

    kernel: bytes = field(default_factory=image)
    kernel_at: int = KERNEL
    kernel_size: int | None = None
    initrd: bytes = b"\x1f\x8b\x08" + bytes(5000)
    initrd_at: int = INITRD
    arguments: str = "console=dtuart dtuart=/pl011@9000000 dom0_mem=256M noreboot"
    modules: bool = True
    tree: Callable[[Any], None] = lambda _tree: None
    """Changes the tree."""
    blob: Callable[[bytes], bytes] = lambda data: data
    """Changes its bytes."""
    tree_at: int | None = TREE
    """What the hypervisor is told; None: nothing."""


def device_tree(board: Board, boot: Boot) -> bytes:
    tree = blob.parse(qemu.base_tree(board, 1, MEMORY))
    size = len(boot.kernel) if boot.kernel_size is None else boot.kernel_size
    base = board.ram_base
    modules = [
        chosen.Module(chosen.KERNEL, base + boot.kernel_at, size, "console=hvc0"),
        chosen.Module(chosen.RAMDISK, base + boot.initrd_at, len(boot.initrd)),
    ]
    chosen.add_modules(tree, boot.arguments, modules if boot.modules else [])
    boot.tree(tree)
    return boot.blob(blob.serialize(tree))


def loadable(files: dict[int, bytes], at: int, base: int, folder: Path) -> Iterator[qemu.Load]:
    """What of `files` (by address) QEMU can put into RAM beside the hypervisor at `at`.

    QEMU loads nothing outside RAM, and no two things to one place: what the tree says is enough
    for these faults.
    """
    full = [Region("the hypervisor", at, MIB)]
    for number, (address, data) in enumerate(files.items()):
        region = Region(str(number), address, len(data))
        path = folder / f"part{number}"
        path.write_bytes(data)
        inside = base <= address < base + MEMORY * MIB
        if inside and not any(region.overlaps(other) for other in full):
            yield qemu.Load(path, address)
            full.append(region)


@pytest.fixture
def start(board: Board, hypervisor: Path, on_xen: bool, tmp_path: Path) -> Callable[..., str]:
    """A function that boots, waits for a message and the halt, and returns all that was said."""
    if on_xen:
        pytest.skip("the messages are ours")
    if board.arch != "arm64":
        pytest.skip(f"no start code for {board.arch}")

    def run(boot: Boot, message: str, machine: str = "", *, ends: bool = True) -> str:
        played = replace(board, qemu=replace(board.qemu, machine=machine)) if machine else board
        base = board.ram_base
        at = base + XEN + kernel.read(hypervisor, board.arch).text_offset
        told = 0 if boot.tree_at is None else base + boot.tree_at
        files = {
            base + STUB: stub.jump(board.arch, at, told),
            base + TREE: device_tree(played, boot),
            base + boot.kernel_at: boot.kernel,
            base + boot.initrd_at: boot.initrd,
        }
        loads = [qemu.Load(hypervisor, at), *loadable(files, at, base, tmp_path)]
        command = [*played.qemu.command(1, MEMORY), *qemu.loaders(loads)]
        command += ["-device", f"loader,addr={base + STUB:#x},cpu-num=0"]
        log = tmp_path / "console.log"
        with qemu.Machine(command) as running:
            console = Console(running, log, forbidden=())
            deadline = Deadline(SECONDS)
            try:
                console.expect(message.encode(), deadline, repr(message))
                while ends and not re.search(END, console.data):
                    console.receive(deadline, "the halt")
            except LabError as e:
                pytest.fail(f"{e.message}\n{e.tail}", pytrace=False)
            return bytes(console.data).decode(errors="replace")

    return run


def cut(data: bytes) -> bytes:
    """A blob that ends early and says so in its header."""
    size = len(data) // 2
    return data[:4] + struct.pack(">I", size) + data[8:size]


def unknown_tag(data: bytes) -> bytes:
    (struct_at,) = struct.unpack_from(">I", data, 8)
    at = data.index(struct.pack(">I", blob.PROP), struct_at)
    return data[:at] + struct.pack(">I", 0x77) + data[at + 4 :]


def without(path: str) -> Callable[[Any], None]:
    """Removes a node of the root."""
    return lambda tree: tree.root.remove_subnode(path)


def reserve(start: int, size: int) -> Callable[[Any], None]:
    """Adds a range to /reserved-memory; `start` is an address."""

    def change(tree: Any) -> None:
        parent = tree.get_node("/reserved-memory", create=True)
        blob.set_cells(parent, "#address-cells", 2)
        blob.set_cells(parent, "#size-cells", 2)
        blob.set_bytes(parent, "ranges", b"")
        node = tree.get_node(f"/reserved-memory/firmware@{start:x}", create=True)
        blob.set_cells(node, "reg", 0, start, 0, size)

    return change


RAM = 0x4000_0000
NO_RAM = Boot(tree=without(f"memory@{RAM:x}"))
CASES = {
    "no tree": (Boot(tree_at=None), r"device tree at 0(x0)? is not usable"),
    "zeros for a tree": (Boot(blob=lambda d: bytes(len(d))), "device tree at .* is not usable"),
    "tree elsewhere": (Boot(tree_at=0x900_0000), "device tree at .* is not usable"),
    "tree cut short": (Boot(blob=cut), "device tree at .* is not usable"),
    "tree damaged": (Boot(blob=unknown_tag), "device tree at .* is not usable"),
    "no chosen": (Boot(tree=without("chosen")), "no /chosen node"),
    "no modules": (Boot(modules=False), "No kernel for dom0"),
    "no memory": (NO_RAM, "no usable RAM"),
    "no kernel there": (Boot(kernel=bytes(0x1000)), "dom0 kernel: it is no kernel image"),
    "ELF kernel": (Boot(kernel=b"\x7fELF" + bytes(0x1000)), "dom0 kernel: it is no kernel image"),
    "RISC-V kernel": (Boot(kernel=image(arch=b"RSC\x05")), "dom0 kernel: it is no kernel image"),
    "kernel of 40 bytes": (Boot(kernel=image()[:40]), "dom0 kernel: "),
    "empty kernel": (Boot(kernel_size=0), "size is 0"),
    "absurd header": (Boot(kernel=image(size=1 << 62)), "dom0 kernel"),
    "kernel cut": (Boot(kernel=cut_image()), "the image has 1052672 bytes, its module only 4096"),
    "kernel too large": (Boot(kernel=image(size=600 * MIB)), "dom0 kernel .*raise dom0_mem"),
    "gzip cut": (Boot(kernel=gzip.compress(image())[:-20]), "gzip data is damaged"),
    "gzip damaged": (Boot(kernel=b"\x1f\x8b\x08" + b"\xff" * 4000), "gzip data is damaged"),
    "modules overlap": (Boot(initrd_at=KERNEL + 0x800), "lies over kernel"),
    "over the hypervisor": (Boot(kernel_at=XEN + 0x1000), "lies over the hypervisor"),
    "over the tree": (Boot(initrd_at=TREE + 0x100), "lies over the device tree"),
    "over reserved memory": (Boot(tree=reserve(RAM + KERNEL - 0x1000, 0x2000)), "lies over "),
    "outside RAM": (Boot(kernel_at=2 << 30), "is not all in RAM"),
    "beyond RAM": (Boot(kernel_size=1 << 40), "is not all in RAM"),
    "dom0_mem too large": (
        Boot(arguments="dom0_mem=8G noreboot"),
        "dom0_mem=8192M: this machine has",
    ),
    "dom0_mem tiny": (Boot(arguments="dom0_mem=1M noreboot"), "dom0_mem"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_fault_is_named(start: Callable[..., str], case: str) -> None:
    boot, message = CASES[case]
    start(boot, message)


def test_a_right_boot_starts_dom0(start: Callable[..., str]) -> None:
    """The frame around these cases is right: without a fault the kernel is loaded."""
    start(Boot(), "Loading d0 initrd", ends=False)


@pytest.mark.parametrize(
    ("machine", "message"),
    [
        ("virt,virtualization=off,gic-version=2", "was entered at EL1, not at EL2"),
        ("virt,virtualization=on,gic-version=3", "no GICv2 in the device tree"),
    ],
)
def test_machines_that_cannot_do_it(
    start: Callable[..., str], board: Board, machine: str, message: str
) -> None:
    start(Boot(), message, machine)


def test_a_console_that_is_not_there_is_named(start: Callable[..., str]) -> None:
    boot = Boot(kernel=bytes(0x1000), arguments="dtuart=/nothing@0 dom0_mem=256M noreboot")
    said = start(boot, "dom0 kernel")
    assert "dtuart=/nothing@0" in said
