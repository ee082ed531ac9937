# SPDX-License-Identifier: Apache-2.0
"""Reads tools/dom0/card/card.toml: packages and modules of a card's dom0."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from xenolith import ROOT
from xenolith.errors import UserError

FOLDER = ROOT / "tools" / "dom0" / "card"


@dataclass(frozen=True)
class Recipe:
    """The content of card.toml."""

    packages: tuple[str, ...]
    first: tuple[str, ...]
    modules: tuple[str, ...]
    more: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Debian's architecture to packages that are for it alone."""


def load(path: Path = FOLDER / "card.toml") -> Recipe:
    """The recipe in a file. Raises UserError that names the file and the key."""
    try:
        raw = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as e:
        raise UserError(f"{path}: {e}") from e
    wrong = (set(raw) ^ set(Recipe.__dataclass_fields__)) - {"more"}
    if wrong:
        raise UserError(f"{path}: unknown or missing keys: {', '.join(sorted(wrong))}")
    more = raw.pop("more", {})
    lists = {key: tuple(str(item) for item in value) for key, value in raw.items()}
    return Recipe(**lists, more={str(arch): tuple(names) for arch, names in more.items()})
