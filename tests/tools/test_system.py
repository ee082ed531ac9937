# SPDX-License-Identifier: Apache-2.0
"""Kernel images, placement, command lines: what is refused, and in which words."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenolith.boards import Board, find
from xenolith.errors import UserError
from xenolith.system import boot, kernel, model
from xenolith.system.model import System
from xenolith.system.placement import MIB, Region, Want, check, place


def image(magic: bytes = b"ARM\x64", size: int = 0x4000, length: int = 0x1000) -> bytes:
    """A kernel image as far as its header goes."""
    head = struct.pack("<IIQQQ", 0, 0, 0, size, 0xA) + bytes(24) + magic + bytes(4)
    return head + bytes(length - len(head))


def test_where_an_image_runs() -> None:
    anywhere = image(b"ARM\x64")
    assert kernel.parse(anywhere, "arm64", "k").anywhere
    fixed = anywhere[:24] + bytes(8) + anywhere[32:]
    assert not kernel.parse(fixed, "arm64", "k").anywhere
    assert not kernel.parse(image(b"RSC\x05"), "riscv", "k").anywhere


def test_image_header() -> None:
    found = kernel.parse(image(), "arm64", "k")
    assert found == kernel.Image("arm64", 0, 0x4000, 0x1000)
    packed = gzip.compress(image())
    assert kernel.parse(packed, "arm64", "k").module_size == len(packed)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "truncated"),
        (image()[:60], "truncated"),
        (b"\x7fELF" + bytes(100), "ELF file"),
        (bytes(100), "no arm64 Image"),
        (image(b"RSC\x05"), "is for riscv"),
        (image(size=1 << 40), "damaged"),
        (gzip.compress(image())[:-9], "truncated gzip"),
        (b"\x1f\x8b" + bytes(50), "damaged gzip"),
    ],
)
def test_bad_images(data: bytes, message: str) -> None:
    with pytest.raises(UserError, match=message):
        kernel.parse(data, "arm64", "k")


def test_missing_kernel(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        kernel.read(tmp_path / "no", "arm64")


def test_an_efi_kernel_that_was_cut_is_noticed() -> None:
    data = bytearray(image(length=0x2000))
    data[:2] = b"MZ"
    struct.pack_into("<I", data, 60, 0x80)
    data[0x80:0x84] = b"PE\0\0"
    struct.pack_into("<HH12xHH", data, 0x84, 0xAA64, 1, 0, 0)
    struct.pack_into("<II", data, 0x98 + 16, 0x1000, 0x1000)
    assert kernel.parse(bytes(data), "arm64", "k").file_size == 0x2000
    with pytest.raises(UserError, match=r"truncated: 6144 bytes, its header tells of 8192"):
        kernel.parse(bytes(data[:0x1800]), "arm64", "k")


RAM = Region("RAM", 0x4000_0000, 512 * MIB)


def test_things_move_up_when_their_place_is_taken() -> None:
    taken = [Region("tree", 0x5000_0000, MIB)]
    wants = [Want("kernel", 0x5000_0000, 5 * MIB), Want("initrd", 0x5000_0000, MIB)]
    assert [r.start for r in place(RAM, taken, wants)] == [0x5020_0000, 0x5080_0000]


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(UserError, match=r"the initramfs \(600 MiB\) does not fit .*--memory"):
        place(RAM, [], [Want("the initramfs", RAM.start, 600 * MIB)])


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 40)), max_size=8))
def test_placement_never_overlaps(wants: list[tuple[int, int]]) -> None:
    wishes = [
        Want(str(i), RAM.start + start * MIB, size * MIB) for i, (start, size) in enumerate(wants)
    ]
    fixed = [Region("fixed", RAM.start + 64 * MIB, 3 * MIB)]
    check(RAM, [*fixed, *place(RAM, fixed, wishes)])


@pytest.mark.parametrize(
    ("regions", "message"),
    [
        ([Region("a", RAM.start, 0)], "a is empty"),
        ([Region("a", RAM.start - 1, 2)], "outside RAM"),
        ([Region("a", RAM.start, 2), Region("b", RAM.start + 1, 2)], "a at .* overlaps b at"),
    ],
)
def test_check(regions: list[Region], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check(RAM, regions)


@pytest.mark.parametrize(
    ("text", "size"), [("512M", 512 * MIB), ("1g", 1 << 30), ("4", 4096), ("267b", 267)]
)
def test_sizes(text: str, size: int) -> None:
    assert model.parse_size(text) == size


@pytest.mark.parametrize("text", ["", "x", "1.5G", "-1M", "1Q"])
def test_bad_sizes(text: str) -> None:
    with pytest.raises(UserError, match="no size"):
        model.parse_size(text)


def test_memory_option() -> None:
    assert (model.parse_memory("2048"), model.parse_memory("2G")) == (2048, 2048)
    with pytest.raises(UserError, match="MiB"):
        model.parse_memory("5k")


def test_the_last_dom0_mem_counts() -> None:
    assert model.dom0_memory("dom0_mem=1G x=y dom0_mem=512M,max:1G") == 512 * MIB
    assert model.dom0_memory("dom0_mem=max:1G") == 0
    assert model.dom0_memory("loglvl=all") == 0


def system(board: Board, memory: int = 1024, smp: int = 1, xen_args: str = "") -> System:
    return System(board, Path("x"), Path("k"), Path("i"), smp, memory, xen_args)


def test_systems_that_cannot_be() -> None:
    board = find("qemu-virt-arm64")
    with pytest.raises(UserError, match="1 to 8 CPUs, not 9"):
        system(board, smp=9)
    with pytest.raises(UserError, match="at least 512 MiB"):
        system(board, memory=100)
    with pytest.raises(UserError, match="dom0_mem of 2048 MiB"):
        system(board, xen_args="dom0_mem=2G").check_dom0_memory()
    system(board).check_dom0_memory()
    assert "dom0_mem=512M" in system(board).hypervisor_line


@pytest.mark.parametrize(
    ("xen_args", "is_small"),
    [
        ("", False),
        ("dom0_mem=128M", True),
        ("dom0_mem=192M", True),
        ("dom0_mem=256M", False),
        ("dom0_mem=max:1G", False),
    ],
)
def test_a_small_dom0_has_a_first_file_system_without_limit(xen_args: str, is_small: bool) -> None:
    none = Path()
    system = System(find("qemu-virt-arm64"), none, none, none, 1, 512, xen_args, "mine")
    assert ("rootfstype=ramfs" in system.dom0_line.split()) == is_small
    assert system.dom0_line.endswith(" mine")


def test_layout_on_the_board() -> None:
    board = find("qemu-virt-arm64")
    header = kernel.parse(image(length=40 * MIB), board.arch, "k")
    taken = (Region("the hypervisor", board.ram_base + 2 * MIB, MIB),)
    where = boot.layout(system(board), header, 20 * MIB, taken)
    assert where.kernel == Region("the dom0 kernel", board.kernel_addr, 40 * MIB)
    assert where.initrd.start == board.initrd_addr


def test_an_initramfs_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "i"
    for data, message in ((b"", "empty"), (b"hello world", "no initramfs")):
        path.write_bytes(data)
        with pytest.raises(UserError, match=message):
            boot.initrd_bytes(path, b"")
    path.write_bytes(b"\x1f\x8b\x08")
    assert boot.initrd_bytes(path, b"070701") == b"\x1f\x8b\x08\0" + b"070701"
