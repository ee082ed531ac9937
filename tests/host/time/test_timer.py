# SPDX-License-Identifier: Apache-2.0
"""Timers on the third port: destroyed under running handlers (race.c), armed by the counter."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Program = Callable[..., Path]


def run(program: Path, *args: str) -> None:
    """A run that must end well; what it prints is the failure."""
    done = subprocess.run(
        [program, *args], capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stdout + done.stderr


@pytest.mark.parametrize(("sanitizer", "rounds"), [("undefined", "500000"), ("thread", "20000")])
def test_destroy_waits_for_the_handler(host_program: Program, sanitizer: str, rounds: str) -> None:
    run(host_program("timer-race", ("tests/host/time/race.c",), sanitizer), rounds)


def test_armed_by_the_counter(host_program: Program) -> None:
    """Not early, at most a tick late, never in the far future."""
    run(host_program("timer-ticks", ("tests/host/time/ticks.c",)))
