# SPDX-License-Identifier: Apache-2.0
"""Figures as a table, as JSON, and against a table that is kept in the repository."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xenolith.bench.figures import Figure
from xenolith.errors import UserError


@dataclass(frozen=True)
class Row:
    """A figure under both hypervisors; instructions. `peer`: Xen's, or the anchor."""

    figure: Figure
    ours: float
    peer: float | None
    firmware: float = 0
    """Firmware's part of ours."""

    @property
    def ratio(self) -> float | None:
        """Ours to the other's."""
        return self.ours / self.peer if self.peer else None

    @property
    def verdict(self) -> str:
        """`target` reached, `ok` for what is wanted now, `over`, or `?` without a limit."""
        limit = self.figure.limit(self.peer)
        if self.figure.bare_metal and self.firmware:
            return "over"
        if self.ours <= self.figure.target:
            return "target"
        if limit is None:
            return "?"
        return "ok" if self.ours <= limit else "over"

    def cells(self) -> list[str]:
        """The columns for people."""
        figure, limit = self.figure, self.figure.limit(self.peer)
        return [
            figure.name,
            figure.text,
            "-" if self.peer is None else figure.show(self.peer),
            figure.show(self.ours) + (f" (firmware {self.firmware:.0f})" if self.firmware else ""),
            "-" if self.ratio is None else f"{self.ratio:.3f}",
            "-" if limit is None else figure.show(limit),
            figure.show(figure.target),
            self.verdict,
        ]

    def fields(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "name": self.figure.name,
            "operation": self.figure.text,
            "unit": "instructions per GiB" if self.figure.per_gib else "instructions",
            "peer": self.peer,
            "ours": self.ours,
            "firmware": self.firmware,
            "ratio": self.ratio,
            "wanted": self.figure.limit(self.peer),
            "target": self.figure.target,
            "verdict": self.verdict,
        }


HEAD = ["", "operation", "", "ours", "ratio", "wanted", "target", ""]
PEER = 2
"""The column whose heading is the other hypervisor's name."""
LEFT = (0, 1, 7)


def text(rows: Sequence[Row], peer: str) -> str:
    """The table; `peer` is who is compared with."""
    lines = [[*HEAD[:PEER], peer, *HEAD[PEER + 1 :]], *(row.cells() for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i in LEFT else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def as_json(board: str, compiler: str, peer: str, rows: Sequence[Row]) -> str:
    """The table for programs."""
    about = {"board": board, "compiler": compiler, "peer": peer}
    return json.dumps({**about, "figures": [row.fields() for row in rows]}, indent=1)


Kept = dict[str, dict[str, float]]
"""By compiler: the same source costs differently with another one."""


def _load(path: Path) -> Kept:
    try:
        content = json.loads(path.read_text())
        return {
            str(compiler): {str(name): float(value) for name, value in figures.items()}
            for compiler, figures in content.items()
        }
    except (OSError, ValueError, AttributeError, TypeError) as e:
        raise UserError(f"{path}: {e}") from e


def differences(path: Path, compiler: str, rows: Sequence[Row]) -> list[str]:
    """What differs from the table in a file, exactly. UserError if it has nothing to compare."""
    kept = _load(path).get(compiler)
    if kept is None:
        raise UserError(f"{path} has no figures for {compiler}; --update {path} adds them")
    found = []
    for row in rows:
        name = row.figure.name
        if name not in kept:
            found.append(f"{name}: not in {path.name}, now {row.ours:.0f}")
        elif round(kept[name]) != round(row.ours):
            found.append(f"{name}: was {kept[name]:.0f}, now {row.ours:.0f}")
    return found


def update(path: Path, compiler: str, rows: Sequence[Row]) -> None:
    """Writes the figures into the file, those of other compilers are kept."""
    kept = _load(path) if path.exists() else {}
    figures = kept.setdefault(compiler, {})
    figures.update({row.figure.name: round(row.ours) for row in rows})
    path.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
