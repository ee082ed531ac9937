# SPDX-License-Identifier: Apache-2.0
"""The tiny kernels as dom0. With `--hypervisor xen` the reference must answer as they expect."""

from __future__ import annotations

from pathlib import Path

import pytest

from xenolith import ROOT
from xenolith.bench.guest import Run
from xenolith.boards import Board, find
from xenolith.boards.registry import DEFAULT
from xenolith.build import plan
from xenolith.dt import blob
from xenolith.lab import qemu

from .conftest import Kernel

NOT_TESTS = {"alloc", "bench", "cycles", "hostile", "matrix", "panic"}
"""No test, and those that have their own."""

NOT_ON_XEN = {"readonly"}
"""Kernels under which QEMU ends when they run on Xen."""

CPUS = {
    **{"smp": (2, 4), "events": (1, 2), "harts": (2, 4), "power": (3,), "psci": (1, 2)},
    **{"aplic": (1, 2), "plic": (1, 2), "retarget": (2,), "dbcn": (2,)},
}
"""Kernels for more than one CPU, and for how many."""

ANY_HART = ("aplic", "harts", "plic", "smp")
"""Kernels that know about harts and their controllers: OpenSBI lets any hart be the first."""

MODELS = {"extensions": "max"}
"""Kernels for another model of CPU than the board's."""


def _cases(board: Board) -> list[tuple[str, int]]:
    names = [Path(name).stem for name in plan.guests(ROOT, board).mains]
    tests = [name for name in names if name not in NOT_TESTS]
    return [(name, cpus) for name in tests for cpus in CPUS.get(name, (1,))]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each kernel of the board and number of CPUs."""
    if "case" not in metafunc.fixturenames:
        return
    board = find(metafunc.config.getoption("--board", default=DEFAULT))
    cases = _cases(board)
    metafunc.parametrize("case", cases, ids=[f"{name}-{cpus}" for name, cpus in cases])


def test_guest(kernel: Kernel, on_xen: bool, case: tuple[str, int]) -> None:
    """Every check of the kernel holds."""
    name, cpus = case
    if on_xen and name in NOT_ON_XEN:
        pytest.skip("QEMU ends by an assertion in do_ats_write")
    kernel(name, cpus, MODELS.get(name))


@pytest.mark.parametrize("name", ANY_HART)
def test_booted_by_hart_1(kernel: Kernel, board: Board, tmp_path: Path, name: str) -> None:
    """The same when OpenSBI's lottery is won by hart 1, as its configuration can say."""
    if board.arch != "riscv":
        pytest.skip("of OpenSBI")
    tree = blob.parse(qemu.base_tree(board, 2, Run.memory, extra=()))
    config = tree.get_node("/chosen/opensbi-config", create=True)
    blob.set_strings(config, "compatible", "opensbi,config")
    hart = blob.get_bytes(tree.get_node("/cpus/cpu@1"), "phandle")
    assert hart
    blob.set_bytes(config, "cold-boot-harts", hart)
    path = tmp_path / "dtb"
    path.write_bytes(blob.serialize(tree))
    said = kernel(name, 2, extra=("-dtb", str(path)))
    assert "CPU0: hart 1\n" in said
