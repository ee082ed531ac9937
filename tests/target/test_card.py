# SPDX-License-Identifier: Apache-2.0
"""A card image in QEMU: real U-Boot, boot.scr, hypervisor, dom0 with its root on the card."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from xenolith import OUTPUT
from xenolith.lab import card, session
from xenolith.lab.protocol import Result
from xenolith.lab.report import fields, rows
from xenolith.lab.screen import Screen
from xenolith.lab.target import State
from xenolith.system.model import System

pytestmark = [pytest.mark.slow, pytest.mark.families("rpi4")]

COMMANDS = ["ip addr", "xl list", "xl info", "mount", "cat /proc/cmdline"]
FIND = "until grep -q Keyboard /proc/bus/input/devices; do sleep 0.2; done"
OPEN = "sleep 600 </dev/tty1 >/dev/null 2>&1 &"
READ, LOOK = "timeout 120 head -n 1 /dev/tty1", "cat /dev/vcs1"
SCREEN = ["cat /proc/fb", FIND, OPEN, READ, LOOK, "reboot"]
TYPED = "hello 4"
TIMEOUT = 900.0
"""Seconds; 30 to 40 are usual, most of them for Linux and its drivers."""


def test_from_the_card_to_xl_and_reboot(
    make_system: Callable[..., System], short_folder: Path
) -> None:
    """With a keyboard, and a screen that U-Boot has found and that is dom0's from then on."""
    system, name = make_system(dom0_args="console=tty1 console=hvc0"), "test-card"
    picture = OUTPUT / system.board.name / "logs" / "test-card.png"
    seat = Screen(short_folder / "qmp")

    def at_the_board(result: Result) -> None:
        if result.command == OPEN:
            seat.type(f"{TYPED}\n")
        elif result.command == LOOK:
            seat.shot(picture)

    extra = [*system.board.qemu.network, "-device", "usb-kbd", *seat.options]
    options = session.Options(name, TIMEOUT, extra=extra, on_result=at_the_board)
    with card.running(system, [*COMMANDS, *SCREEN], options) as target:
        target.to(State.POWERED_OFF)
    seat.close()
    results = {result.command: result.text for result in target.collector.results}
    said = session.log_file(system, name).read_text(errors="replace")
    assert "with script" in said, "U-Boot has found boot.scr"
    assert "inet 10.0.2.15/24" in results["ip addr"]
    board, cpus = system.board, str(system.smp)
    assert f"Brought up {cpus} CPUs" in said
    memory = str(board.dom0_memory)
    assert rows(results["xl list"])[0][:4] == ["Domain-0", "0", memory, cpus]
    assert fields(results["xl info"])["nr_cpus"] == cpus
    device = re.search(r"card: root (/dev/(?:mmcblk\dp|vda)2)", said)
    assert device, "dom0's root is on the card"
    mounts = [line.split() for line in results["mount"].splitlines()]
    assert [device[1], "/", "ext4"] in [[m[0], m[2], m[4]] for m in mounts]
    assert re.search(r"root=PARTUUID=[0-9a-f]{8}-02 rw", results["cat /proc/cmdline"])
    assert "Hardware Dom0 shutdown: rebooting machine" in said
    assert results["cat /proc/fb"] == "0 simple\n"
    assert results[READ] == f"{TYPED}\n"
    shown = results[LOOK]
    assert "QEMU USB Keyboard" in shown and TYPED in shown
    assert picture.stat().st_size > 4000, "an empty screen makes a picture of 1 KB"
