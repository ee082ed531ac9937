# SPDX-License-Identifier: Apache-2.0
"""What U-Boot's shell makes of words, and what its `fdt set` cannot take.

Measured with U-Boot 2025.01 (tests/target/test_uboot_shell.py): scripts may have lines of any
length, but `fdt set` collects a value in 1024 bytes without looking where they end, and a command
has at most 255 words.
"""

from __future__ import annotations

import re

from xenolith.dt import edit
from xenolith.dt.edit import Edit
from xenolith.errors import UserError

MAX_VALUE = 1024
"""Bytes of a property that `fdt set` can write [U-Boot, cmd/fdt.c: SCRATCHPAD]."""
MAX_WORDS = 255
REMEDY = "let it be written here instead: --finished-tree"


def quote(text: str) -> str:
    """`text` as one word of U-Boot's shell. Raises UserError for what no quoting can carry."""
    if not text.isascii() or any(ord(c) < 0x20 or ord(c) == 0x7F for c in text):
        raise UserError(f"U-Boot script: {text!r} has control or non-ASCII characters", 2)
    if re.fullmatch(r"[\w@%+=:,./-]+", text):
        return text
    # A backslash counts even in single quotes.
    return "'" + text.replace("\\", "\\\\").replace("'", "'\\''") + "'"


def name(text: str) -> str:
    """A property's name; the # of #address-cells begins a comment unless escaped."""
    return text.replace("#", "\\#")


def _value(change: edit.Set) -> list[str]:
    where, value = f"{change.path} {change.name}", change.value
    if isinstance(value, edit.Cells):
        size, words = 4 * len(value.values), [f"{cell:#x}" for cell in value.values]
        shown = [f"<{' '.join(words)}>"]
    elif isinstance(value, edit.Strings):
        for text in value.values:
            if text[:1] in ("<", "["):
                raise UserError(f"{where}: U-Boot takes {text!r} for numbers; {REMEDY}", 2)
        size, words = sum(len(text) + 1 for text in value.values), list(value.values)
        shown = [quote(text) for text in value.values]
    else:
        return []
    if size > MAX_VALUE:
        raise UserError(
            f"{where} has {size} bytes; U-Boot crashes above {MAX_VALUE}: make it shorter, or "
            f"{REMEDY}",
            2,
        )
    if len(words) + 4 > MAX_WORDS:
        raise UserError(f"{where} has {len(words)} numbers, too many for U-Boot; {REMEDY}", 2)
    return shown


def fdt_command(change: Edit) -> str:
    """One edit as a command. Raises UserError for what U-Boot cannot do."""
    if isinstance(change, edit.Node):
        parent, _, node = change.path.rpartition("/")
        return f"fdt mknod {parent or '/'} {node}"
    if isinstance(change, edit.Remove):
        return f"fdt rm {change.path} {name(change.name)}".rstrip()
    return " ".join(["fdt set", change.path, name(change.name), *_value(change)])


def or_stop(command: str, message: str) -> list[str]:
    """Lines that stop the script with a message if a command fails."""
    return [f"if {command}; then true; else", f"  echo {quote(message)}", "  exit 1", "fi"]
