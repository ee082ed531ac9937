# SPDX-License-Identifier: Apache-2.0
"""Ours beside Xen, row by row: same, better or missing as the list says; else different."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xenolith.compare.record import Record
from xenolith.compare.rows import Group, Row, Said

SAME, DIFFERENT = "same", "different"
ORDER = ("same", "better", "missing", "different")
"""From good to bad."""


@dataclass(frozen=True)
class Verdict:
    """A row's: `word` is one of ORDER; `why` for all but the first."""

    group: str
    row: Row
    word: str
    why: str
    ours: Said | None
    xen: Said

    def fields(self) -> dict[str, object]:
        """For programs."""
        about: dict[str, object] = {"group": self.group, "of": self.row.of, "run": self.row.run}
        about |= {"verdict": self.word, "why": self.why}
        for name, said in (("ours", self.ours), ("xen", self.xen)):
            about[name] = said and {"status": said.status, "lines": said.lines}
        return about


def listed(groups: Sequence[Group], record: Record, arch: str) -> list[Verdict]:
    """What the lists say of all rows of an architecture, without a run."""
    found = []
    for group in groups:
        for row, theirs in zip(group.rows, record[group.name], strict=True):
            if row.is_on(arch):
                reason = row.reasons.get(arch)
                word, why = (reason.verdict, reason.why) if reason else (SAME, "")
                found.append(Verdict(group.name, row, word, why, None, theirs))
    return found


def judge(
    groups: Sequence[Group], record: Record, answers: Mapping[str, Mapping[int, Said]], arch: str
) -> list[Verdict]:
    """A verdict for each row of an architecture."""
    found = []
    for group in groups:
        said = answers.get(group.name, {})
        for i, (row, theirs) in enumerate(zip(group.rows, record[group.name], strict=True)):
            if row.is_on(arch):
                word, why = _one(row, said.get(i), theirs, arch)
                found.append(Verdict(group.name, row, word, why, said.get(i), theirs))
    return found


def _one(row: Row, ours: Said | None, theirs: Said, arch: str) -> tuple[str, str]:
    reason = row.reasons.get(arch)
    if ours is None:
        return DIFFERENT, "it was not reached"
    if reason is None:
        return (SAME, "") if ours == theirs else (DIFFERENT, "it says something else than Xen")
    if ours == theirs:
        return DIFFERENT, f"it is listed as {reason.verdict}, and says what Xen says"
    if ours != reason.said:
        return DIFFERENT, f"it is listed as {reason.verdict}, but with other words"
    return reason.verdict, reason.why


def counts(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """How many there are of each of ORDER."""
    return {word: sum(v.word == word for v in verdicts) for word in ORDER}
