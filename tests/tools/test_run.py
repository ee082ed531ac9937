# SPDX-License-Identifier: Apache-2.0
"""The verb `run`: what it refuses before anything is booted, and how it explains a crash."""

from __future__ import annotations

import argparse
import base64
import contextlib
import gzip
import io
import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from xenolith.boards import find
from xenolith.card import mbr
from xenolith.cli import machine, run
from xenolith.errors import UserError
from xenolith.lab import card, session
from xenolith.lab.console import Console, Deadline
from xenolith.lab.protocol import Collector
from xenolith.lab.replay import Replay
from xenolith.lab.session import Options
from xenolith.lab.target import Target
from xenolith.system.model import System


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    return parser.parse_args(words)


def test_exec_may_be_repeated() -> None:
    args = parse("--exec", "xl list", "--exec", "xl info")
    assert args.exec == ["xl list", "xl info"]


def test_a_shell_needs_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(UserError, match="use --exec") as caught:
        run.run(parse())
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--timeout", "0"), "positive number"),
        (("--dry-run", "--from", "sd", "--board", "rpi4"), "--dry-run: a card's files are gone"),
        (("--board", "pi"), "no board"),
        (("--kernel", "/nonexistent"), "/nonexistent does not exist"),
        (("--kernel", "xen"), "--kernel xen does not exist"),
        (("--kernel", "debian:/"), "--kernel debian:/: write a release .* debian:bookworm or"),
        (("--initrd", "/"), "/ does not exist or is no file"),
        (("--hypervisor", "/nonexistent"), "--hypervisor /nonexistent does not exist"),
        (("--hypervisor", "debian:sid"), "--hypervisor debian:sid does not exist or is no file"),
        (("--initrd", "debian:bookworm"), "--initrd debian:bookworm does not exist or is no file"),
        (("--memory", "lots"), "no size"),
        (("--from", "nope"), "card image nope: No such file or directory; make one"),
        (("--from", "sd", "--board", "rpi4", "--kernel", "debian"), "--kernel: a card has dom0's"),
        (("--dom0", "debian", "--board", "rpi4"), "rpi4 has no virtio; make a card and start"),
        (("--dom0", "debian", "--kernel", "debian"), "--kernel: --dom0 debian has its own"),
        (("--dom0", "debian", "--from", "sd"), "--from: --dom0 debian has its own"),
        (
            ("--from", "nope", "--board", "rpi4", "--xen-args", "x"),
            "card image nope: No such file or directory; make one: ./xenolith image --board rpi4",
        ),
    ],
)
def test_wrong_use_is_refused_at_once(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        run.run(parse("--exec", "true", *words))
    assert caught.value.code == 2


def test_a_card_that_is_none(tmp_path: Path) -> None:
    board, path = find("rpi4"), tmp_path / "card.raw"
    system = System(board, path, path, path, board.smp, board.memory)
    with pytest.raises(UserError, match="No such file"):
        card.command(system, path, tmp_path, Options())
    with pytest.raises(UserError, match="is no file"):
        card.command(system, tmp_path, tmp_path, Options())
    path.write_bytes(bytes(3 << 20))
    with pytest.raises(UserError, match="is no card image: no partition table"):
        card.command(system, path, tmp_path, Options())
    table = mbr.pack([mbr.Partition(mbr.LINUX, 1 << 20, 2 << 20)], 7)
    path.write_bytes(table + bytes((2 << 20) - len(table)))
    with pytest.raises(UserError, match="is cut: 2097152 bytes of 3145728 are there"):
        card.command(system, path, tmp_path, Options())
    path.write_bytes(table + bytes((3 << 20) - len(table)))
    with pytest.raises(UserError, match=r"powers of two only: truncate -s 4M .*card\.raw") as e:
        card.command(system, path, tmp_path, Options())
    assert e.value.code == 2 and "\n" not in e.value.message


class Machine:
    """A session whose dom0 says these lines."""

    def __init__(self, said: str, log: Path) -> None:
        self.said, self.log = said, log

    @contextlib.contextmanager
    def started(self, _system: System, args: argparse.Namespace, options: Options) -> Iterator[Any]:
        console = Console(Replay([self.said.encode()]), self.log)
        collector = Collector(args.exec)
        yield Target(console, "T-1", collector, Deadline(10), options.on_result)


@pytest.fixture
def booted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A function that makes the run's machine one whose dom0 says something after its start."""

    def prepare(said: str) -> None:
        begin = "(XEN) x\nBooting Linux on physical CPU 0\nT-1 ready\nT-1 network up eth0 1/2\n"
        played = Machine(begin + said, tmp_path / "log")
        monkeypatch.setattr(run, "_started", played.started)
        monkeypatch.setattr(machine, "make_system", lambda system, _args: (system, None))

    return prepare


def test_results_as_json(
    booted: Callable[[str], None], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = base64.b64encode(gzip.compress(b"Domain-0\n")).decode()
    booted(f"T-1 begin 0000\nT-1 out 0000 {text}\nT-1 end 0000 3\nT-1 done\n")
    assert run.run(parse("--json", "--exec", "xl list")) == 3
    result = {"command": "xl list", "status": 3, "stdout": "Domain-0\n", "stderr": ""}
    said = {"error": None, "network": "eth0 1/2", "log": str(tmp_path / "log")}
    assert json.loads(capsys.readouterr().out) == {**said, "results": [result]}


def test_a_run_that_fails_as_json(
    booted: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    booted("T-1 begin 0000\n")
    with pytest.raises(UserError, match="stopped before 'xl list' was done"):
        run.run(parse("--json", "--exec", "xl list"))
    said = json.loads(capsys.readouterr().out)
    assert said["error"] == "the machine stopped before 'xl list' was done" and not said["results"]
    with pytest.raises(UserError, match="--json shows the results of commands"):
        run.run(parse("--json"))


NOTHING: dict[str, object] = {"network": None, "log": None, "results": []}


def test_a_run_that_is_interrupted_as_json(
    booted: Callable[[str], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was done before is there."""
    text = "T-1 begin 0000\nT-1 end 0000 0\n"
    booted(text)
    received = Replay.receive

    def until_the_end(replay: Replay, timeout: float) -> bytes:
        try:
            return received(replay, timeout)
        except EOFError:
            raise KeyboardInterrupt from None

    monkeypatch.setattr(Replay, "receive", until_the_end)
    with pytest.raises(KeyboardInterrupt):
        run.run(parse("--json", "--exec", "true", "--exec", "sleep 9"))
    said = json.loads(capsys.readouterr().out)
    assert said["error"] == "interrupted"
    assert [result["command"] for result in said["results"]] == ["true"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (UserError("qemu-system-aarch64 is missing"), "qemu-system-aarch64 is missing"),
        (OSError(5, "Input/output error", "initrd"), "initrd: Input/output error"),
        (KeyboardInterrupt(), "interrupted"),
        (KeyError("x"), "KeyError: 'x'"),
    ],
)
def test_a_run_that_does_not_start_as_json(
    error: BaseException,
    reason: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(machine, "make_system", lambda system, _args: (system, None))
    monkeypatch.setattr(run, "_started", fail)
    with pytest.raises(type(error)):
        run.run(parse("--json", "--exec", "true"))
    said = json.loads(capsys.readouterr().out)
    assert said == {"error": reason, **NOTHING}


def test_wrong_use_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match="positive number"):
        run.run(parse("--json", "--exec", "true", "--timeout", "0"))
    said = json.loads(capsys.readouterr().out)
    assert said == {"error": "--timeout must be a positive number of seconds", **NOTHING}


def test_the_command_line_of_qemu(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def prepare(system: System, *_: object) -> list[str]:
        return [*system.board.qemu.command(system.smp, 700), "a b"]

    monkeypatch.setattr(machine, "make_system", lambda system, _args: (system, None))
    monkeypatch.setattr(session, "prepare", prepare)
    monkeypatch.setattr(run, "OUTPUT", tmp_path)
    assert run.run(parse("--dry-run")) == 0
    words = shlex.split(capsys.readouterr().out)
    assert words[0] == "qemu-system-aarch64" and "a b" in words
    assert words[-7:] == ["-serial", "stdio", "-display", "none", "-monitor", "none", "-no-reboot"]
    assert (tmp_path / "qemu-virt-arm64" / "dry-run").is_dir()


def test_a_crash_without_symbols_is_shown_as_it_is(tmp_path: Path) -> None:
    text = "(XEN) [<0000a00000201234>]"
    assert run.explained(text, tmp_path / "xen") == text
