# SPDX-License-Identifier: Apache-2.0
"""Reads a shell script of assignments as text: plain values, nothing is executed.

`NAME=value`, `NAME[1]=value`, `NAME[1,2]=value` with the shell's quotes and comments. Anything
else - substitutions, commands, arrays in parentheses - is refused by line.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from xenolith.errors import UserError

MAX_INDEX = 64

ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_]\w*)(?:\[(\d+)(?:,(\d+))?\])?(\+?)=(.*)")
PIECE = re.compile(r"'([^']*)'|\"((?:[^\"\\]|\\.)*)\"|((?:[^\s'\"\\#;&|<>()`$]|\\.)+)")

Key = tuple[str, int | None, int | None]
Values = dict[Key, str]


def read(text: str, label: str, check: Callable[[str, bool, str], None]) -> Values:
    """The assignments of a file. Raises UserError naming the line.

    `check(name, indexed, where)` raises UserError for a name that does not belong there.
    """
    found: Values = {}
    for number, line in _lines(text):
        where = f"{label}:{number}"
        match = ASSIGNMENT.fullmatch(line)
        if not match:
            raise UserError(f"{where}: only assignments are read, nothing is executed: {line!r}", 2)
        name, first, second, append, value = match.groups()
        if append:
            raise UserError(f"{where}: {name}+= is not read; write the whole value", 2)
        if first is not None and int(first) >= MAX_INDEX:
            raise UserError(f"{where}: {name}[{first}]: the largest index is {MAX_INDEX - 1}", 2)
        key = (name, _number(first), _number(second))
        check(name, first is not None, where)
        found[key] = _word(value, f"{where}: {name}")
    return found


def _lines(text: str) -> list[tuple[int, str]]:
    """(number, text) of lines that are not empty or comments; a backslash joins lines."""
    joined: list[tuple[int, str]] = []
    pending, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        start = start if pending else number
        pending += line
        if pending.endswith("\\") and not _has_comment(pending):
            pending = pending[:-1]
            continue
        joined.append((start, pending.strip()))
        pending = ""
    return [(n, line) for n, line in [*joined, (start, pending.strip())] if line and line[0] != "#"]


def _has_comment(line: str) -> bool:
    """True if a comment has begun: a backslash at its end is one of its characters."""
    bare = re.sub(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"", "", line)
    return re.search(r"(^|\s)#", re.sub(r"['\"].*", "", bare)) is not None


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


def _word(text: str, what: str) -> str:
    """One word of shell, quotes removed. Raises UserError for substitutions and further words."""
    out, at = "", 0
    while at < len(text):
        piece = PIECE.match(text, at)
        if not piece:
            break
        single, double, plain = piece.groups()
        if double is not None and re.search(r"[`$]", re.sub(r"\\.", "", double)):
            raise UserError(
                f"{what} has a shell substitution, which is not executed: {double!r}", 2
            )
        if single is not None:
            out += single
        elif double is not None:
            out += re.sub(r"\\([$`\"\\])", r"\1", double)
        else:
            out += re.sub(r"\\(.)", r"\1", plain)
        at = piece.end()
    rest = text[at:].strip()
    if rest[:1] in ("'", '"'):
        raise UserError(f"{what}: a quote is not closed in its line: {rest!r}", 2)
    if rest and not (rest.startswith("#") and text[at : at + 1].isspace()):
        raise UserError(f"{what} has shell code, which is not executed: {rest!r}", 2)
    return out
