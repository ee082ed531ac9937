# SPDX-License-Identifier: Apache-2.0
"""No folder of the core is executed less than tests/host/coverage.toml says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.long
@pytest.mark.timeout(2700)
def test_no_folder_is_below_its_floor(root: Path) -> None:
    """The whole layer again, with counters: some minutes."""
    command = [sys.executable, "-m", "xenolith", "test", "--coverage", "--json"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    below = json.loads(done.stdout)["below"] if done.stdout else []
    assert (done.returncode, below) == (0, []), done.stderr[-3000:]
