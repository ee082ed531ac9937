# SPDX-License-Identifier: Apache-2.0
"""What a boot loader can do wrong: the hypervisor names the fault on the UART and stops."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xenolith.boards import Board
from xenolith.dt import blob
from xenolith.lab import stub
from xenolith.lab.bare import KERNEL, PLACES, TREE, Boot, reserve
from xenolith.lab.stub import Idle
from xenolith.system.placement import MIB


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
