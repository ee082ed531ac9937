# SPDX-License-Identifier: Apache-2.0
"""What real Xen said to the rows: tests/xl/xen.toml, written by `compare xl --record`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from xenolith.compare.rows import FOLDER, Group, Said, read_toml, said
from xenolith.dom0 import cache
from xenolith.errors import UserError

FILE = "xen.toml"
HEAD = """\
# SPDX-License-Identifier: Apache-2.0
# What Debian's Xen 4.20 on arm64 said to the rows beside this file, in normal form. Written by
# `./xenolith compare xl --record`: read the differences before they are committed.
"""
AGAIN = "./xenolith compare xl --record"

Record = Mapping[str, tuple[Said, ...]]
"""By group, an answer for each of its rows."""


def load(groups: Sequence[Group], folder: Path = FOLDER) -> dict[str, tuple[Said, ...]]:
    """What Xen said to these groups. Raises UserError if it was asked something else."""
    path = folder / FILE
    raw = read_toml(path)
    found = {}
    for group in groups:
        entries = raw.get(group.name, [])
        try:
            if not isinstance(entries, list):
                raise TypeError(group.name)
            asked = [(entry["run"], entry.get("keep", "")) for entry in entries]
            answers = tuple(said(entry, "said") for entry in entries)
        except (AttributeError, KeyError, TypeError, ValueError) as e:
            raise UserError(f"{path}: an entry without a right {e}; {AGAIN}") from e
        if asked != [(row.run, row.keep) for row in group.rows]:
            raise UserError(
                f"{path}: Xen was asked other rows than {group.name}.toml has; "
                f"{AGAIN} --groups {group.name}"
            )
        found[group.name] = answers
    return found


def _lines(lines: Sequence[str]) -> str:
    if not lines:
        return "[]"
    return "[\n" + "".join(f"    {_string(line)},\n" for line in lines) + "]"


def _string(text: str) -> str:
    """A TOML string; JSON's are such, but for surrogates, which are not written."""
    return json.dumps(text, ensure_ascii=False)


def text(groups: Sequence[Group], record: Record) -> str:
    """The file's text for groups that have been asked."""
    parts = [HEAD]
    for group in groups:
        for row, answer in zip(group.rows, record[group.name], strict=True):
            parts.append(f"\n[[{group.name}]]\nrun = {_string(row.run)}\n")
            if row.keep:
                parts.append(f"keep = {_string(row.keep)}\n")
            parts.append(f"status = {answer.status}\nsaid = {_lines(answer.lines)}\n")
    return "".join(parts)


def save(groups: Sequence[Group], new: Record, folder: Path = FOLDER) -> None:
    """Writes what was recorded anew; other groups stay as they are. Raises UserError."""
    kept = dict(new)
    others = [group for group in groups if group.name not in new]
    if others:
        kept |= load(others, folder)
    cache.write_atomic(folder / FILE, text(groups, kept).encode())
