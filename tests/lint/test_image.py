# SPDX-License-Identifier: Apache-2.0
"""Properties of the image: size, protection, speculation, no floating point, same bytes again."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from xenolith.boards import Board, boards
from xenolith.build import make, plan, toolchain
from xenolith.build.image import sizes
from xenolith.build.make import Output
from xenolith.lint import binary, dead, guest_words

Expect = Callable[[list[str]], None]

DEBUG_ONLY = {"debug_init", "debug_check", "census_claim", "alloc_fault_hit", "cpu_stop_others"}
"""What only debug builds have: the hypercall for tests, invariants, failing allocations."""


def test_limits(built: Output, expect_none: Expect) -> None:
    expect_none(binary.check_limits(sizes(built.elf)))


def test_nothing_is_writable_and_executable(built: Output, expect_none: Expect) -> None:
    expect_none(binary.check_write_xor_execute(built.elf))


def test_no_function_is_in_no_image(root: Path, kind: str, expect_none: Expect) -> None:
    """One image serves all boards of an architecture."""
    if kind != "gcc":
        pytest.skip("lld's map does not say what it discards")
    each = {board.arch: board for board in reversed(boards().values())}
    images = []
    for board in each.values():
        output = make.build(board, kind, targets=("image",))
        objects = str(output.folder.relative_to(root) / "obj")
        sources = plan.sources(root, board)
        images.append(dead.read_map(output.map.read_text(), objects, sources))
    kept = dead.parse_kept((root / "tests/lint/allow.toml").read_text())
    expect_none(dead.check(images, kept))


def test_every_eret_is_fenced(board: Board, built: Output, expect_none: Expect) -> None:
    if board.arch != "arm64":
        pytest.skip("an instruction of arm64")
    code = binary.executable(built.elf)
    assert any(binary.ERET.to_bytes(4, "little") in text for _, text in code)
    expect_none([finding for one in code for finding in binary.check_erets(*one)])


def disassembly(board: Board, output: Output, source: str) -> str:
    """What objdump says of the object of a source file."""
    objdump = f"{toolchain.TRIPLES[board.arch][0]}-objdump"
    command = [objdump, "-d", "--no-show-raw-insn", str(output.folder / f"obj/{source}.o")]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_c_code_leaves_fp_registers_alone(
    root: Path, board: Board, built: Output, expect_none: Expect
) -> None:
    findings = []
    for name in plan.sources(root, board):
        if name.endswith(".c"):
            findings += binary.check_no_fp(name, disassembly(board, built, name), board.arch)
    expect_none(findings)


EITHER = ["gcc", pytest.param("clang", marks=pytest.mark.slow)]


@pytest.mark.parametrize("other", EITHER)
def test_no_guest_keeps_an_exclusive_store_from_ending(
    root: Path, board: Board, other: str, expect_none: Expect
) -> None:
    output = make.build(board, other)
    names = [name for name in plan.sources(root, board) if name in guest_words.SOURCES]
    assert len(names) >= 5
    expect_none(
        [
            finding
            for name in names
            for finding in guest_words.check_loops(name, disassembly(board, output, name))
        ]
    )


@pytest.mark.parametrize("other", EITHER)
def test_builds_with_either_compiler(board: Board, other: str, expect_none: Expect) -> None:
    output = make.build(board, other)
    expect_none(binary.check_write_xor_execute(output.elf))
    expect_none(binary.check_limits(sizes(output.elf)))


def test_debug_build(board: Board, kind: str, built: Output) -> None:
    """It checks itself; nothing of that is in what users run."""
    debug = binary.functions(make.build(board, kind, debug=True).elf)
    release = binary.functions(built.elf)
    assert debug >= DEBUG_ONLY
    assert not DEBUG_ONLY & release


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
