# SPDX-License-Identifier: Apache-2.0
"""What clang-tidy finds; .clang-tidy says which of its checks count."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from xenolith.boards import Board
from xenolith.build import plan, toolchain
from xenolith.build.make import Output


@pytest.mark.slow
def test_clang_tidy(
    root: Path, board: Board, built: Output, expect_none: Callable[[list[str]], None]
) -> None:
    tool = Path(sys.executable).with_name("clang-tidy")
    target = toolchain.TRIPLES[board.arch][1]
    includes = [f"-I{folder}" for folder in plan.include_dirs(board, str(built.folder))]
    port = [flag for flag in toolchain.ARCH_FLAGS[board.arch] if flag.startswith("-mgeneral")]
    flags = [f"--target={target}", "-std=gnu11", "-ffreestanding", *port, "-DXEN_DEBUG=1"]

    def one(source: str) -> list[str]:
        command = [str(tool), "--quiet", source, "--", *flags, *includes]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        return [done.stdout] if done.returncode else []

    sources = [name for name in plan.sources(root, board) if name.endswith(".c")]
    with ThreadPoolExecutor(max_workers=2) as pool:
        expect_none([finding for found in pool.map(one, sources) for finding in found])
