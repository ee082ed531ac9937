# SPDX-License-Identifier: Apache-2.0
"""The test run itself: what is tested where, what that needs, what is said of it in the end."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from xenolith.boards import Board, boards, find
from xenolith.boards.registry import DEFAULT
from xenolith.build import host, needs
from xenolith.build.needs import Finding, Need
from xenolith.cli import test as test_verb
from xenolith.errors import UserError
from xenolith.progress import Step
from xenolith.testing import plan, results
from xenolith.testing.plan import LAYERS
from xenolith.testing.results import Case, Ran

ARCHES = {board.arch for board in boards().values()}


def programs(*layers: str) -> set[str]:
    """What a run of layers on the default board finds on the machine or installs."""
    wanted = plan.needs(plan.single(find(DEFAULT), layers), boards().values())
    return {need.probe[0] for need in needs.select(wanted)}


@pytest.mark.parametrize("layer", ["host", "tools"])
def test_what_compiles_for_all_ports_brings_all_compilers(layer: str) -> None:
    """These layers run once, on one board."""
    assert {"aarch64-linux-gnu-gcc", "riscv64-linux-gnu-gcc"} <= programs(layer)


def test_other_layers_bring_what_their_board_needs() -> None:
    assert "riscv64-linux-gnu-gcc" not in programs("guests")
    assert "qemu-system-aarch64" in programs("guests") - programs("lint", "tools")
    assert {"qemu-system-aarch64", "qemu-system-riscv64"} <= programs("host"), "trees of machines"


def test_every_layer_runs_as_often_as_it_differs() -> None:
    passes = plan.every(boards().values(), DEFAULT, list(LAYERS))
    ran = {name: [p.board for p in passes if name in p.layers] for name in LAYERS}
    assert ran["tools"] == ran["host"] == [find(DEFAULT)]
    assert {board.arch for board in ran["lint"]} == ARCHES and len(ran["lint"]) == len(ARCHES)
    assert ran["target"] == list(boards().values())
    assert ran["guests"] == [board for board in boards().values() if not board.qemu.tree]


def test_layers_that_a_board_does_not_have() -> None:
    with pytest.raises(UserError, match="no tests of guests for rpi4"):
        plan.single(find("rpi4"), ["guests"])


def need(package: str, version: tuple[int, ...]) -> Finding:
    made = Need(package, "x", frozenset({"test"}), (package, f"{package}-x"), ("x",), version)
    return Finding(made, "missing")


def test_what_is_too_old_comes_from_backports_in_the_same_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[list[str]] = []

    def fake(arguments: list[str], _doing: Step) -> subprocess.CompletedProcess[str]:
        calls.append([word for word in arguments if word not in (*host.INSTALL, "-o")])
        return subprocess.CompletedProcess(arguments, 0, "", "")

    monkeypatch.setattr(host, "_apt", fake)
    monkeypatch.setattr(host, "_backports", lambda _doing: ("-t", "old"))
    monkeypatch.setattr(needs, "candidate", lambda _name: (7,))
    monkeypatch.setattr(needs.candidate, "cache_clear", lambda: None, raising=False)
    host._apt_install(["a", "b"], [need("a", (7,)), need("b", ())], Step("x"))
    assert calls == [["a", "b"]]
    calls.clear()
    host._apt_install(["a", "a-x", "b"], [need("a", (8,)), need("b", (1,))], Step("x"))
    assert calls == [["update", "-q"], ["-t", "old", "a", "a-x", "b"]]


APT = """import sys
import time
print("2 upgraded, 1 newly installed, 0 to remove and 5 not upgraded.")
for verb in ("Get:1 x", "Unpacking y", "Setting up z"):
    print(verb, flush=True)
print("E: no space", file=sys.stderr)
sys.exit(100)
"""


def test_apt_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    said = []

    class Told(Step):
        def part(self, done: int, total: int, detail: str) -> None:
            said.append((done, total, detail))

    monkeypatch.setattr(host, "APT", (sys.executable, "-c", APT))
    monkeypatch.setattr(host, "_as_root", list)
    done = host._apt([], Told("x"))
    assert said == [(1, 9, "Get:1 x"), (2, 9, "Unpacking y"), (3, 9, "Setting up z")]
    assert (done.returncode, done.stderr) == (100, "E: no space\n")


CHECKS = """import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
def test_good(): pass
def test_bad(): assert False
@pytest.mark.skip(reason="no such case")
def test_other(): pass
@pytest.fixture
def broken(): raise OSError
def test_error(broken): pass
"""


def test_results_are_those_of_pytest(tmp_path: Path) -> None:
    folder = tmp_path / "tests" / "host"
    folder.mkdir(parents=True)
    (folder / "test_x.py").write_text(CHECKS)
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", "--rootdir=."]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True)
    cases = results.read(report)
    assert [case.outcome for case in cases] == ["passed", "failed", "skipped", "failed"]
    assert {case.layer for case in cases} == {"host"}
    assert cases[2].reason == "no such case"
    ran = Ran("b", cases, 1.0, done.returncode)
    assert not ran.ok
    assert results.counts([ran]) == "1 passed, 2 failed, 1 skipped"
    assert "skipped: 1 on b: no such case" in results.times(0, [ran])


def test_a_pass_without_results_has_failed(board: Board, tmp_path: Path) -> None:
    (tmp_path / "cut.xml").write_text("<testsuites><test")
    ran = Ran(board.name, results.read(tmp_path / "cut.xml"), 1.0, -9)
    assert results.counts([ran]) == "0 passed, 1 failed, 0 skipped"


@pytest.mark.parametrize(
    ("cases", "codes", "code"), [(True, (0, 5), 0), (False, (5, 5), 1), (True, (1, 5), 1)]
)
def test_a_board_without_a_chosen_test_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, cases: bool, codes: tuple[int, int], code: int
) -> None:
    """As a board of target tests only is in a quick run."""
    case = Case("host", "t", "passed", 1)
    runs = [Ran("a", (case,) if cases else (), 1, codes[0]), Ran("b", (), 1, codes[1])]
    monkeypatch.setattr(plan, "every", lambda *_: runs)
    monkeypatch.setattr(test_verb, "_install", lambda *_: None)
    monkeypatch.setattr(test_verb, "_run", lambda _args, one: one)
    parser = argparse.ArgumentParser()
    test_verb.add_arguments(parser)
    assert test_verb.run(parser.parse_args([])) == code


def test_no_property_has_a_clock() -> None:
    """Hypothesis gives an example 200 ms by default, which beside other work is not much."""
    assert settings().deadline is None


def test_where_the_time_went() -> None:
    cases = tuple(Case("guests", f"t{n}", "passed", float(n)) for n in range(12))
    lines = results.times(5, [Ran("b", cases, 70.0, 0)]).splitlines()
    assert lines[0].split() == ["seconds", *LAYERS, "ready", "all"]
    assert lines[1].split() == ["b", "-", "-", "-", "66", "-", "4", "70"]
    assert lines[3].split() == ["all", "75"]
    assert [line.split()[-1] for line in lines[5:]] == [f"t{n}" for n in range(11, 1, -1)]
