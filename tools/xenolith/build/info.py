# SPDX-License-Identifier: Apache-2.0
"""What a build says about itself. Only facts that every build of the same commit shares."""

from __future__ import annotations

import subprocess
from pathlib import Path

from xenolith.boards import Board


def _first_line(command: list[str], cwd: Path | None = None) -> str:
    """First line of a command's output; empty if it fails or is not there."""
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.partition("\n")[0].strip()


def compiler_version(cc: tuple[str, ...]) -> str:
    """What the compiler calls itself."""
    return _first_line([*cc, "--version"]) or cc[0]


def changeset(root: Path) -> tuple[str, str]:
    """The commit's date, and `git:` with its short name, -dirty if files differ.

    Both are `unknown` outside git.
    """
    head = _first_line(["git", "log", "-1", "--date=iso-strict", "--format=%cd %h"], root)
    date, _, name = head.partition(" ")
    if not name:
        return "unknown", "unknown"
    dirty = _first_line(["git", "status", "--porcelain", "--untracked-files=no"], root)
    return date, f"git:{name}" + ("-dirty" if dirty else "")


def header(compiler: str, date: str, change: str) -> str:
    """<xen/build_info.h>: what XENVER_compile_info and XENVER_changeset answer."""
    values = {
        "COMPILER": compiler,
        "BY": "xenolith",
        "DOMAIN": "localdomain",
        "DATE": date,
        "CHANGESET": change,
    }
    lines = [f'#define XEN_BUILD_{name} "{_quoted(text)}"' for name, text in values.items()]
    return "/* Generated: facts about this build. */\n#pragma once\n\n" + "\n".join(lines) + "\n"


def board_header(board: Board) -> str:
    """<xen/board.h>: what the image must know of its board without a device tree, in C."""
    uart, value = board.early_uart, ""
    if uart is not None:
        pl011 = uart.kind == "pl011"
        shift, width = (2, 4) if pl011 else (uart.shift, uart.width)
        regs = f".base = {uart.base:#x}, .shift = {shift}, .width = {width}"
        value = f".regs = {{{regs}}}, .pl011 = {int(pl011)}"
    return (
        f"/* Generated from boards/{board.family}/board.py: facts about {board.name}. */\n"
        f"#pragma once\n\n#define BOARD_EARLY_UART {{{value or '.pl011 = 0'}}}\n"
    )


def _quoted(text: str) -> str:
    printable = "".join(c for c in text if c.isascii() and c.isprintable())
    return printable.replace("\\", "\\\\").replace('"', '\\"')
