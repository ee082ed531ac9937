# SPDX-License-Identifier: Apache-2.0
"""Typed access to the assignments of a configuration; errors name the key."""

from __future__ import annotations

import re

from xenolith.errors import UserError
from xenolith.system.assignments import Values
from xenolith.system.imagebuilder.keys import ALIASES
from xenolith.system.spec import Range


class Config:
    """The assignments, and what was noticed about them."""

    def __init__(self, values: Values, label: str) -> None:
        self.values = values
        self.label = label
        self.notes: list[str] = []

    def text(self, name: str, index: int | None = None, default: str = "") -> str:
        """The value; `default` if it is empty or not there."""
        return self.values.get((name, index, None)) or default

    def number(self, name: str, index: int | None = None, default: int = 0) -> int:
        """The value as a number, not negative. Raises UserError."""
        text = self.text(name, index)
        try:
            value = int(text, 0) if text else default
        except ValueError as e:
            raise self.error(name, index, f"{text!r} is no number") from e
        if value < 0:
            raise self.error(name, index, f"{value} is negative")
        return value

    def flag(self, name: str, index: int | None = None, default: bool = False) -> bool:
        """The value 0 or 1. Raises UserError."""
        text = self.text(name, index)
        if text not in ("", "0", "1"):
            raise self.error(name, index, f"{text!r} is neither 0 nor 1")
        return text == "1" if text else default

    def is_set(self, name: str, index: int | None = None) -> bool:
        """True for any value: how ImageBuilder tests switches like DOMU_NOBOOT."""
        return bool(self.text(name, index))

    def ranges(self, name: str, index: int | None = None) -> tuple[Range, ...]:
        """Pairs of base and size. Raises UserError."""
        text = self.text(name, index).strip()
        words = re.split(r"[\s,]+", text) if text else []
        if len(words) % 2:
            raise self.error(name, index, "numbers come in groups of 2: base and size")
        try:
            flat = [int(word, 0) for word in words]
        except ValueError as e:
            raise self.error(name, index, "not all are numbers") from e
        return tuple(Range(flat[i], flat[i + 1]) for i in range(0, len(flat), 2))

    def colors(self, name: str, index: int | None = None) -> str:
        """Cache colors as Xen writes them: `0-3,8`. Raises UserError."""
        text = self.text(name, index)
        if text and not re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", text):
            raise self.error(name, index, f"{text!r} is no list of colors; write first-last")
        return text

    def load(self, name: str, index: int | None = None) -> str:
        """A load command, short names resolved."""
        text = self.text(name, index)
        return ALIASES.get(text, text)

    def count(self, name: str) -> int:
        """How many of something there are."""
        return self.number(name)

    def list(self, count: str, name: str) -> tuple[str, ...]:
        """NAME[0] to NAME[COUNT - 1]. Raises UserError if one is missing."""
        found = [self.text(name, i) for i in range(self.count(count))]
        if "" in found:
            raise self.error(name, found.index(""), f"is missing; {count} is {len(found)}")
        return tuple(found)

    def note(self, name: str, index: int | None, why: str) -> None:
        """Something that is no mistake, but that the user should know."""
        self.notes.append(self.error(name, index, why).message)

    def error(self, name: str, index: int | None, why: str) -> UserError:
        """The error for a key."""
        place = name if index is None else f"{name}[{index}]"
        return UserError(f"{self.label}: {place}: {why}", 2)
