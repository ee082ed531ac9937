# SPDX-License-Identifier: Apache-2.0
"""A panic says why and restarts the machine, whatever the other CPUs do."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from xenolith.bench import guest
from xenolith.bench.guest import Run
from xenolith.boards import Board
from xenolith.build.make import Output

TIMEOUT = 120.0
"""Seconds for QEMU to end, of which the panic waits five before it restarts the machine."""


@pytest.mark.parametrize("attempt", range(3))
def test_panic_while_another_cpu_prints(
    board: Board,
    guests: Output,
    hypervisor: Path,
    on_xen: bool,
    attempt: int,
) -> None:
    """Without the wait for a lock that the other CPU gives back, or not any more."""
    if on_xen:
        pytest.skip("of our panic")
    setup = Run(guests.guest("panic"), hypervisor, smp=2, args="panic")
    command = [*guest.command(board, setup), *"-no-reboot -display none -serial stdio".split()]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, check=False
    )
    said = done.stdout.decode(errors="replace")
    assert "Panic on CPU" in said
    assert "build-id: " in said
    assert "Reboot in 5 seconds" in said
