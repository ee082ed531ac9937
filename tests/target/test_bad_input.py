"""What a boot loader can do wrong: the hypervisor names the fault on the UART and stops."""

from __future__ import annotations

import gzip
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from xenolith.boards import Board
from xenolith.dt import blob, chosen
from xenolith.lab import qemu, stub
from xenolith.lab.console import Console, Deadline, LabError
from xenolith.lab.stub import Idle
from xenolith.system import kernel
from xenolith.system.placement import MIB, Region

MEMORY = 1024
TREE, KERNEL, INITRD = 0x800_0000, 0x200_0000, 0x500_0000
"""Offsets into RAM."""
END = rb"Panic on CPU|Halted|Reboot in|halt"
SECONDS = 15.0


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


@pytest.fixture
def start(board: Board, hypervisor: Path, on_xen: bool, tmp_path: Path) -> Callable[..., str]:
    """A function that boots, waits for a message and the halt, and returns all that was said."""
    if on_xen:
        pytest.skip("the messages are ours")

    def run(
        boot: Boot,
        message: str,
        machine: str = "",
        cpu: str = "",
        *,
        ends: bool = True,
        extra: Sequence[str] = (),
    ) -> str:
        model = replace(
            board.qemu, machine=machine or board.qemu.machine, cpu=cpu or board.qemu.cpu
        )
        played = replace(board, qemu=model)
        options = _start_options(played, boot, hypervisor, tmp_path)
        command = [*model.command(1, MEMORY), *options, *extra]
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


def _start_options(board: Board, boot: Boot, hypervisor: Path, folder: Path) -> list[str]:
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


def cut(data: bytes) -> bytes:
    """A blob that ends early and says so in its header."""
    size = len(data) // 2
    return data[:4] + struct.pack(">I", size) + data[8:size]


def unknown_tag(data: bytes) -> bytes:
    (struct_at,) = struct.unpack_from(">I", data, 8)
    at = data.index(struct.pack(">I", blob.PROP), struct_at)
    return data[:at] + struct.pack(">I", 0x77) + data[at + 4 :]


def without(path: str) -> Callable[[Any, int], None]:
    """Removes a node of the root."""
    return lambda tree, ram: tree.root.remove_subnode(path.format(ram=f"{ram:x}"))


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


def elf(_port: Idle) -> bytes:
    return b"\x7fELF" + bytes(0x1000)


def foreign(port: Idle) -> bytes:
    return port.image(magic=port.other)


def short(port: Idle) -> bytes:
    return port.image()[:40]


def zeros(_port: Idle) -> bytes:
    return bytes(0x1000)


def packed(change: Callable[[bytes], bytes]) -> Callable[[Idle], bytes]:
    """A gzip file that something happened to."""
    return lambda port: change(gzip.compress(port.image()))


def sized(size: int) -> Callable[[Idle], bytes]:
    return lambda port: port.image(size=size)


NO_RAM = Boot(tree=without("memory@{ram}"))
CASES = {
    "no tree": (Boot(tree_at=None), r"device tree at 0(x0)? is not usable"),
    "zeros for a tree": (Boot(blob=lambda d: bytes(len(d))), "device tree at .* is not usable"),
    "tree elsewhere": (Boot(tree_at=0x900_0000), "device tree at .* is not usable"),
    "tree cut short": (Boot(blob=cut), "device tree at .* is not usable"),
    "tree damaged": (Boot(blob=unknown_tag), "device tree at .* is not usable"),
    "no chosen": (Boot(tree=without("chosen")), "no /chosen node"),
    "no modules": (Boot(modules=False), "No kernel for dom0"),
    "no memory": (NO_RAM, "no usable RAM"),
    "no kernel there": (Boot(kernel=zeros), "dom0 kernel: it is no kernel image"),
    "ELF kernel": (Boot(kernel=elf), "dom0 kernel: it is no kernel image"),
    "foreign kernel": (Boot(kernel=foreign), "dom0 kernel: it is no kernel image"),
    "kernel of 40 bytes": (Boot(kernel=short), "dom0 kernel: "),
    "empty kernel": (Boot(kernel_size=0), "size is 0"),
    "absurd header": (Boot(kernel=sized(1 << 62)), "dom0 kernel"),
    "kernel cut": (
        Boot(kernel=Idle.cut_image),
        "the image has 1052672 bytes, its module only 4096",
    ),
    "kernel too large": (Boot(kernel=sized(600 * MIB)), "dom0 kernel .*raise dom0_mem"),
    "gzip cut": (Boot(kernel=packed(lambda data: data[:-20])), "gzip data is damaged"),
    "gzip damaged": (
        Boot(kernel=packed(lambda data: data[:3] + b"\xff" * 4000)),
        "gzip data is damaged",
    ),
    "modules overlap": (Boot(initrd_at=KERNEL + 0x800), "lies over kernel"),
    "over the hypervisor": (Boot(kernel_at=0x40_1000), "lies over the hypervisor"),
    "over the tree": (Boot(initrd_at=TREE + 0x100), "lies over the device tree"),
    "over reserved memory": (Boot(tree=reserve(KERNEL - 0x1000, 0x2000)), "lies over "),
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


MACHINES = {
    "arm64": [
        ("virt,virtualization=off,gic-version=2", "", "was entered at EL1, not at EL2"),
        ("virt,virtualization=on,gic-version=3", "", "no GICv2 in the device tree"),
    ],
    "riscv": [
        ("virt", "rv64,h=off", "the hypervisor extension .H. is missing"),
        ("virt,aia=aplic-imsic", "rv64", "0 guest interrupt files for each hart"),
        ("virt,aia=aplic", "rv64", "There is an APLIC, but no IMSIC"),
    ],
}


@pytest.mark.parametrize("number", range(3))
def test_machines_that_cannot_do_it(start: Callable[..., str], board: Board, number: int) -> None:
    cases = MACHINES[board.arch]
    if number >= len(cases):
        pytest.skip("no such case on this architecture")
    machine, cpu, message = cases[number]
    start(Boot(), message, machine, cpu)


def test_firmware_without_hsm(start: Callable[..., str], board: Board, tmp_path: Path) -> None:
    """Firmware that knows no SBI extension at all."""
    if board.arch != "riscv":
        pytest.skip("an interface of RISC-V")
    firmware = tmp_path / "firmware"
    entry, tree = board.ram_base + PLACES["riscv"][1], board.ram_base + TREE
    firmware.write_bytes(stub.deaf_firmware(entry, tree))
    start(Boot(), "the firmware has no SBI extension HSM", extra=["-bios", str(firmware)])


def test_no_event_interrupt_is_said(start: Callable[..., str], board: Board) -> None:
    """Without Ssaia dom0 starts, as a guest that knows nothing of Xen."""
    if board.arch != "riscv":
        pytest.skip("an extension of RISC-V")
    start(Boot(), "No Ssaia: guests get no event channel interrupt", "virt", "rv64", ends=False)


def test_a_console_that_is_not_there_is_named(start: Callable[..., str]) -> None:
    boot = Boot(kernel=zeros, console="/nothing@0")
    said = start(boot, "dom0 kernel")
    assert "dtuart=/nothing@0" in said
