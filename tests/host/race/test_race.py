# SPDX-License-Identifier: Apache-2.0
"""Random calls of all vCPUs of a machine at once, a thread for each CPU, under both sanitizers; and
calls that another CPU overtakes at a chosen step.

XENOLITH_RACE_ROUNDS and XENOLITH_RACE_SEED make a longer run, or another one.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROUNDS = int(os.environ.get("XENOLITH_RACE_ROUNDS", "4"))
SEED = int(os.environ.get("XENOLITH_RACE_SEED", "1"))
SECONDS_EACH = 60
"""At most, for a round; a busy machine needs one or two."""

LONGEST_WAIT = 300
"""More than anything waits for another (HOST_WAIT_MAX) before it says what for."""

KINDS = ("memory", "grants", "events", "vcpus", "control")
BENIGN = Path(__file__).with_name("benign.supp")


@pytest.mark.parametrize("step", ["info", "populate"])
def test_overtaken(host_program: Callable[..., Path], step: str) -> None:
    """Another CPU acts just where a call has looked and not yet done: what it found is old."""
    sources, wrap = ("tests/host/race/overtaken/*.c",), ("p2m_get_page", "p2m_map")
    program = host_program("overtaken", sources, "address", wrap)
    done = subprocess.run([str(program), step], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.startswith("ok")


# A schedule that ThreadSanitizer has not seen may show what is not in BENIGN yet: not in each run.
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name",
    ["address", pytest.param("thread", marks=pytest.mark.long)],
)
def test_race(host_program: Callable[..., Path], name: str, kind: str) -> None:
    """Nothing is used after it is free, every page has the owner that it should, all comes back."""
    program = host_program("race", ("tests/host/race/*.c",), name, ("spin_rank_acquire",))
    env = {
        **os.environ,
        "ASAN_OPTIONS": "detect_leaks=0",
        "TSAN_OPTIONS": f"suppressions={BENIGN} history_size=7",
    }
    command = [str(program), kind, str(SEED), str(ROUNDS)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=env,
        timeout=LONGEST_WAIT + SECONDS_EACH * ROUNDS,
        check=False,
    )
    if done.returncode != 0:
        pytest.fail(f"{' '.join(command)}\n{done.stderr[:12000]}", pytrace=False)
    assert done.stdout.startswith("ok")
