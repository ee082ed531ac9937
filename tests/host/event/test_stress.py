# SPDX-License-Identifier: Apache-2.0
"""Event channels with senders and receivers on threads (stress.c): no event is lost, no race."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

SOURCES = (
    "tests/host/event/*.c",
    "xen/event/evtchn.c",
    "xen/event/evtchn_2l.c",
    "xen/event/evtchn_fifo*.c",
    "xen/event/evtchn_upcall.c",
    "xen/event/virq.c",
    "xen/domain/guest_atomic.c",
)
FLAGS = (
    "-std=gnu11 -O2 -g -ffunction-sections -fno-strict-aliasing -Wall -Wextra -Werror "
    "-DXEN_DEBUG=0 -Ixen/include -Itests/host/arch/include"
).split()

# What else the core has of the sources' functions is not called.
LINK = "-pthread -Wl,--gc-sections".split()


def build(host_compiler: Any, name: str, sanitize: str) -> Path:
    """The program, with a sanitizer or without."""
    flags = [word for word in sanitize.split() if word]
    objects = host_compiler.compile_all(SOURCES, "gcc", [*FLAGS, *flags])
    program: Path = host_compiler.link(name, objects, "gcc", [*flags, *LINK])
    return program


def run(program: Path, form: str, episodes: int, seed: int = 1) -> None:
    """One run; what it prints is the failure."""
    command = [str(program), form, str(episodes), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing lost" in done.stdout


@pytest.mark.parametrize("form", ["fifo", "2l"])
def test_nothing_is_lost(host_compiler: Any, form: str) -> None:
    run(build(host_compiler, "event-stress", ""), form, 10000)


def test_nothing_is_lost_by_the_switch(host_compiler: Any) -> None:
    program = build(host_compiler, "event-stress", "")
    for seed in range(1, 101):
        run(program, "switch", 2, seed)


@pytest.mark.parametrize("form", ["fifo", "2l", "switch"])
def test_no_data_race(host_compiler: Any, form: str) -> None:
    # It does not know fences, which is no loss: on this machine they order nothing more.
    run(build(host_compiler, "event-race", "-fsanitize=thread -Wno-tsan"), form, 200)
