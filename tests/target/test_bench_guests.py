# SPDX-License-Identifier: Apache-2.0
"""`xenolith bench --guests` with one boot of each hypervisor."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from xenolith.bench.guests import FIGURES
from xenolith.boards import Board

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(2400)]


def test_guests_are_measured_beside_xen(root: Path, board: Board) -> None:
    command = ["./xenolith", "bench", "--guests", "--runs", "1", "--json", "--board", board.name]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["figures"]
    assert [row["name"] for row in found] == [figure.name for figure in FIGURES]
    for row in found:
        assert row["ours"] > 0, row
        assert (row["xen"] is None) == (board.arch == "riscv"), row
