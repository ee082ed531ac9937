# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone, and twice, with each compiler."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from xenolith.boards import Board
from xenolith.build import make, plan, toolchain
from xenolith.build.make import Output

# Headers of macros for assembly start with this on their first lines.
ASSEMBLY = "For assembly only"


@pytest.mark.parametrize("compiler", ["gcc", pytest.param("clang", marks=pytest.mark.slow)])
def test_headers_compile_alone(
    compiler: str, root: Path, board: Board, expect_none: Callable[[list[str]], None]
) -> None:
    tools = toolchain.require(compiler, board.arch)
    out = make.output(board, compiler).folder.relative_to(root)
    flags = tools.compile_flags(board.arch, debug=True, root=str(root))
    includes = [f"-I{folder}" for folder in plan.include_dirs(board, str(out))]
    command = [*tools.cc, *flags, *includes, "-fsyntax-only", "-x", "c", "-"]

    def compile_one(header: str) -> list[str]:
        name = header.split("/include/", 1)[1]
        if name.startswith("asm/") and (root / f"xen/include/arch/{name[4:]}").exists():
            # The port's half of a contract header, which includes it at its end.
            name = f"arch/{name[4:]}"
        done = subprocess.run(
            command,
            cwd=root,
            input=f"#include <{name}>\n#include <{name}>\n",
            capture_output=True,
            text=True,
            check=False,
        )
        return [f"{header}:\n{done.stderr}"] if done.returncode else []

    headers = [h for h in plan.headers(root, board) if ASSEMBLY not in (root / h).read_text()[:300]]
    with ThreadPoolExecutor(max_workers=2) as pool:
        expect_none([finding for found in pool.map(compile_one, headers) for finding in found])


def test_generated_headers_exist(built: Output) -> None:
    for name in ("xen/build_info.h", "xen/board.h", "asm/offsets.h"):
        assert (built.folder / "gen/include" / name).exists()
