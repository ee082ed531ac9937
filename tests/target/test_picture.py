# SPDX-License-Identifier: Apache-2.0
"""README's picture of a run is what the run prints today; only numbers may differ."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from xenolith.boards import Board
from xenolith.boards.registry import DEFAULT
from xenolith.lab import picture

pytestmark = pytest.mark.slow


def test_the_picture_shows_what_happens(root: Path, board: Board, tmp_path: Path) -> None:
    if board.name != DEFAULT:
        pytest.skip("the picture is of the default board")
    kept, made = root / "docs/run.svg", tmp_path / "run.svg"
    words = picture.made_by(kept.read_text())
    command = [str(root / "xenolith"), *words[1:], "--picture", str(made)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    assert done.returncode == 0, done.stderr[-2000:]
    again = "make it again by its own command and --picture docs/run.svg"
    assert picture.shape(made.read_text()) == picture.shape(kept.read_text()), again
