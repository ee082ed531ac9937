# SPDX-License-Identifier: Apache-2.0
"""xenolith.bench.guests: figures from what commands say, the order of boots, the table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from xenolith.bench import guests
from xenolith.bench.guests import CPU, FIGURES, Row
from xenolith.boards import find
from xenolith.build import host
from xenolith.cli import main
from xenolith.errors import UserError
from xenolith.lab.console import LabError
from xenolith.system.model import System

BOARD = find("qemu-virt-arm64")
OURS, XEN = Path("/ours"), Path("/xen")
BY_NAME = {figure.name: figure for figure in FIGURES}
SAID = {name: "from=1.0; wget; since 1.0\nBENCH 4.00\n" for name in BY_NAME if name != CPU}


def test_each_figure_has_a_command() -> None:
    assert set(BY_NAME) - set(guests.commands()) == {CPU}


def test_figures_are_what_the_clock_says() -> None:
    values = guests.measured(SAID)
    assert values["create"] == 4
    assert values["file write"] == guests.DISK / 4
    assert values["between"] == guests.NET / 4
    assert guests.measured({**SAID, "to dom0": "BENCH 0.00"})["to dom0"] > 0


@pytest.mark.parametrize("said", ["", "echo BENCH", "x BENCH 4.00", "BENCH -"])
def test_what_says_nothing_is_named(said: str) -> None:
    with pytest.raises(UserError, match="ping: nothing measured"):
        guests.measured({**SAID, "ping": said})


def test_boots_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    booted = []

    def boot(system: System, _name: str) -> dict[str, float]:
        booted.append(system.hypervisor)
        return {figure.name: float(len(booted)) for figure in FIGURES}

    monkeypatch.setattr(guests, "boot", boot)
    told: list[str] = []
    system = System(BOARD, OURS, Path(), Path(), 2, 1024)
    found = guests.rows(system, XEN, 3, told.append)
    assert booted == [OURS, XEN, XEN, OURS, OURS, XEN]
    assert told[2] == "Xen, boot 2 of 3"
    assert found[0].ours == (1, 4, 5)
    assert found[0].xen == (2, 3, 6)
    booted.clear()
    (alone, *_) = guests.rows(system, None, 2, told.append)
    assert booted == [OURS, OURS]
    assert (alone.xen, alone.ratio, alone.cells()[-2:]) == ((), None, ["-", "-"])


def test_xen_that_hangs_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What ours gives is kept; ours that hangs is an error."""
    booted = []

    def boot(system: System, name: str) -> dict[str, float]:
        booted.append(name)
        if system.hypervisor == hangs:
            raise LabError("nothing came of waiting 900 s")
        return dict.fromkeys((figure.name for figure in FIGURES), 1.0)

    monkeypatch.setattr(guests, "boot", boot)
    system = System(BOARD, OURS, Path(), Path(), 2, 1024)
    hangs = XEN
    (row, *_) = guests.rows(system, XEN, 2, lambda _: None)
    assert booted == ["bench-guests-xenolith", "bench-guests-xen", "bench-guests-xenolith"]
    assert (row.ours, row.xen, row.ratio) == ((1, 1), (), None)
    assert "real Xen is left out from here: nothing came of waiting" in capsys.readouterr().err
    hangs = OURS
    with pytest.raises(LabError):
        guests.rows(system, XEN, 2, lambda _: None)


def test_the_ratio_says_how_much_better_ours_is() -> None:
    assert Row(BY_NAME["to dom0"], (8, 1, 6), (3,)).ratio == 2
    assert Row(BY_NAME["create"], (2,), (1, 6, 60)).ratio == 3


def test_table_and_json() -> None:
    found = [Row(BY_NAME["ping"], (1, 3, 2), (4, 4, 4))]
    heading, line = guests.text(found).splitlines()
    assert heading.split()[-4:] == ["ours", "Xen", "better", "by"]
    assert line.endswith("ms  2.00 (1.00-3.00)  4.00 (4.00-4.00)       2.00")
    content = json.loads(guests.as_json("board", 3, found))
    assert content["figures"][0]["runs"] == {"ours": [1, 3, 2], "xen": [4, 4, 4]}
    assert (content["board"], content["figures"][0]["ratio"]) == ("board", 2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--guests", "--runs", "0"], "1 to 99"),
        (["--guests", "--only", "P1"], "--only"),
        (["--guests", "--strict"], "--strict"),
        (["--runs", "2"], "--runs is for --guests"),
        (["--smp", "1"], "--smp is for --guests"),
        (["--guests", "--smp", "99"], "CPUs, not 99"),
        (["--guests", "--board", "rpi4"], "rpi4 has no virtio"),
        (["--guests", "--hypervisor", "/nonexistent"], "/nonexistent: no such file"),
        (["--hypervisor", "/nonexistent"], "/nonexistent: no such file"),
    ],
)
def test_what_does_not_go_together(
    words: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(host, "ensure", lambda *_: pytest.fail("refuse before installing"))
    assert main.main(["bench", *words]) == 2
    assert said in capsys.readouterr().err
