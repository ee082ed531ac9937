# SPDX-License-Identifier: Apache-2.0
"""Guests of different sizes: vCPUs and memory, from the least to what a machine of 8 GiB gives."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from xenolith.boards import Board
from xenolith.dom0 import cpio
from xenolith.lab.report import Report, rows
from xenolith.lab.shell import CONSOLES
from xenolith.system.model import System

pytestmark = [pytest.mark.slow, pytest.mark.long]

HERE = Path(__file__).parent
SIZES = {
    "arm64": [(1, 72), (2, 128), (4, 256), (8, 512), (1, 3072)],
    "riscv": [(1, 48), (4, 128), (16, 256), (64, 512), (1, 3072)],
}
"""vCPUs and MiB; the first has the least memory that docs/GUESTS.md names."""
TOO_SMALL = 16
"""MiB. On RISC-V Linux itself finds out, before it has a console of Xen's."""
WHY = {
    "arm64": r"xc: error: .*(memory|fit|large|place)",
    "riscv": r"Kernel panic - not syncing: .*Failed to allocate",
}


def commands(arch: str) -> dict[str, str]:
    """What is done in dom0, a guest at a time."""
    lives = {
        f"{vcpus} {mib}": f"configure g{mib} {mib} 10.0.2.101 'vcpus = {vcpus}'; "
        f"xl create -q /run/g{mib}.cfg && says g{mib} small: && xl list && "
        f"xl destroy g{mib} && left"
        for vcpus, mib in SIZES[arch]
    }
    small = (
        f"configure small {TOO_SMALL} ''; sed -i s/quiet/earlycon=sbi/ /run/small.cfg; "
        "if xl create -q /run/small.cfg 2>&1; then says small 'end Kernel panic'; "
        "cat /var/log/xen/guest-small.log; xl destroy small; fi; left"
    )
    return {"before": "prepare; left", **lives, "small": small}


@pytest.fixture(scope="module")
def report(make_system: Callable[..., System], boot: Callable[..., Report], board: Board) -> Report:
    """dom0 after all commands."""
    init = cpio.file("small", (HERE / "small.sh").read_bytes(), 0o755)
    files = {
        "/test/guests.sh": CONSOLES.read_bytes() + (HERE / "guests.sh").read_bytes(),
        "/test/small.gz": cpio.compress(cpio.pack([init])),
    }
    wanted = commands(board.arch)
    prepared = {name: f". /test/guests.sh\n{text}" for name, text in wanted.items()}
    system = make_system(memory=8192)
    return boot(system, "test-guest-sizes", prepared, files=files)


@pytest.mark.parametrize("row", range(5))
def test_a_size(report: Report, board: Board, row: int) -> None:
    vcpus, mib = SIZES[board.arch][row]
    text = report[f"{vcpus} {mib}"]
    said = re.search(r"small: g\d+ is up, (\d+) CPUs, (\d+) kB, 3 pings, ", text)
    assert said, text
    assert int(said[1]) == vcpus
    # Linux counts neither its own image nor its tables of pages.
    assert (mib - 40) * 1024 * 0.9 < int(said[2]) < mib * 1024
    (listed,) = [line for line in rows(text) if line[0] == f"g{mib}"]
    assert listed[2:4] == [str(mib), str(vcpus)]
    assert text.endswith(report["before"])


def test_one_that_is_too_small_says_so(report: Report, board: Board) -> None:
    assert re.search(WHY[board.arch], report["small"]), report["small"]
    assert report["small"].endswith(report["before"])
    assert report.error is None
