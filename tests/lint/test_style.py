# SPDX-License-Identifier: Apache-2.0
"""What formatters and type checkers say."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from xenolith.lint import files, lines


def _run(root: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(f"{' '.join(command[:4])} ...\n{done.stdout}{done.stderr}", pytrace=False)


def test_clang_format(root: Path, names: list[str]) -> None:
    c_files = files.c_files(names, ".c", ".h")
    tool = Path(sys.executable).with_name("clang-format")
    command = [str(tool), "--dry-run", "--Werror", *c_files]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    wrong = sorted(set(re.findall(r"^(\S+?):\d+:\d+: ", done.stderr, re.MULTILINE)))
    if done.returncode != 0:
        fix = f"{tool.relative_to(root)} -i {' '.join(wrong)}"
        pytest.fail(f"{len(wrong)} files are not formatted; this does it:\n{fix}", pytrace=False)


def test_ruff_check(root: Path) -> None:
    _run(root, sys.executable, "-m", "ruff", "check", "--no-cache", ".")


def test_ruff_format(root: Path) -> None:
    _run(root, sys.executable, "-m", "ruff", "format", "--no-cache", "--check", ".")


def test_mypy_package(root: Path) -> None:
    _run(root, sys.executable, "-m", "mypy", "--strict", "-p", "xenolith")


def test_mypy_tests(root: Path, names: list[str]) -> None:
    tests = [name for name in names if name.startswith(("tests/", "boards/"))]
    _run(root, sys.executable, "-m", "mypy", *[name for name in tests if name.endswith(".py")])


def test_lines_without_a_formatter(
    root: Path, names: list[str], expect_none: Callable[[list[str]], None]
) -> None:
    """clang-format and ruff see to C and Python."""
    config = lines.parse((root / ".editorconfig").read_text())
    others = [name for name in names if not name.endswith((".c", ".h", ".py"))]
    expect_none(
        [
            finding
            for name in others
            for finding in lines.check(
                name, (root / name).read_text(), lines.settings(config, name)
            )
        ]
    )


def test_editorconfig_says_what_formatters_do(root: Path) -> None:
    config = lines.parse((root / ".editorconfig").read_text())
    c, python = lines.settings(config, "a.c"), lines.settings(config, "a.py")
    clang_format = (root / ".clang-format").read_text()
    assert f"\nColumnLimit: {c['max_line_length']}\n" in clang_format
    assert f"\nIndentWidth: {c['indent_size']}\n" in clang_format
    ruff = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["ruff"]
    assert ruff["line-length"] == int(python["max_line_length"])
