# SPDX-License-Identifier: Apache-2.0
"""What the RISC-V port tells a guest of its CPUs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import fdt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

DT = ("tree", "address", "interrupt", "machine", "fdt", "fdt_build")
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

QEMU_MAX = (
    "i m a f d c b v h zic64b zicbom zicbop zicboz ziccamoa ziccif zicclsm ziccrse zicfilp zicfiss"
    " zicond zicntr zicsr zifencei zihintntl zihintpause zihpm zimop zmmul za64rs zaamo zabha zacas"
    " zama16b zalrsc zawrs zfa zfbfmin zfh zfhmin zca zcb zcd zcmop zba zbb zbc zbkb zbkc zbkx zbs"
    " zk zkn zknd zkne zknh zkr zks zksed zksh zkt ztso zvbb zvbc zve32f zve32x zve64f zve64d"
    " zve64x zvfbfmin zvfbfwma zvfh zvfhmin zvkb zvkg zvkn zvknc zvkned zvkng zvknha zvknhb zvks"
    " zvksc zvksed zvksg zvksh zvkt shcounterenw sha shgatpa shtvala shvsatpa shvstvala shvstvecd"
    " smaia smcdeleg smcntrpmf smcsrind smepmp smmpm smnpm smstateen ssaia ssccfg ssccptr sscofpmf"
    " sscounterenw sscsrind ssdbltrp ssnpm sspm ssstateen sstc sstvala sstvecd ssu64xl supm smctr"
    " ssctr svadu svinval svnapot svpbmt svvptc"
)
"""Of `-cpu max`, QEMU 10.0."""
QEMU_NOT = (
    "h zicfilp zicfiss zihpm zk zkr shcounterenw sha shgatpa shtvala shvsatpa shvstvala shvstvecd"
    " smaia smcdeleg smcntrpmf smcsrind smepmp smmpm smnpm smstateen ssccfg sscofpmf sscsrind"
    " ssdbltrp ssnpm sspm ssstateen supm smctr ssctr"
)
"""What of that no guest may have."""
MEMBERS = {
    "g": "i m a f d zicsr zifencei",
    "zce": "zca zcb zcmp zcmt",
    "zk": "zkn zkr zkt",
}
"""What a guest would take from names that hold others [Linux riscv/cpufeature.c]."""
DENIED = {"h", "q", "zcmt", "zicfilp", "zicfiss", "zihpm", "zkr", "zfinx", "zdinx", "zhinx"}

Run = Callable[[bytes, list[str]], "subprocess.CompletedProcess[bytes]"]


@pytest.fixture(scope="module")
def isa(riscv_program: Callable[[str, tuple[str, ...]], Run]) -> Run:
    """A tree and isa_bits to the tree of a guest."""
    return riscv_program("riscv-guest-isa", ISA_SOURCES)


def _tree(*properties: tuple[str, list[str]], second: str = "") -> bytes:
    """A tree with one hart; with two if there is an ISA string of another."""
    tree = fdt.FDT()
    tree.header.version = 17
    tree.set_property("#address-cells", 1, "/cpus")
    tree.set_property("#size-cells", 0, "/cpus")
    tree.set_property("device_type", "cpu", "/cpus/cpu@0")
    tree.set_property("reg", 0, "/cpus/cpu@0")
    for name, values in properties:
        tree.set_property(name, values, "/cpus/cpu@0")
    if second:
        tree.set_property("device_type", "cpu", "/cpus/cpu@1")
        tree.set_property("reg", 1, "/cpus/cpu@1")
        tree.set_property("riscv,isa", second, "/cpus/cpu@1")
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


def test_all_that_qemu_has(isa: Run) -> None:
    """`-cpu max`: what is left out is the hypervisor's, the machine's, or has state of its own."""
    string, names = _told(isa, _tree(("riscv,isa-extensions", QEMU_MAX.split())), ALL, "native")
    assert string == "rv64imafdcbv_" + "_".join(name for name in names if len(name) > 1)
    assert [name for name in QEMU_MAX.split() if name not in names] == QEMU_NOT.split()
    assert not set(names) - set(QEMU_MAX.split())


ZKN = "zbkb zbkc zbkx zkn zknd zkne zknh"


@pytest.mark.parametrize(
    ("host", "guest"),
    [
        ("i zk", f"i {ZKN} zkt"),
        ("i zk zkr", f"i {ZKN} zkt"),
        ("i zkn zkr zkt", f"i {ZKN} zkt"),
        ("i zks", "i zbkb zbkc zbkx zks zksed zksh"),
        ("i c zce zcmt", "i c zca zcb zcmp"),
        ("i b", "i b zba zbb zbs"),
        ("i v zvkng", "i v zvkb zvkg zvkn zvkned zvkng zvknhb zvkt"),
        ("i zfinx zdinx zhinx zhinxmin", "i"),
        ("i q zicfilp zicfiss zihpm", "i"),
        ("i xfast zfuture ssfuture svfuture", "i"),
        ("i zba2p0 zkr1p0 zk1p0", f"i zba {ZKN} zkt"),
        ("i zvl128b1p0 zve64d1 v", "i v zve64d zvl128b"),
        ("i h smaia sha ssnpm ssdbltrp", "i"),
        ("zbb i a m zba", "i m a zba zbb"),
    ],
)
def test_however_the_host_names_it(isa: Run, host: str, guest: str) -> None:
    """Names for several extensions, versions, any order; as a list and as a string."""
    names = sorted(host.split(), key=lambda name: len(name) > 1)
    string = "rv64" + "_".join(names)
    for tree in (("riscv,isa-extensions", host.split()), ("riscv,isa", [string])):
        assert set(_told(isa, _tree(tree))[1]) == set(guest.split())


def test_all_in_one_letter(isa: Run) -> None:
    assert _told(isa, _tree(("riscv,isa", ["rv64gc_zba"])))[0] == "rv64imafdc_zicsr_zifencei_zba"


def test_a_unit_that_is_not_enabled_takes_its_extensions_along(isa: Run) -> None:
    """Their registers would be another guest's."""
    tree = _tree(("riscv,isa-extensions", QEMU_MAX.split()))
    _, names = _told(isa, tree, ALL & ~0b1110)
    assert not [name for name in names if name.startswith(("zf", "zv"))]
    assert not {"f", "d", "v", "zcd"} & {*names}


