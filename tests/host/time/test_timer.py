# SPDX-License-Identifier: Apache-2.0
"""Timers destroyed under running handlers, on threads (race.c)."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

SOURCES = ("tests/host/time/race.c", "xen/time/timer.c")
FLAGS = (
    "-std=gnu11 -O2 -g -ffunction-sections -fno-strict-aliasing -Wall -Wextra -Werror "
    "-DXEN_DEBUG=0 -Ixen/include -Itests/host/arch/include"
).split()


@pytest.mark.parametrize("sanitizer", ["", "-fsanitize=thread"], ids=["plain", "races"])
def test_destroy_waits_for_the_handler(host_compiler: Any, sanitizer: str) -> None:
    flags = [word for word in [sanitizer] if word]
    objects = host_compiler.compile_all(SOURCES, "gcc", [*FLAGS, *flags])
    link = [*flags, "-pthread", "-Wl,--gc-sections"]
    program = host_compiler.link("timer-race", objects, "gcc", link)
    rounds = "20000" if not flags else "2000"
    done = subprocess.run(
        [str(program), rounds], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "ok\n"


def test_armed_by_the_counter(host_compiler: Any, host_flags: list[str]) -> None:
    """On the third port: not early, at most a tick late, never in the far future."""
    sanitize = "-fsanitize=address,undefined -fno-sanitize-recover=all".split()
    port = ("tests/host/arch/port/*.c", "tests/host/fuzz/core/*.c")
    sources = ("xen/*/*.c", *port, "tests/host/time/ticks.c")
    objects = host_compiler.compile_all(sources, "gcc", [*host_flags, *sanitize, "-fPIC"])
    program = host_compiler.link("timer-ticks", objects, "gcc", [*sanitize, "-pthread"])
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert done.stdout == "ok\n", done.stdout + done.stderr
