# SPDX-License-Identifier: Apache-2.0
"""Which output of a controller is which hart's, by the device tree."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence

import fdt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

DT = ("tree", "address", "interrupt", "machine", "fdt", "fdt_check", "fdt_value", "fdt_build")
SOURCES = (
    *("tests/host/riscv/intc_dt.c", "arch/riscv/irq/intc_dt.c", "xen/lib/string.c"),
    "xen/lib/format.c",
    *(f"xen/dt/{name}.c" for name in DT),
)
EXTERNAL = 9
MACHINE = 11
NONE = -2
"""-ENOENT."""

Run = Callable[[bytes, list[str]], "subprocess.CompletedProcess[bytes]"]


@pytest.fixture(scope="module")
def targets(riscv_program: Callable[[str, tuple[str, ...]], Run]) -> Run:
    """A tree and harts to the outputs of its controller."""
    return riscv_program("riscv-intc-dt", SOURCES)


def _tree(harts: Sequence[int], cells: list[int]) -> bytes:
    """A tree with these harts, whose controllers have the phandles 1, 2, ...; what /plic says."""
    tree = fdt.FDT()
    tree.header.version = 17
    tree.set_property("#address-cells", 1, "/cpus")
    tree.set_property("#size-cells", 0, "/cpus")
    for index, hart in enumerate(harts):
        cpu = f"/cpus/cpu@{hart:x}"
        tree.set_property("device_type", "cpu", cpu)
        tree.set_property("reg", hart, cpu)
        tree.set_property("compatible", "riscv,cpu-intc", f"{cpu}/interrupt-controller")
        tree.set_property("#interrupt-cells", 1, f"{cpu}/interrupt-controller")
        tree.set_property("phandle", index + 1, f"{cpu}/interrupt-controller")
    tree.set_property("phandle", 99, "/other")
    tree.set_property("#interrupt-cells", 1, "/other")
    tree.set_property("interrupts-extended", cells, "/plic")
    return bytes(tree.to_dtb(version=17))


def _ask(targets: Run, tree: bytes, *harts: int) -> list[int]:
    done = targets(tree, [str(hart) for hart in harts])
    assert done.returncode == 0, done.stderr.decode()
    return [int(line) for line in done.stdout.split()]


def test_supervisor_mode_of_each_hart(targets: Run) -> None:
    """Machine mode's outputs lie between, and hart ids are not places."""
    cells = [1, MACHINE, 1, EXTERNAL, 2, MACHINE, 2, EXTERNAL]
    assert _ask(targets, _tree((4, 7), cells), 4, 7, 0, 1) == [4, 1, 3, NONE, NONE]


def test_an_output_that_goes_nowhere(targets: Run) -> None:
    """QEMU says -1 for a context that a hart does not have; others name what is no hart."""
    cells = [1, 0xFFFFFFFF, 99, EXTERNAL, 1, EXTERNAL]
    assert _ask(targets, _tree((0,), cells), 0) == [3, 2]


@pytest.mark.parametrize("cells", [[1], [55, EXTERNAL], [55, EXTERNAL, 1, EXTERNAL]])
def test_a_damaged_list(targets: Run, cells: list[int]) -> None:
    """Nobody knows what follows."""
    assert _ask(targets, _tree((0,), cells), 0) == [0, NONE]


def test_the_first_of_two(targets: Run) -> None:
    assert _ask(targets, _tree((0,), [1, EXTERNAL] * 2), 0) == [2, 0]


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from([0, 1, 2, 3, EXTERNAL, MACHINE, 55, 99, 0xFFFFFFFF]), min_size=1))
def test_any_list(targets: Run, cells: list[int]) -> None:
    """An output that is found is the hart's, and is one of those that are there."""
    count, first, second = _ask(targets, _tree((4, 7), cells), 4, 7)
    for phandle, index in ((1, first), (2, second)):
        assert index == NONE or cells[2 * index : 2 * index + 2] == [phandle, EXTERNAL]
        assert index < count
