# SPDX-License-Identifier: Apache-2.0
"""The command line: one line for an error, the right exit code, and what the machine lacks."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from xenolith.boards import Board, find
from xenolith.build import host, needs, toolchain
from xenolith.build.needs import BUILD, DOM0, Need
from xenolith.cli import main as cli
from xenolith.cli import test as test_verb
from xenolith.errors import UserError
from xenolith.testing.plan import Pass


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["nope"], 2, "no verb 'nope'; there are: run, debug"),
        (["build", "--board", "pi"], 2, "no board 'pi'"),
        (["build", "--toolchain", "icc"], 2, "invalid choice"),
        (["doctor", "--wrong"], 2, "unrecognized arguments: --wrong"),
    ],
)
def test_errors_are_one_line(
    argv: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(argv) == code
    said = capsys.readouterr().err
    assert said.startswith("xenolith: ") and message in said and said.count("\n") == 1


def test_no_verb_shows_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert "verbs:" in capsys.readouterr().err


def test_system_errors_are_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_argv: list[str]) -> int:
        raise OSError(28, "No space left on device", "/cache/kernel")

    monkeypatch.setattr(cli, "dispatch", full)
    assert cli.main(["run"]) == 1
    assert capsys.readouterr().err == (
        "xenolith: /cache/kernel: No space left on device; make room, or set XENOLITH_CACHE to a "
        "folder on another disk\n"
    )


def test_doctor_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["doctor", "--json"])
    rows = json.loads(capsys.readouterr().out)
    assert {"git", "QEMU", "host compiler"} <= {row["name"] for row in rows}
    if all(row["state"] == "present" for row in rows):
        assert code == 0


def _need(*probe: str, version: tuple[int, ...] = ()) -> Need:
    return Need("thing", "tests", frozenset({BUILD}), ("pkg",), probe, version, "make one")


def test_findings() -> None:
    assert needs.examine(_need("no-such-program")).state == "missing"
    assert needs.examine(_need("false")).state == "missing"
    old = needs.examine(_need("echo", "thing 7.2.1 (Debian 1:7.2)", version=(10, 0)))
    assert (old.state, old.version) == ("too old", "7.2.1")
    assert old.remedy == "apt install pkg, or make one"
    good = needs.examine(_need("echo", "thing version 10.0.2", version=(10, 0)))
    assert (good.state, good.remedy) == ("present", "")


def test_what_builds_a_dom0_is_needed_only_where_debian_has_none() -> None:
    names = {
        board: {need.name for need in needs.needs(find(board)) if DOM0 in need.purposes}
        for board in ("qemu-virt-arm64", "qemu-virt-riscv64")
    }
    assert names["qemu-virt-arm64"] == set()
    assert names["qemu-virt-riscv64"] == {"compiler for dom0", "build tools"}


@pytest.fixture
def without_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ordinary user, no sudo, nobody to ask."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr(host, "may_be_root", lambda: False)


@pytest.mark.usefixtures("without_rights")
def test_no_rights_names_the_command(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "needs", lambda _board: [_need("no-such-program")])
    with pytest.raises(UserError, match=r"needed: thing \(missing\); run: sudo apt install pkg"):
        host.ensure(board, BUILD)


@pytest.mark.usefixtures("without_rights")
def test_no_compiler_and_no_rights_takes_ziglang(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[str] = []
    monkeypatch.setattr(toolchain, "find", lambda _kind, _arch: None)
    monkeypatch.setattr(host, "_install_zig", lambda: installed.append("zig"))
    assert host.ensure_toolchain(board) == "clang"
    assert installed == ["zig"]


def test_pytest_arguments(root: Path, board: Board) -> None:
    parser = argparse.ArgumentParser()
    test_verb.add_arguments(parser)
    args = parser.parse_args(["--quick", "--layer", "lint", "-k", "format"])
    arguments = test_verb.pytest_arguments(args, Pass(board, ("lint",)))
    assert arguments[:4] == ["--board", board.name, "--toolchain", "gcc"]
    assert arguments[4:8] == ["-m", "not slow and not long", "-k", "format"]
    assert arguments[8:] == [str(root / "tests/lint")]
