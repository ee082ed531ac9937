# SPDX-License-Identifier: Apache-2.0
"""Two guests write to disks and get files from each other, at once: for 20 s, and for 300 s."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from xenolith.dom0 import cpio
from xenolith.lab.report import Report
from xenolith.lab.shell import CONSOLES
from xenolith.system.model import System

pytestmark = [pytest.mark.slow, pytest.mark.long]

HERE = Path(__file__).parent
GUESTS = {"h1": "10.0.2.101", "h2": "10.0.2.102"}
SCRIPTS = ("small", "hammer")
BAD = r"\b(error|failed|failure|warning|BUG|stalls?|stalled|timed out|Oops)\b|Call trace"
"""What no log may say."""
FINE = r"Xen: initializing cpu|error -ENOENT|failsafe|ACPI"


def commands(seconds: int) -> dict[str, str]:
    """What is done in dom0."""
    first, second = GUESTS
    create = "".join(
        f"truncate -s 18M /run/{name}.img; configure {name} 160 {where} "
        f"\"disk = [ '/run/{name}.img,raw,xvda,w' ]; vcpus = 2\"; xl create -q /run/{name}.cfg; "
        f"attach {name}; "
        for name, where in GUESTS.items()
    )
    start = "".join(
        f"echo '/hammer {seconds} {GUESTS[other]}' >/run/{name}.in; "
        for name, other in ((first, second), (second, first))
    )
    # A guest that stands still is to leave a trace in "hypervisor": vCPUs, events, queues.
    done = "grep -q 'hammer: done' /run/$g.out"
    wait = (
        f"for g in {first} {second}; do n=0; until {done} || [ $n -gt {4 * seconds + 300} ]; do "
        f"n=$((n + 1)); sleep 1; done; {done} || xl debug-keys qerd; "
        "grep -o 'hammer: .*' /run/$g.out; done"
    )
    return {
        "before": "prepare; left; dmesg -c >/dev/null",
        "up": f"{create}for g in {first} {second}; do says $g small:; done",
        "hammered": start + wait,
        "dom0": "dmesg",
        "guests": "".join(f"echo dmesg | on {name}; " for name in GUESTS),
        "hypervisor": "xl dmesg",
        "after": f"xl destroy {first}; xl destroy {second}; left",
    }


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(20, id="short"),
        pytest.param(300, id="long", marks=pytest.mark.timeout(3600)),
    ],
)
def seconds(request: pytest.FixtureRequest) -> int:
    found: int = request.param
    return found


@pytest.fixture(scope="module")
def report(make_system: Callable[..., System], boot: Callable[..., Report], seconds: int) -> Report:
    """dom0 after all commands."""
    scripts = [cpio.file(name, (HERE / f"{name}.sh").read_bytes(), 0o755) for name in SCRIPTS]
    files = {
        "/test/guests.sh": CONSOLES.read_bytes() + (HERE / "guests.sh").read_bytes(),
        "/test/small.gz": cpio.compress(cpio.pack(scripts)),
    }
    prepared = {name: f". /test/guests.sh\n{text}" for name, text in commands(seconds).items()}
    return boot(make_system(), "test-hammer", prepared, files=files, timeout=1000.0 + 5 * seconds)


def test_all_that_was_written_and_received_is_right(report: Report) -> None:
    said = report["hammered"].splitlines()
    for what in ("written and read", "received", "done"):
        assert len([line for line in said if line.rstrip().endswith(what)]) == 2, said
    assert "differs" not in report["hammered"], said
    amounts = [int(mib) for mib in re.findall(r"hammer: (\d+) MiB", report["hammered"])]
    assert min(amounts) > 0, said
    print(report["hammered"])


@pytest.mark.parametrize("who", ["dom0", "guests", "hypervisor"])
def test_nobody_complains(report: Report, who: str) -> None:
    lines = [line for line in report[who].splitlines() if re.search(BAD, line, re.IGNORECASE)]
    assert [line for line in lines if not re.search(FINE, line)] == []


def test_nothing_is_left(report: Report) -> None:
    assert report["after"] == report["before"]
    assert report.error is None
