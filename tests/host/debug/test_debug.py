# SPDX-License-Identifier: Apache-2.0
"""The checks of debug builds find each thing that does not hold (broken.c)."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path


def test_what_is_broken_is_found(host_program: Callable[..., Path]) -> None:
    program = host_program("broken", ("tests/host/debug/*.c",))
    done = subprocess.run([str(program)], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout == "ok\n"
