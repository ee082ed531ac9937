# SPDX-License-Identifier: Apache-2.0
"""Harnesses as facts: tests/proofs/NAME.toml says what NAME.c proves, of what, how far."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from xenolith import ROOT
from xenolith.errors import UserError

FOLDER = ROOT / "tests/proofs"
PROOF = re.compile(r"^void (prove_\w+)\(void\)$", re.MULTILINE)
KEYS = {"proves", "bound", "sources", "unwind", "long", "loops", "scale", "mutants"}


@dataclass(frozen=True)
class Edit:
    """A text that stands once in a file of the checkout, and what takes its place in a copy."""

    file: str
    old: str
    new: str

    def apply(self, tree: Path) -> None:
        """In the copy below `tree`. UserError if the text does not stand there just once."""
        path = tree / self.file
        text = path.read_text() if path.is_file() else ""
        if text.count(self.old) != 1:
            raise UserError(
                f"{self.file} has {text.count(self.old)} times, not once: {self.old!r}; "
                "adapt the table that says so"
            )
        path.write_text(text.replace(self.old, self.new))


@dataclass(frozen=True)
class Mutant:
    """A mistake in the core that one proof must find."""

    proof: str
    edit: Edit


@dataclass(frozen=True)
class Harness:
    """One subject. `proofs` are functions of its file, each checked for itself."""

    name: str
    proves: str
    bound: str
    sources: tuple[str, ...]
    proofs: tuple[str, ...]
    long: frozenset[str]
    """Proofs that take minutes."""
    unwind: int
    loops: dict[str, int]
    """Loops (FUNCTION.NUMBER) that go round more often than `unwind` says."""
    scale: tuple[Edit, ...]
    """Constants of the core that are smaller in the copy that is checked."""
    mutants: tuple[Mutant, ...]


def _edit(entry: dict[str, str]) -> Edit:
    return Edit(entry["file"], entry["old"], entry["new"])


def load(path: Path) -> Harness:
    """The harness that a .toml file describes. Raises UserError."""
    try:
        data = tomllib.loads(path.read_text())
        proofs = tuple(PROOF.findall(path.with_suffix(".c").read_text()))
        if unknown := set(data) - KEYS:
            raise KeyError(f"unknown: {', '.join(sorted(unknown))}")
        mutants = [Mutant(entry["proof"], _edit(entry)) for entry in data["mutants"]]
        named = {*data.get("long", []), *(mutant.proof for mutant in mutants)}
        if not proofs or not named <= set(proofs):
            raise KeyError(f"no such proof: {', '.join(sorted(named - set(proofs)))}")
        return Harness(
            path.stem,
            data["proves"],
            data["bound"],
            tuple(data["sources"]),
            proofs,
            frozenset(data.get("long", [])),
            data["unwind"],
            data.get("loops", {}),
            tuple(_edit(entry) for entry in data.get("scale", [])),
            tuple(mutants),
        )
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as e:
        raise UserError(f"{path}: {e}") from e


def find(names: Iterable[str]) -> list[Harness]:
    """The harnesses with these names, all if there are none. Raises UserError."""
    known = {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}
    wanted = list(names) or list(known)
    for name in wanted:
        if name not in known:
            raise UserError(f"no harness {name!r}; there are: {', '.join(known)}", 2)
    return [load(known[name]) for name in wanted]
