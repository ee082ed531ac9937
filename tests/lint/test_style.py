"""What formatters and type checkers say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from xenolith.lint import files


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


def test_assembly_lines(names: list[str], root: Path) -> None:
    """clang-format leaves assembly alone, so its width is checked here."""
    findings = [
        f"{name}:{number}: {len(line)} columns, at most 100"
        for name in files.c_files(names, ".S")
        for number, line in enumerate((root / name).read_text().splitlines(), 1)
        if len(line) > 100 or "\t" in line
    ]
    if findings:
        pytest.fail("\n".join(findings), pytrace=False)
