# SPDX-License-Identifier: Apache-2.0
"""The verb `run`: what it refuses before anything is booted, and how it explains a crash."""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import pytest

from xenolith.boards import find
from xenolith.card import mbr
from xenolith.cli import run
from xenolith.errors import UserError
from xenolith.lab import card
from xenolith.lab.session import Options
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
        (("--board", "pi"), "no board"),
        (("--kernel", "/nonexistent"), "/nonexistent does not exist"),
        (("--initrd", "/"), "/ does not exist or is no file"),
        (("--hypervisor", "/nonexistent"), "--hypervisor /nonexistent does not exist"),
        (("--memory", "lots"), "no size"),
        (("--from", "nope"), "card image nope: No such file or directory; make one"),
        (("--from", "sd", "--board", "rpi4", "--kernel", "debian"), "--kernel: a card has dom0's"),
        (("--dom0", "debian", "--board", "rpi4"), "rpi4 has no virtio; make a card and start"),
        (
            ("--dom0", "debian", "--board", "qemu-virt-riscv64"),
            "--dom0 debian: qemu-virt-riscv64: Debian has no Xen tools for riscv64",
        ),
        (("--dom0", "debian", "--kernel", "debian"), "--kernel: --dom0 debian has its own"),
        (("--dom0", "debian", "--from", "sd"), "--from: --dom0 debian has its own"),
        (("--dom0", "debian", "--guest", "demo"), "--guest: a dom0 on a disk has its own files"),
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


def test_a_crash_without_symbols_is_shown_as_it_is(tmp_path: Path) -> None:
    text = "(XEN) [<0000a00000201234>]"
    assert run.explained(text, tmp_path / "xen") == text
