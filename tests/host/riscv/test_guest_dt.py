"""What the RISC-V port tells a guest of its CPUs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import fdt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

DT = ("tree", "address", "interrupt", "machine", "fdt", "fdt_check", "fdt_value", "fdt_build")
ISA_SOURCES = (
    *("tests/host/riscv/guest_isa.c", "arch/riscv/vcpu/guest_isa.c", "xen/lib/string.c"),
    "xen/lib/format.c",
    *(f"xen/dt/{name}.c" for name in DT),
)
ALL = 0xFFFF
"""isa_bits: everything enabled."""

QEMU = (
    "rv64imafdch_zic64b_zicbom_zicbop_zicboz_zicntr_zicsr_zifencei_zihintpause_zihpm_zmmul_zawrs_zfa"
    "_zca_zcd_zba_zbb_sha_shgatpa_smaia_smstateen_ssaia_ssccptr_sstc_svadu_svpbmt_svvptc"
)

Run = Callable[[bytes, list[str]], "subprocess.CompletedProcess[bytes]"]


@pytest.fixture(scope="module")
def isa(riscv_program: Callable[[str, tuple[str, ...]], Run]) -> Run:
    """A tree and isa_bits to the tree of a guest."""
    return riscv_program("riscv-guest-isa", ISA_SOURCES)


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
