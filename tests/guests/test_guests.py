# SPDX-License-Identifier: Apache-2.0
"""The tiny kernels as dom0. With `--hypervisor xen` the reference must answer as they expect."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from xenolith import ROOT
from xenolith.boards import Board, find
from xenolith.boards.registry import DEFAULT
from xenolith.build import plan

NOT_TESTS = {"alloc", "bench", "cycles", "hostile", "matrix", "panic"}
"""No test, and those that have their own."""

NOT_ON_XEN = {"readonly"}
"""Kernels under which QEMU ends when they run on Xen."""

CPUS = {
    **{"smp": (2, 4), "events": (1, 2), "harts": (2, 4), "power": (3,), "psci": (1, 2)},
    **{"aplic": (1, 2), "plic": (1, 2), "retarget": (2,), "dbcn": (2,)},
}
"""Kernels for more than one CPU, and for how many."""

MODELS = {"extensions": "max"}
"""Kernels for another model of CPU than the board's."""


def _cases(board: Board) -> list[tuple[str, int]]:
    names = [Path(name).stem for name in plan.guests(ROOT, board).mains]
    tests = [name for name in names if name not in NOT_TESTS]
    return [(name, cpus) for name in tests for cpus in CPUS.get(name, (1,))]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each kernel of the board and number of CPUs."""
    board = find(metafunc.config.getoption("--board", default=DEFAULT))
    cases = _cases(board)
    metafunc.parametrize("case", cases, ids=[f"{name}-{cpus}" for name, cpus in cases])


def test_guest(
    kernel: Callable[[str, int, str | None], str], on_xen: bool, case: tuple[str, int]
) -> None:
    """Every check of the kernel holds."""
    name, cpus = case
    if on_xen and name in NOT_ON_XEN:
        pytest.skip("QEMU ends by an assertion in do_ats_write")
    kernel(name, cpus, MODELS.get(name))
