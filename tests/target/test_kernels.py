# SPDX-License-Identifier: Apache-2.0
"""Debian's other kernels, older and newer ones and other flavours, as dom0 and as its guest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from xenolith.boards import Board
from xenolith.dom0 import cpio, image, kernels
from xenolith.lab.report import ALONE, Report, rows
from xenolith.lab.shell import CONSOLES
from xenolith.system.model import System

pytestmark = [pytest.mark.slow, pytest.mark.long]

HERE = Path(__file__).parent
COMMANDS = {
    "release": "uname -r",
    "guest": ". /test/guests.sh; prepare; configure g1 192 10.0.2.101 'vcpus = 2'; "
    "xl create -q /run/g1.cfg && says g1 small: && xl list",
    "after": f"xl destroy g1; {ALONE}xl list",
}


@pytest.mark.parametrize(
    "name",
    [
        "debian:bookworm:cloud",
        "debian:bookworm",
        "debian:bookworm:rt",
        "debian:trixie:cloud",
        "debian:trixie:rt",
        "debian:trixie-backports",
        "debian:trixie-backports:cloud",
        "debian:trixie-backports:rt",
        "debian:sid",
    ],
)
def test_a_kernel(
    board: Board, make_system: Callable[..., System], boot: Callable[..., Report], name: str
) -> None:
    if board.arch != "arm64":
        pytest.skip("Debian's kernels for RISC-V know nothing of Xen")
    made = image.build(board.debian_arch, kernel=kernels.parse(name))
    init = cpio.file("small", (HERE / "small.sh").read_bytes(), 0o755)
    files = {
        "/test/guests.sh": CONSOLES.read_bytes() + (HERE / "guests.sh").read_bytes(),
        "/test/small.gz": cpio.compress(cpio.pack([init])),
    }
    system = replace(make_system(), kernel=made.kernel, initrd=made.initrd)
    log = f"test-kernel-{name.replace(':', '-')}"
    report = boot(system, log, COMMANDS, files=files)
    assert report["release"].strip() == made.release
    said = report["guest"]
    assert "small: g1 is up, 2 CPUs, " in said, said
    assert f", 3 pings, Linux {made.release}\n" in said, said
    assert [row[0] for row in rows(report["after"])] == ["Domain-0"]
