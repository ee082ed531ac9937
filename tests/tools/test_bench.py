# SPDX-License-Identifier: Apache-2.0
"""xenolith.bench: figures, tables, command lines; nothing here starts a machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from xenolith.bench import guest, measure, table
from xenolith.bench.figures import ARM64, BY_ARCH, FULL, SLOPES, Boot, derived, slope
from xenolith.bench.guest import Run
from xenolith.bench.table import Row
from xenolith.boards import find
from xenolith.errors import UserError

BOARD = find("qemu-virt-arm64")
P1 = next(figure for figure in ARM64 if figure.name == "P1")
P2 = next(figure for figure in ARM64 if figure.name == "P2")


def test_slope_of_a_line() -> None:
    assert slope([(1, 10.0), (2, 12.0), (4, 16.0)]) == pytest.approx(2)


def test_slopes_are_per_gib() -> None:
    """Seven million for each GiB of RAM, a hundred for each GiB of dom0's."""
    boots = {b: 7e6 * b.memory / 1024 + 1e8 * b.dom0 / 1024 for bs in SLOPES.values() for b in bs}
    assert derived("by-memory", boots) == pytest.approx(7e6)
    assert derived("by-dom0", boots) == pytest.approx(1e8)


def test_figures_are_chosen_by_name() -> None:
    assert measure.choose(BOARD, ["P2", "P1"]) == [P1, P2]
    assert measure.choose(BOARD, []) == list(ARM64)
    assert {f.role for f in BY_ARCH["riscv"]} == {f.role for f in ARM64}
    with pytest.raises(UserError, match="no figure P99"):
        measure.choose(BOARD, ["P99"])


@pytest.mark.parametrize(
    ("figure", "ours", "xen", "verdict"),
    [
        (P1, 56, 375, "target"),
        (P1, 110, 375, "ok"),
        (P1, 111, 375, "over"),
        (P2, 213, 427, "ok"),
        (P2, 214, 427, "over"),
        (P2, 65, None, "?"),
    ],
)
def test_verdict(figure: object, ours: float, xen: float | None, verdict: str) -> None:
    assert Row(figure, ours, xen).verdict == verdict  # type: ignore[arg-type]


def test_table_has_a_line_for_each_figure() -> None:
    lines = table.text([Row(P1, 60, 375), Row(P2, 70, None)], "Xen 4.20").splitlines()
    assert len(lines) == 3
    assert lines[1].split()[-5:] == ["60", "0.160", "110", "56", "ok"]
    content = json.loads(table.as_json("board", "gcc", "Xen", [Row(P1, 60, 375)]))
    assert content["figures"][0]["ratio"] == pytest.approx(0.16)


def test_kept_figures_are_compared_exactly(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    table.update(kept, "gcc 12", [Row(P1, 60, None)])
    table.update(kept, "gcc 14", [Row(P1, 61, None)])
    assert table.differences(kept, "gcc 12", [Row(P1, 60, 375)]) == []
    assert table.differences(kept, "gcc 12", [Row(P1, 61, 375)]) == ["P1: was 60, now 61"]
    assert table.differences(kept, "gcc 14", [Row(P2, 1, None)]) == ["P2: not in kept.json, now 1"]
    with pytest.raises(UserError, match="no figures for clang"):
        table.differences(kept, "clang", [Row(P1, 60, None)])
    kept.write_text("[1")
    with pytest.raises(UserError, match=r"kept\.json"):
        table.differences(kept, "gcc 12", [])


def test_command_line_of_a_module() -> None:
    run = Run(Path("/a,b/k.bin"), Path("/x/hv"), args="a=1,2", counted=True)
    command = guest.command(BOARD, run)
    module = command[command.index("-device") + 1]
    assert "kernel=/a,,b/k.bin" in module
    assert module.endswith("bootargs=a=1,,2")
    assert "cortex-a72,cntfrq=1000000000" in command
    assert "shift=0,sleep=off" in command
    assert command[command.index("-kernel") + 1] == "/x/hv"


def test_command_line_of_the_bare_machine() -> None:
    command = guest.command(BOARD, Run(Path("/k.bin"), None))
    assert command[command.index("-kernel") + 1] == "/k.bin"
    assert any("virtualization=off" in word for word in command)


def test_boots_differ() -> None:
    assert FULL in SLOPES["by-memory"]
    assert Boot(dom0=512) in SLOPES["by-dom0"]


def test_a_board_without_a_tree_of_qemus_is_refused() -> None:
    with pytest.raises(UserError, match="do not run on rpi4"):
        guest.command(find("rpi4"), Run(Path("kernel"), Path("xenolith")))