def test_what_one_hart_lacks_no_guest_has(isa: Run) -> None:
    """A vCPU may run on any."""
    tree = _tree(("riscv,isa", ["rv64imac_zba_zbb_zk"]), second="rv64imc_zbb_zbs_zknh_zkr")
    assert _told(isa, tree) == ("rv64imc_zbb_zknh", ["i", "m", "c", "zbb", "zknh"])


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
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.text("rv64imafdcqbsxzkp0123456789_", max_size=1500), st.integers(0, ALL))
def test_any_string(isa: Run, text: str, enabled: int) -> None:
    """Nothing breaks, and never is a guest told of what it must not have."""
    done = isa(_tree(("riscv,isa", ["rv64i" + text])), [f"{enabled:x}"])
    assert done.returncode == 0, done.stderr.decode()
    names = list(fdt.parse_dtb(done.stdout).root.get_property("riscv,isa-extensions"))
    assert not [name for name in names if name.startswith(("h", "x", "sm"))]


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.sampled_from([*QEMU_MAX.split(), "g", "q", "zce", "zcmt", "zfinx", "xfast"])),
    st.integers(0, ALL),
)
def test_any_list(isa: Run, host: list[str], enabled: int) -> None:
    """Nothing that is denied, by whatever name; the order is the standard's."""
    string, names = _told(isa, _tree(("riscv,isa-extensions", ["i", *host])), enabled)
    meant = {member for name in names for member in MEMBERS.get(name, name).split()}
    assert not meant & DENIED
    assert names == sorted(names, key=_place)
    assert string == _told(isa, _tree(("riscv,isa", [string])), enabled)[0]


def _place(name: str) -> tuple[int, int, str]:
    """Where an ISA string has a name [RVUNPRIV 27.11]: letters, then z by its letter, then s."""
    letters = "imafdqlcbkjtpvnh"
    if len(name) == 1:
        return (0, letters.index(name), "")
    return (1, letters.index(name[1]), name) if name[0] == "z" else (2, 0, name)
