# SPDX-License-Identifier: Apache-2.0
"""The normal form of what xl says: without what differs between two runs of one machine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xenolith.compare.rows import FOLDER, read_toml
from xenolith.errors import UserError


@dataclass(frozen=True)
class Rule:
    """Replaces in each line what `pattern` finds."""

    pattern: re.Pattern[str]
    to: str


def load(folder: Path = FOLDER) -> list[Rule]:
    """The rules of words.toml, in their order. Raises UserError."""
    path = folder / "words.toml"
    entries = read_toml(path).get("rule", [])
    try:
        if not isinstance(entries, list):
            raise TypeError("rule is no list of tables")
        return [Rule(re.compile(entry["pattern"]), entry["to"]) for entry in entries]
    except (KeyError, TypeError, re.error) as e:
        raise UserError(f"{path}: {e}") from e


def normal(text: str, keep: str, rules: Sequence[Rule]) -> tuple[str, ...]:
    """Lines that have the pattern `keep`: one space between words, each rule applied."""
    lines = []
    for raw in text.splitlines():
        line = " ".join(raw.split())
        if not re.search(keep, line):
            continue
        for rule in rules:
            line = rule.pattern.sub(rule.to, line)
        line = " ".join(line.split())
        if line:
            lines.append(line)
    return tuple(lines)
