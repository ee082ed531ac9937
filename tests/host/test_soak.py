# SPDX-License-Identifier: Apache-2.0
"""Many random hypercalls on the host, the invariants checked after each scene of some hundred.

XENOLITH_SOAK_CALLS and XENOLITH_SOAK_SEED make a longer run, or another one.
XENOLITH_SOAK_SANITIZER: "address" (the usual), "undefined", or "none", which is the fastest.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

CALLS = int(os.environ.get("XENOLITH_SOAK_CALLS", "100000"))
SEED = int(os.environ.get("XENOLITH_SOAK_SEED", "1"))
SANITIZER = os.environ.get("XENOLITH_SOAK_SANITIZER", "address")
ABORT = "detect_leaks=0:handle_segv=2:abort_on_error=1"
CALLS_PER_SECOND = 1000
"""At least, with a sanitizer on a busy machine; 20,000 to 50,000 are usual."""


@pytest.mark.timeout(300 + CALLS // CALLS_PER_SECOND)
def test_soak(host_program: Callable[..., Path]) -> None:
    """No sanitizer, assertion or invariant complains, and some of the calls have done something."""
    program = host_program("soak", ("tests/host/fuzz/soak.c",), SANITIZER)
    done = subprocess.run(
        [str(program), str(SEED), str(CALLS)],
        capture_output=True,
        text=True,
        errors="replace",
        # What ends the program says its scene last; a sanitizer before that.
        env={**os.environ, "ASAN_OPTIONS": ABORT, "UBSAN_OPTIONS": "abort_on_error=1"},
        check=False,
    )
    found = re.fullmatch(r"ok: (\d+) calls in \d+ scenes, (\d+) succeeded, .*\n", done.stdout)
    if done.returncode != 0 or found is None:
        pytest.fail(f"{program} {SEED} {CALLS}\n{done.stdout}{done.stderr[-6000:]}", pytrace=False)
    calls, succeeded = (int(number) for number in found.groups())
    assert calls >= CALLS
    # One in nine does; fewer would mean that most of them are refused at the door.
    assert succeeded > calls // 20
    print(done.stdout.strip())
