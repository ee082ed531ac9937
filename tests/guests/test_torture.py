# SPDX-License-Identifier: Apache-2.0
"""A short pass of the torture suite: what `./xenolith torture` does for hours."""

from __future__ import annotations

from pathlib import Path

import pytest

from xenolith.boards import Board
from xenolith.build.make import Output
from xenolith.dom0 import image, recipe
from xenolith.torture import session
from xenolith.torture.session import Order, Result, Under

PERCENT = 10
"""Of a usual pass: about a minute for all rows but T11, whose share needs a longer window."""


@pytest.mark.slow
@pytest.mark.timeout(2 * session.PASS_TIMEOUT + 300)  # ours, Xen, and what is built for them
@pytest.mark.parametrize("rows", [("T1", "T2", "T4"), ("T3", "T8", "T9", "T12")], ids="-".join)
def test_torture(
    board: Board, guests: Output, hypervisor: Path, on_xen: bool, rows: tuple[str, ...]
) -> None:
    """The hypervisor lives, gives only results that it may, and gets every page back.

    What it answers is what Xen answers, but for tests/torture/differences.toml.
    """
    if on_xen:
        pytest.skip("the suite itself runs beside Xen")
    rows = session.playable(board, rows, threads=False)
    if board.arch == "riscv":
        rows = tuple(row for row in rows if row != "T9")  # takes minutes there
    kernel = guests.guest("hostile")
    order = Order(rows, percent=PERCENT)
    result = Result(board.name)
    session.ours(Under(board, kernel, hypervisor), order, 0.0, result)
    if recipe.load().has_xen(board.debian_arch):
        session.compare(Under(board, kernel, image.xen(board.debian_arch)), order, result)
    print(f"{result.calls} calls, {result.known} known differences from Xen")
    assert result.problems == []
    assert all(row in result.reports[0].rows for row in rows)
    assert result.calls > 10000
