# SPDX-License-Identifier: Apache-2.0
"""Each allocation of a boot fails once: it goes on and is sound, or stops and says why."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

GUEST, HALTED = 0, 2
KERNEL = b"XENHOST\0" + (2 << 20).to_bytes(8, "little") + bytes(4080)
"""Of the third port: magic, size in memory, code that nobody runs."""

ANY_CPU = 0xFFFFFFFF
MOST = 2000
"""Allocations of a boot, at most."""

WORDS = ("memory", "(-12)", " -12")
"""One of these tells a reader that memory is what lacks."""


def boot_failing(machine: Any, k: int, cpus: int, kernel: bytes) -> tuple[int, bool]:
    """How the boot ended whose k-th allocation failed, and whether there was one."""
    assert machine.lib.alloc_fault_set(k, ANY_CPU) == 0
    state = machine.boot(cpus, kernel=kernel)
    return state, machine.lib.alloc_fault_set(0, ANY_CPU) == 0


@pytest.mark.parametrize("cpus", [1, 3], ids=["plain", "packed"])
def test_each_allocation_of_a_boot_fails(new_machine: Any, cpus: int) -> None:
    """Nothing is half done: no fault, no BUG, no invariant broken."""
    kernel = KERNEL if cpus == 1 else gzip.compress(KERNEL)
    stopped = []
    for k in range(1, MOST):
        machine = new_machine()
        state, failed = boot_failing(machine, k, cpus, kernel)
        log = machine.core.log()
        if state == GUEST:
            assert machine.lib.debug_check() == 0, (k, machine.core.log())
        else:
            assert state == HALTED, (k, state, log[-8:])
            reasons = [line for line in log if any(word in line for word in WORDS)]
            assert reasons, (k, log[-8:])
            assert not any("BUG at" in line or "fault" in line for line in log), (k, log[-8:])
            stopped.append(k)
        if not failed:
            break
    assert state == GUEST
    assert k > 20
    assert len(stopped) > k // 2
