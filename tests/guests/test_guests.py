"""The tiny kernels as dom0. With `--hypervisor xen` the reference must answer as they expect."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from xenolith import ROOT
from xenolith.bench import guest
from xenolith.bench.guest import Run
from xenolith.boards import Board, find
from xenolith.boards.registry import DEFAULT
from xenolith.build import plan
from xenolith.build.make import Output

TIMEOUT = 300.0
"""Seconds for one kernel; most need one, all of them on a busy machine ten."""

NOT_TESTS = {"bench"}

NOT_ON_XEN = {"readonly"}
"""Kernels under which QEMU ends when they run on Xen."""

CPUS = {"smp": (2, 4), "events": (1, 2), "harts": (2, 4), "power": (3,), "psci": (1, 2)}
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
    board: Board, guests: Output, hypervisor: Path, on_xen: bool, case: tuple[str, int]
) -> None:
    """Every check of the kernel holds, and QEMU ends by the guest's power off."""
    name, cpus = case
    if on_xen and name in NOT_ON_XEN:
        pytest.skip("QEMU ends by an assertion in do_ats_write")
    args = f"cpus={cpus}" + (" oracle" if on_xen else "")
    xen_args = "loglvl=all guest_loglvl=error"
    run = Run(
        guests.guest(name),
        hypervisor,
        smp=cpus,
        args=args,
        xen_args=xen_args,
        # One CPU and instructions for a clock: the same run every time, however busy the host is.
        counted=cpus == 1,
    )
    model = MODELS.get(name, board.qemu.cpu)
    text = guest.console_of(replace(board, qemu=replace(board.qemu, cpu=model)), run, TIMEOUT)
    failures = re.findall(r"^FAIL .*$", text, re.MULTILINE)
    found = re.search(guest.END.decode(), text)
    assert found is not None
    passed, failed, known = (int(count) for count in found.groups())
    print(f"{name}: {passed} passed, {known} known differences")
    assert failures == []
    assert failed == 0
    assert passed > 0
