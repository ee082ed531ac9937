# SPDX-License-Identifier: Apache-2.0
"""VMIDs as domains come and go: no CPU runs a domain under another one's number, or by what its
table was before a flush.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest


def _output(program: Path, *args: object) -> str:
    done = subprocess.run([program, *map(str, args)], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def numbers(host_program: Callable[..., Path]) -> Path:
    """The model of numbers: the core on the third port."""
    return host_program("vmid", ("tests/host/vmid/vmid.c",))


@pytest.mark.parametrize("bits", [3, 4, 7, 14])
@pytest.mark.parametrize("seed", range(1, 4))
def test_numbers(numbers: Path, seed: int, bits: int) -> None:
    """With four CPUs, the fewest that are enough for them; more than are used, too."""
    assert _output(numbers, seed, 300000, bits) == "ok\n"


@pytest.mark.parametrize("bits", range(3))
def test_too_few(numbers: Path, bits: int) -> None:
    assert _output(numbers, 1, 0, bits) == "too few\n"


@pytest.mark.parametrize("seed", range(1, 4))
def test_flushes(root: Path, tmp_path: Path, seed: int) -> None:
    """Where broadcasts need asking other CPUs: RISC-V. Sources without headers, instructions."""
    names = ("xen/include/xen/vmid.h", "xen/mm/vmid.c", "arch/riscv/mm/p2m.c")
    text = "\n".join((root / name).read_text() for name in names)
    text = re.sub(r"^#(include|pragma).*$", "", text, flags=re.MULTILINE)
    (tmp_path / "body.h").write_text(re.sub(r"__asm__ volatile\([^;]*\);", "", text))
    command = ["gcc", "-std=gnu11", "-O1", "-Wall", "-Wno-unused", "-fsanitize=undefined"]
    program = tmp_path / "flush"
    source = root / "tests/host/vmid/flush.c"
    subprocess.run([*command, f"-I{tmp_path}", str(source), "-o", str(program)], check=True)
    assert _output(program, seed, 3000000) == "ok\n"
