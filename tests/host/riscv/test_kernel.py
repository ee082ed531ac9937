# SPDX-License-Identifier: Apache-2.0
"""Which kernels the RISC-V port takes."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable

import pytest

SOURCES = (
    *("tests/host/riscv/kernel.c", "arch/riscv/vcpu/kernel.c"),
    *("xen/lib/pe.c", "xen/lib/string.c"),
)

Run = Callable[[bytes, list[str]], "subprocess.CompletedProcess[bytes]"]


@pytest.fixture(scope="module")
def probe(riscv_program: Callable[[str, tuple[str, ...]], Run]) -> Run:
    """An image to what arch_kernel_probe says."""
    return riscv_program("riscv-kernel", SOURCES)


def _image(**changes: int) -> bytes:
    """The header of a Linux Image, [Linux riscv/boot-image-header.rst]."""
    fields = {
        **{"text_offset": 0x200000, "image_size": 0x1400000, "flags": 0, "version": 2},
        **{"magic": 0x5643534952, "magic2": 0x05435352, "pe": 0},
        **changes,
    }
    order = ("text_offset", "image_size", "flags", "version", "magic", "magic2", "pe")
    return struct.pack("<8xQQQI12xQII", *(fields[name] for name in order))


def _probed(probe: Run, image: bytes) -> list[int]:
    done = probe(image, [])
    assert done.returncode == 0, done.stderr.decode()
    rc, *sizes = done.stdout.decode().split()
    return [int(rc), *(int(size, 16) for size in sizes)]


def test_a_kernel(probe: Run) -> None:
    """Text offset and size; the deprecated magic does not count."""
    assert _probed(probe, _image()) == [0, 0x200000, 0x1400000, 0]
    assert _probed(probe, _image(magic=0))[0] == 0


def test_a_kernel_for_uefi_says_how_long_its_file_is(probe: Run) -> None:
    """One section that ends at 0x1d00000 in the file."""
    pe = struct.pack("<IHHIIIHH", 0x4550, 0x5064, 1, 0, 0, 0, 0, 0)
    section = struct.pack("<8sIIII16x", b".text", 0, 0, 0x1CFF000, 0x1000)
    assert _probed(probe, _image(pe=64) + pe + section) == [0, 0x200000, 0x1400000, 0x1D00000]
    assert _probed(probe, _image(pe=64) + pe)[3] == 0


NOT_OURS, BROKEN = -8, -22


@pytest.mark.parametrize(
    ("image", "result"),
    [
        (b"", NOT_OURS),
        (_image()[:63], NOT_OURS),
        (_image(magic2=0), NOT_OURS),
        (b"\x7fELF" + bytes(100), NOT_OURS),
        (_image(flags=1), BROKEN),
        (_image(version=1 << 16), BROKEN),
        (_image(image_size=0), BROKEN),
        (_image(image_size=1 << 63), BROKEN),
        (_image(text_offset=0x200001), BROKEN),
        (_image(text_offset=(1 << 64) - 4096), BROKEN),
    ],
)
def test_what_is_no_kernel(probe: Run, image: bytes, result: int) -> None:
    """-ENOEXEC for what is not ours, -EINVAL for what is ours and broken."""
    assert _probed(probe, image)[0] == result
