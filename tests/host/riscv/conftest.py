# SPDX-License-Identifier: Apache-2.0
"""Parts of the RISC-V port as programs of the host."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SANITIZE = "-fsanitize=address,undefined -fno-sanitize-recover=all".split()
FLAGS = (
    "-std=gnu11 -O1 -g -Wall -Wextra -Werror -include tests/host/arch/names.h "
    "-Ixen/include -Iarch/riscv/include"
).split() + SANITIZE

Run = Callable[[bytes, list[str]], "subprocess.CompletedProcess[bytes]"]


@pytest.fixture(scope="session")
def riscv_program(host_compiler: Any) -> Callable[[str, tuple[str, ...]], Run]:
    """Makes a program of sources: standard input and arguments to what it did."""

    def make(name: str, sources: tuple[str, ...]) -> Run:
        objects = host_compiler.compile_all(sources, "gcc", FLAGS)
        program: Path = host_compiler.link(name, objects, "gcc", SANITIZE)

        def run(data: bytes, arguments: list[str]) -> subprocess.CompletedProcess[bytes]:
            return subprocess.run(
                [program, *arguments], input=data, capture_output=True, check=False
            )

        return run

    return make
