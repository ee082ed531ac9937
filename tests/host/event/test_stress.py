# SPDX-License-Identifier: Apache-2.0
"""Event channels with senders and receivers on threads (stress.c): no event is lost, no race."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Program = Callable[..., Path]


def build(host_program: Program, sanitizer: str) -> Path:
    """The program, which makes attempts at guests' words fail."""
    wrap = ("host_atomic_fails", "domain_pause_nowait")
    return host_program("event-stress", ("tests/host/event/stress.c",), sanitizer, wrap)


def run(program: Path, form: str, episodes: int, seed: int = 1) -> None:
    """One run; what it prints is the failure."""
    command = [str(program), form, str(episodes), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing lost" in done.stdout


@pytest.mark.parametrize("form", ["fifo", "2l"])
def test_nothing_is_lost(host_program: Program, form: str) -> None:
    run(build(host_program, "undefined"), form, 10000)


def test_nothing_is_lost_by_the_switch(host_program: Program) -> None:
    program = build(host_program, "undefined")
    for seed in range(1, 101):
        run(program, "switch", 2, seed)


@pytest.mark.parametrize("form", ["fifo", "2l", "switch"])
def test_no_data_race(host_program: Program, form: str) -> None:
    run(build(host_program, "thread"), form, 200)
