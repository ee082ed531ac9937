# SPDX-License-Identifier: Apache-2.0
"""What README and the guides tell people to type is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from xenolith import ROOT
from xenolith.boards.registry import boards
from xenolith.cli import main
from xenolith.errors import UserError

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("boards/*/README.md")]
OURS = "./xenolith "
PROGRAMS = ("xenolith", "scons", "pytest", "ruff", "mypy")
"""Programs that come with this project, or into its .venv."""


def _commands(text: str) -> list[str]:
    """Commands of a page: lines of code up to a comment, and what stands between backticks."""
    lines = re.findall(r"^    (\S.*?)(?:\s+#.*)?$", text, re.MULTILINE)
    return lines + re.findall(r"`([^`\n]+)`", text)


def _all() -> list[tuple[Path, str]]:
    found = [(page, command) for page in PAGES for command in _commands(page.read_text())]
    return [(page, command) for page, command in found if re.match(r"[\w./]+ ?", command)]


def test_commands_are_parsed() -> None:
    """Each verb and each option exists and takes what is given to it."""
    seen = set()
    for page, command in _all():
        if not command.startswith(OURS) or command.split()[1].isupper():
            continue
        _, args = main.parse(shlex.split(command)[1:])
        # X is a board that the reader makes.
        assert getattr(args, "board", None) in {None, "X", *boards()}, f"{page}: {command}"
        seen.add(command.split()[1])
    assert seen >= {"run", "test", "image", "uboot", "build", "bench", "debug", "gdb", "doctor"}


def test_programs_can_be_called_so() -> None:
    """A program of the .venv is not in the PATH."""
    wrong = [
        f"{page.relative_to(ROOT)}: {command}"
        for page, command in _all()
        if " " in command and command.split()[0] in PROGRAMS
    ]
    assert wrong == []
    calls = {c.split()[0] for _, c in _all() if c.startswith((".venv/", "./")) and " " in c}
    assert calls >= {"./xenolith", ".venv/bin/scons"}
    missing = {call for call in calls if not (ROOT / call).exists()}
    assert missing == set()


@pytest.mark.parametrize("command", ["run --nope", "walk", "test --layer none", "run --board"])
def test_a_wrong_command_is_found(command: str) -> None:
    with pytest.raises(UserError):
        main.parse(command.split())
