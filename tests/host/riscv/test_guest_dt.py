"""What the RISC-V port tells a guest of its CPUs, and which kernels it takes."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fdt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SANITIZE = "-fsanitize=address,undefined -fno-sanitize-recover=all".split()
FLAGS = (
    "-std=gnu11 -O1 -g -Wall -Wextra -Werror -include tests/host/arch/names.h "
    "-Ixen/include -Iarch/riscv/include"
).split() + SANITIZE
DT = ("tree", "address", "interrupt", "machine", "fdt", "fdt_check", "fdt_value", "fdt_build")
ISA_SOURCES = (
    *("tests/host/riscv/guest_isa.c", "arch/riscv/vcpu/guest_isa.c", "xen/lib/string.c"),
    "xen/lib/format.c",
    *(f"xen/dt/{name}.c" for name in DT),
)
KERNEL_SOURCES = (
    *("tests/host/riscv/kernel.c", "arch/riscv/vcpu/kernel.c"),
    *("xen/lib/pe.c", "xen/lib/string.c"),
)
ALL = 0xFFFF
"""isa_bits: everything enabled."""

QEMU = (
    "rv64imafdch_zic64b_zicbom_zicbop_zicboz_zicntr_zicsr_zifencei_zihintpause_zihpm_zmmul_zawrs_zfa"
    "_zca_zcd_zba_zbb_sha_shgatpa_smaia_smstateen_ssaia_ssccptr_sstc_svadu_svpbmt_svvptc"
)

Run = Callable[[bytes, list[str]], "subprocess.CompletedProcess[bytes]"]


def _program(host_compiler: Any, name: str, sources: tuple[str, ...]) -> Run:
    objects = host_compiler.compile_all(sources, "gcc", FLAGS)
    program: Path = host_compiler.link(name, objects, "gcc", SANITIZE)

    def run(data: bytes, arguments: list[str]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([program, *arguments], input=data, capture_output=True, check=False)

    return run


@pytest.fixture(scope="module")
def isa(host_compiler: Any) -> Run:
    """A tree and isa_bits to the tree of a guest."""
    return _program(host_compiler, "riscv-guest-isa", ISA_SOURCES)


@pytest.fixture(scope="module")
def probe(host_compiler: Any) -> Run:
    """An image to what arch_kernel_probe says."""
    return _program(host_compiler, "riscv-kernel", KERNEL_SOURCES)


def _tree(*properties: tuple[str, list[str]]) -> bytes:
    tree = fdt.FDT()
    tree.header.version = 17
    tree.set_property("#address-cells", 1, "/cpus")
    tree.set_property("#size-cells", 0, "/cpus")
    tree.set_property("device_type", "cpu", "/cpus/cpu@0")
    tree.set_property("reg", 0, "/cpus/cpu@0")
    for name, values in properties:
        tree.set_property(name, values, "/cpus/cpu@0")
    return bytes(tree.to_dtb(version=17))


def _told(isa: Run, tree: bytes, enabled: int = ALL, *more: str) -> tuple[str, list[str]]:
    """riscv,isa and riscv,isa-extensions of the guest."""
    done = isa(tree, [f"{enabled:x}", *more])
    assert done.returncode == 0, done.stderr.decode()
    root = fdt.parse_dtb(done.stdout).root
    assert root.get_property("riscv,isa-base").value == "rv64i"
    return root.get_property("riscv,isa").value, list(root.get_property("riscv,isa-extensions"))


def test_what_a_guest_may_use(isa: Run) -> None:
    """No hypervisor extension, nothing of machine mode, no counters; the rest as it was."""
    string, names = _told(isa, _tree(("riscv,isa", [QEMU])))
    assert string == (
        "rv64imafdc_zic64b_zicbom_zicbop_zicboz_zicntr_zicsr_zifencei_zihintpause_zmmul_zfa"
        "_zca_zcd_zba_zbb_ssaia_ssccptr_sstc_svadu_svpbmt_svvptc"
    )
    assert names == [*"imafdc", *string.split("_")[1:]]


def test_waiting_on_a_word_only_where_it_does_not_trap(isa: Run) -> None:
    """WRS.NTO traps as WFI does unless vwfi=native."""
    tree = _tree(("riscv,isa", [QEMU]))
    assert "zawrs" not in _told(isa, tree)[1]
    assert "zawrs" in _told(isa, tree, ALL, "native")[1]


def test_what_the_port_has_not_enabled_is_left_out(isa: Run) -> None:
    """Each of them needs a bit that only the hypervisor can set, or state that it moves."""
    _, names = _told(isa, _tree(("riscv,isa", [QEMU])), 0)
    assert not {"f", "d", "zicbom", "zicboz", "zawrs", "ssaia", "sstc", "svpbmt", "svadu"} & {
        *names
    }


def test_the_list_is_preferred(isa: Run) -> None:
    """riscv,isa-extensions replaces the string, which is deprecated."""
    tree = _tree(("riscv,isa", ["rv64imac_zba"]), ("riscv,isa-extensions", ["i", "m", "zbb", "h"]))
    assert _told(isa, tree) == ("rv64im_zbb", ["i", "m", "zbb"])


def test_versions_and_unknown_names(isa: Run) -> None:
    """Versions of single letters are dropped; vendors' extensions may need anything."""
    tree = _tree(("riscv,isa", ["rv64i2p1m2p0a_xfast_zicfiss_zkr_zve32x_zba_zba"]))
    assert _told(isa, tree, 0)[0] == "rv64ima_zba"


def test_without_a_base(isa: Run) -> None:
    """Said clearly."""
    done = isa(_tree(("riscv,isa", ["rv32e"])), ["0"])
    assert done.returncode == 3
    assert b"names no ISA" in done.stderr


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text("rv64imafdcqbsxzkp0123456789_", max_size=1500), st.integers(0, ALL))
def test_any_string(isa: Run, text: str, enabled: int) -> None:
    """Nothing breaks, and never is a guest told of what it must not have."""
    done = isa(_tree(("riscv,isa", ["rv64i" + text])), [f"{enabled:x}"])
    assert done.returncode == 0, done.stderr.decode()
    names = list(fdt.parse_dtb(done.stdout).root.get_property("riscv,isa-extensions"))
    assert not [name for name in names if name.startswith(("h", "x", "sm"))]


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
