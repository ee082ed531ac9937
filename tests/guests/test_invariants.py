# SPDX-License-Identifier: Apache-2.0
"""Tiny kernels on a debug build, which lets allocations fail and checks itself."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from xenolith.bench import guest
from xenolith.bench.guest import Run
from xenolith.boards import Board
from xenolith.build import make
from xenolith.build.make import Output

TIMEOUT = 600.0
"""Seconds for one kernel; a quiet machine needs ten to twenty."""

Checked = Callable[[str, int, str], str]
"""Runs a kernel on that many CPUs with arguments; what its console said."""


@pytest.fixture(scope="session")
def debug_build(board: Board, kind: str) -> Output:
    """The hypervisor with debug=1."""
    return make.build(board, kind, debug=True, targets=("image",))


@pytest.fixture
def checked(board: Board, guests: Output, debug_build: Output, on_xen: bool) -> Checked:
    """Every check of the kernel holds, and no invariant is broken."""
    if on_xen:
        pytest.skip("the hypercall is of our debug builds")

    def run(name: str, cpus: int, args: str) -> str:
        setup = Run(
            guests.guest(name),
            debug_build.image,
            smp=cpus,
            memory=256,
            args=f"cpus={cpus} {args}",
            xen_args="loglvl=info guest_loglvl=none",
            counted=cpus == 1,
        )
        text = guest.console_of(board, setup, TIMEOUT)
        assert re.findall(r"^FAIL .*$|^.*Invariant: .*$", text, re.MULTILINE) == []
        found = re.search(guest.END.decode(), text)
        assert found is not None
        assert int(found[1]) > 0
        print("\n".join(re.findall(r"^# .*$", text, re.MULTILINE)))
        return text

    return run


def test_failing_allocations(checked: Checked) -> None:
    """Each allocation of each operation fails once."""
    text = checked("alloc", 1, "")
    failed = [int(count) for count in re.findall(r": (\d+) allocations failed", text)]
    assert sum(failed) > 100
    assert "Invariants: 0 do not hold" in text


@pytest.mark.parametrize(
    ("cpus", "cycles"),
    [(1, 500), (2, 60), pytest.param(1, 10000, marks=pytest.mark.long)],
)
def test_cycles(checked: Checked, cpus: int, cycles: int) -> None:
    """Domains come and go, at a random point of their way: nothing is left of them."""
    text = checked("cycles", cpus, f"cycles={cycles}")
    found = re.search(r"^# (\d+) cycles; cycle 10 took (\d+) ticks, the last one (\d+)", text, re.M)
    assert found is not None
    assert int(found[1]) == cycles
    if cpus == 1:
        # Instructions. A domain's number, and where its objects lie, make some more or less.
        percent = 100 * (int(found[3]) / int(found[2]) - 1)
        print(f"the last cycle took {percent:+.2f} % more than the first that counts")
        assert abs(percent) < 3
