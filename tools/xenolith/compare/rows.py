# SPDX-License-Identifier: Apache-2.0
"""The rows of tests/xl: which commands are compared, and where ours may say something else.

A file has one group of rows. They are run in their order, in a dom0 that no other group left
something behind in.

about = "CPU pools"                       # its heading in docs/XL.md
setup = "..."                             # shell, before its rows (optional)
[[row]]
of = "cpupool-list"                       # the verb or key that it shows
run = "xl cpupool-list -c"                # shell, in dom0
keep = "Pool"                             # only lines that have this pattern count (optional)
on = "arm64"                              # only there (optional)
later = "why"                             # Xen is asked, ours is not yet (optional)
better = "why"                            # or missing = "why": ours says something else (optional)
status = 1                                #   namely this status (0)
ours = ["line"]                           #   and these lines (none)
[row.riscv]                               # the same three where it is so on RISC-V (optional)
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xenolith import ROOT
from xenolith.boards.model import ARCHES
from xenolith.errors import UserError

FOLDER = ROOT / "tests" / "xl"
GROUPS = ("host", "domains", "devices", "pools", "keys", "linux")
"""Files of that folder, in the order in which they are run and shown."""
VERDICTS = ("better", "missing")
REASON = (*VERDICTS, "status", "ours")
ROW = ("of", "run", "keep", "on", "later", "riscv", *REASON)


@dataclass(frozen=True)
class Said:
    """What a row said, in normal form (xenolith.compare.words)."""

    status: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Reason:
    """Why ours says something else than Xen, and what: one of VERDICTS."""

    verdict: str
    why: str
    said: Said


@dataclass(frozen=True)
class Row:
    """One command. `reasons` by architecture; none where ours says what Xen says."""

    of: str
    run: str
    keep: str = ""
    on: str = ""
    later: str = ""
    reasons: Mapping[str, Reason] = field(default_factory=dict)

    def is_on(self, arch: str) -> bool:
        """Is ours asked for it on this architecture?"""
        return self.on in ("", arch) and not self.later


@dataclass(frozen=True)
class Group:
    """Rows that are run one after the other."""

    name: str
    about: str
    setup: str
    rows: tuple[Row, ...]


def load(folder: Path = FOLDER) -> list[Group]:
    """All groups. Raises UserError that names the file and the row."""
    return [_group(folder / f"{name}.toml") for name in GROUPS]


def read_toml(path: Path) -> dict[str, object]:
    """A file of that folder. Raises UserError."""
    try:
        return tomllib.loads(path.read_text())
    except (OSError, ValueError) as e:
        raise UserError(f"{path}: {e}; it is part of the checkout: git restore it") from e


def chosen(groups: list[Group], names: str | None) -> list[Group]:
    """The groups of a list like host,pools; None: all. Raises UserError for one that is not."""
    if names is None:
        return groups
    wanted = [word.strip() for word in names.split(",") if word.strip()]
    unknown = [word for word in wanted if word not in GROUPS]
    if unknown or not wanted:
        bad = repr(unknown[0] if unknown else names)
        raise UserError(f"no group of rows {bad}; there are: {', '.join(GROUPS)}", 2)
    return [group for group in groups if group.name in wanted]


def _group(path: Path) -> Group:
    raw = read_toml(path)
    try:
        _known(raw, ("about", "setup", "row"))
        entries = raw.get("row", [])
        if not isinstance(entries, list) or not entries:
            raise ValueError("no [[row]]")
        rows = tuple(_row(entry) for entry in entries)
        return Group(path.stem, _text(raw, "about"), _text(raw, "setup", ""), rows)
    except ValueError as e:
        raise UserError(f"{path}: {e}") from e


def _row(raw: dict[str, object]) -> Row:
    try:
        _known(raw, ROW)
        on = _text(raw, "on", "")
        if on not in ("", *ARCHES):
            raise ValueError(f"on = {on!r}: there are {', '.join(ARCHES)}")
        reasons = {arch: reason for arch in ARCHES if (reason := _reason(raw))}
        own = raw.get("riscv", {})
        if not isinstance(own, dict):
            raise ValueError("riscv is no table")
        _known(own, REASON)
        if reason := _reason(own):
            reasons["riscv"] = reason
        keep = _text(raw, "keep", "")
        re.compile(keep)
        later = _text(raw, "later", "")
        return Row(_text(raw, "of"), _text(raw, "run"), keep, on, later, reasons)
    except (ValueError, re.error) as e:
        raise ValueError(f"row {raw.get('run', raw)!r}: {e}") from e


def _reason(raw: dict[str, object]) -> Reason | None:
    given = [name for name in VERDICTS if name in raw]
    if not given:
        if "ours" in raw or "status" in raw:
            raise ValueError(f"ours or status, but no reason: {' or '.join(VERDICTS)}")
        return None
    if len(given) > 1:
        raise ValueError("better and missing: choose one")
    return Reason(given[0], _text(raw, given[0]), said(raw, "ours"))


def said(raw: Mapping[str, object], name: str) -> Said:
    """`status` and the lines called `name` of a table. Raises ValueError."""
    status, lines = raw.get("status", 0), raw.get(name, [])
    if not isinstance(status, int) or not isinstance(lines, list):
        raise ValueError(f"status is a number, {name} a list of lines")
    return Said(status, tuple(str(line) for line in lines))


def _text(raw: Mapping[str, object], name: str, default: str | None = None) -> str:
    value = raw.get(name, default)
    if not isinstance(value, str) or (default is None and not value):
        raise ValueError(f"{name} is no text")
    return value


def _known(raw: Mapping[str, object], names: tuple[str, ...]) -> None:
    unknown = sorted(set(raw) - set(names))
    if unknown:
        raise ValueError(f"unknown {unknown[0]!r}; there are: {', '.join(names)}")
