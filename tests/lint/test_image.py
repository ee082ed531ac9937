"""Properties of the image: size, protection, speculation, no floating point, same bytes again."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from xenolith.boards import Board
from xenolith.build import make, plan, toolchain
from xenolith.build.image import sizes
from xenolith.build.make import Output
from xenolith.lint import binary

Expect = Callable[[list[str]], None]


def test_limits(built: Output, expect_none: Expect) -> None:
    expect_none(binary.check_limits(sizes(built.elf)))


def test_nothing_is_writable_and_executable(built: Output, expect_none: Expect) -> None:
    expect_none(binary.check_write_xor_execute(built.elf))


def test_every_eret_is_fenced(board: Board, built: Output, expect_none: Expect) -> None:
    if board.arch != "arm64":
        pytest.skip("an instruction of arm64")
    code = binary.executable(built.elf)
    assert any(binary.ERET.to_bytes(4, "little") in text for _, text in code)
    expect_none([finding for one in code for finding in binary.check_erets(*one)])


def test_c_code_leaves_fp_registers_alone(
    root: Path, board: Board, built: Output, expect_none: Expect
) -> None:
    objdump = f"{toolchain.TRIPLES[board.arch][0]}-objdump"
    findings = []
    for name in plan.sources(root, board):
        if name.endswith(".c"):
            command = [objdump, "-d", "--no-show-raw-insn", str(built.folder / f"obj/{name}.o")]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            findings += binary.check_no_fp(name, done.stdout, board.arch)
    expect_none(findings)


@pytest.mark.parametrize("other", ["gcc", pytest.param("clang", marks=pytest.mark.slow)])
def test_builds_with_either_compiler(board: Board, other: str, expect_none: Expect) -> None:
    output = make.build(board, other)
    expect_none(binary.check_write_xor_execute(output.elf))
    expect_none(binary.check_limits(sizes(output.elf)))


def test_debug_build(board: Board, kind: str) -> None:
    make.build(board, kind, debug=True)


def test_same_bytes_in_another_folder(
    root: Path, board: Board, kind: str, built: Output, tmp_path: Path
) -> None:
    copy = tmp_path / "elsewhere"
    generated = shutil.ignore_patterns(".venv", "__pycache__", ".*_cache", "*.egg-info")

    def ignore(folder: str, names: list[str]) -> set[str]:
        return generated(folder, names) | ({"build"} if Path(folder) == root else set())

    shutil.copytree(root, copy, ignore=ignore, symlinks=True)
    again = make.build(board, kind, root=copy)
    assert again.image.read_bytes() == built.image.read_bytes()
    assert again.elf.read_bytes() == built.elf.read_bytes()
