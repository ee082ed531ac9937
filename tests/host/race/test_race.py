# SPDX-License-Identifier: Apache-2.0
"""Random calls of all vCPUs of a machine at once, a thread for each CPU, under both sanitizers.

XENOLITH_RACE_ROUNDS and XENOLITH_RACE_SEED make a longer run, or another one.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROUNDS = int(os.environ.get("XENOLITH_RACE_ROUNDS", "4"))
SEED = int(os.environ.get("XENOLITH_RACE_SEED", "1"))
SECONDS_EACH = 60
"""At most, for a round; a busy machine needs one or two."""

SOURCES = ("xen/*/*.c", "tests/host/arch/port/*.c", "tests/host/fuzz/core/*.c")
KINDS = ("memory", "grants", "events", "vcpus", "control")
SANITIZERS = {
    "address": "-fsanitize=address,undefined -fno-sanitize-recover=all".split(),
    # It does not know fences, which is no loss: on this machine they order nothing more.
    "thread": "-fsanitize=thread -Wno-tsan -Wno-maybe-uninitialized".split(),
}
BENIGN = Path(__file__).with_name("benign.supp")


def build(host_compiler: Any, host_flags: list[str], name: str) -> Path:
    """The program. The core is a library: its variables are reset apart from the program's own."""
    sanitize = SANITIZERS[name]
    flags = [*host_flags, *sanitize, "-fPIC"]
    core = host_compiler.compile_all(SOURCES, "gcc", flags)
    library = host_compiler.link(f"librace-{name}.so", core, "gcc", ["-shared", *sanitize])
    race = host_compiler.compile_all(("tests/host/race/*.c",), "gcc", flags)
    link = [*sanitize, "-pthread", f"-Wl,-rpath,{library.parent}"]
    program: Path = host_compiler.link(f"race-{name}", [*race, library], "gcc", link)
    return program


# A schedule that ThreadSanitizer has not seen may show what is not in BENIGN yet: not in each run.
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.long] if n == "thread" else []) for n in SANITIZERS],
)
def test_race(host_compiler: Any, host_flags: list[str], name: str, kind: str) -> None:
    """Nothing is used after it is free, every page has the owner that it should, all comes back."""
    program = build(host_compiler, host_flags, name)
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
        timeout=SECONDS_EACH * ROUNDS,
        check=False,
    )
    if done.returncode != 0:
        pytest.fail(f"{' '.join(command)}\n{done.stderr[:12000]}", pytrace=False)
    assert done.stdout.startswith("ok")
