# SPDX-License-Identifier: Apache-2.0
"""Real xl says what it says on Xen, but for what tests/xl tells with its reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pytest

from xenolith.boards import Board
from xenolith.cli import compare as verb
from xenolith.compare import judge, record, rows, session
from xenolith.compare.rows import Said
from xenolith.system.model import System

pytestmark = [pytest.mark.slow, pytest.mark.families("qemu-virt")]

Answers = Mapping[str, Mapping[int, Said]]


def without_soft_affinity(answers: Answers) -> Answers:
    """With an AIA a vCPU prefers the CPU that has its interrupt file."""

    def plain(said: Said) -> Said:
        return Said(said.status, tuple(re.sub(r" / \d$", " / all", line) for line in said.lines))

    return {name: {i: plain(said) for i, said in group.items()} for name, group in answers.items()}


# What libxl says while it cleans up depends on how fast others are: seldom, a new line comes.
@pytest.mark.parametrize("names", ["pools", pytest.param(None, marks=pytest.mark.long)])
def test_xl_says_what_it_says_on_xen(
    make_system: Callable[..., System], board: Board, on_xen: bool, names: str | None
) -> None:
    """On ours all rows in one boot, on an AIA those of pools; real Xen is held to its record."""
    aia = board.name.endswith("-aia")
    groups = rows.chosen(rows.load(), "pools" if aia else names)
    known = record.load(groups)
    system = make_system(smp=session.SMP, xen_args=session.ARGUMENTS)
    if on_xen:
        assert session.xen(system, groups, print) == known
        return
    answers: Answers = session.ours(system, groups, print)
    if aia:
        answers = without_soft_affinity(answers)
    verdicts = judge.judge(groups, known, answers, board.arch)
    print(verb.text(groups, board.arch, verdicts))
    assert [verdict for verdict in verdicts if verdict.word == judge.DIFFERENT] == []
    assert len(verdicts) > (50 if len(groups) == 1 else 250)
