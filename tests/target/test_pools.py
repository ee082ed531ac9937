# SPDX-License-Identifier: Apache-2.0
"""CPU pools by real xl: the same commands say the same on ours and (`--hypervisor xen`) on real
Xen, but for what ON_XEN tells. On ours also the null scheduler, which Debian's Xen has not.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from xenolith.lab.report import Report, rows, until
from xenolith.system.model import System

pytestmark = [pytest.mark.slow, pytest.mark.families("qemu-virt")]


@dataclass(frozen=True)
class Step:
    """What is typed after `xl`, what must come (see `said`), and the exit status."""

    command: str
    lines: tuple[str, ...] = ()
    status: int = 0


def step(command: str, *lines: str, status: int = 0) -> Step:
    return Step(command, lines, status)


NOT_ALL = "some cpus may not have been added to rt"
NOT_FREE = (
    "Some cpus may have not or only partially been removed from '{0}'.",
    "If a cpu can't be added to another cpupool, add it to '{0}' again and retry.",
)
MADE = ("cpupool name: {0}", "scheduler: {1}", "number of cpus: {2}")


def made(name: str, scheduler: str, cpus: int) -> tuple[str, ...]:
    return tuple(line.format(name, scheduler, cpus) for line in MADE)


def kept(pool: str, why: str) -> tuple[str, ...]:
    return (why, *(line.format(pool) for line in NOT_FREE))


STEPS = (
    step("cpupool-list -c", "Pool-0 0,1,2,3"),
    step("cpupool-cpu-remove Pool-0 3"),
    step("cpupool-cpu-remove Pool-0 2"),
    step(
        """cpupool-create 'name="rt"' 'sched="credit2"' 'cpus=["3"]'""", *made("rt", "credit2", 1)
    ),
    step("""cpupool-create 'name="no"' 'sched="junk"'""", "Unknown scheduler", status=1),
    step(
        """cpupool-create 'name="no"' 'sched="credit2"' 'cpus=["1"]'""",
        "cpu 1 illegal or not free",
        status=1,
    ),
    step("cpupool-cpu-add rt 2"),
    step("cpupool-cpu-add rt 2", "No such device", NOT_ALL),
    step("cpupool-cpu-add rt 1", "No such device", NOT_ALL),
    step("cpupool-cpu-remove rt 1", *kept("rt", "Cannot assign requested address")),
    step("cpupool-list", "Pool-0 2 credit2 y 1", "rt 2 credit2 y 0"),
    step("create -p /run/p.cfg", "Parsing config from /run/p.cfg"),
    step("cpupool-list", "Pool-0 2 credit2 y 1", "rt 2 credit2 y 1"),
    step("sched-credit2 -d p -w 512"),
    step("sched-credit2 -p rt", "Cpupool rt: ratelimit=1000us", "p 512 0"),
    step("vcpu-pin p 0 3"),
    step("vcpu-pin p 1 1", "Invalid argument", "Could not set affinity for vcpu `1'.", status=1),
    step("vcpu-list p", "p 0 3 / all", "p 1 all / all"),
    step("cpupool-cpu-remove rt 3"),
    step("vcpu-list p", "p 0 3 / all", "p 1 all / all"),
    step("cpupool-cpu-remove rt 2", *kept("rt", "Device or resource busy")),
    step("cpupool-list -c", "Pool-0 0,1", "rt 2"),
    step("cpupool-destroy rt", "Can't destroy cpupool 'rt'", status=1),
    step("cpupool-migrate p Pool-0"),
    step("sched-credit2 -d p", "p 512 0"),
    step("vcpu-pin p 0 1"),
    step("cpupool-migrate p rt"),
    step("vcpu-list p", "p 0 all / all", "p 1 all / all"),
    step("cpupool-migrate p junk", "unknown cpupool 'junk'", status=1),
    step("cpupool-migrate Domain-0 rt", "Error moving domain to cpupool", status=1),
    step("""cpupool-create 'name="empty"' 'sched="credit2"'""", *made("empty", "credit2", 0)),
    step("""cpupool-create 'name="empty"'""", 'Pool name "empty" already exists', status=1),
    step("cpupool-migrate p empty", "Error moving domain to cpupool", status=1),
    step("cpupool-list", "Pool-0 2 credit2 y 1", "rt 1 credit2 y 1", "empty 0 credit2 y 0"),
    step("cpupool-rename rt fast"),
    step("cpupool-cpu-remove Pool-0 0"),
    step("cpupool-list -c", "Pool-0 1", "fast 2", "empty"),
    step("vcpu-list 0", *(f"Domain-0 {i} all / all" for i in range(4))),
    step("cpupool-cpu-add Pool-0 0"),
    step("destroy p"),
    step("cpupool-destroy fast"),
    step("cpupool-destroy empty"),
    step("cpupool-destroy Pool-0", "Can't destroy cpupool 'Pool-0'", status=1),
    step("cpupool-cpu-add Pool-0 3"),
    step("cpupool-cpu-add Pool-0 2"),
    step("cpupool-list -c", "Pool-0 0,1,2,3"),
)

ON_XEN = {
    # It forgets an affinity whose CPU leaves; ours is in effect again when the CPU is back.
    19: ("p 0 all / all", "p 1 all / all"),
    # It forgets a domain's weight when the domain changes pools.
    24: ("p 256 0",),
    # Its CPU 0 stays in Pool-0.
    35: kept("Pool-0", "Invalid argument"),
    36: ("Pool-0 0,1", "fast 2", "empty"),
    38: ("No such device", NOT_ALL.replace("rt", "Pool-0")),
}
"""What real Xen answers to these steps."""

CONFIG = r"""printf '%s\n' 'name="p"' 'memory=128' 'kernel="/boot/vmlinuz"' 'vcpus=2' 'pool="rt"' \
>/run/p.cfg"""

WHERE = "xl vcpu-list p | awk '$1 == \"p\" && $4 {0} 3 {{ there = 1 }} END {{ exit !there }}'"

NULL = rf"""
sed -i 's/pool=.*/pool="own"/; s/vcpus=.*/vcpus=1/' /run/p.cfg
xl cpupool-cpu-remove Pool-0 3
xl cpupool-create 'name="own"' 'sched="null"' 'cpus=["3"]' >/dev/null
cp /run/p.cfg /run/q.cfg; sed -i 's/name="p"/name="q"/' /run/q.cfg
xl create /run/p.cfg >/dev/null 2>&1
{until(WHERE.format("=="))}
xl create /run/q.cfg >/dev/null 2>&1 || echo "no second one"
xl cpupool-list
xl vcpu-list p
xl cpupool-migrate p Pool-0
{until(WHERE.format("!="))}
xl cpupool-list
xl destroy p
xl cpupool-destroy own && xl cpupool-cpu-add Pool-0 3
xl cpupool-list -c
"""


def said(text: str) -> tuple[str, ...]:
    """What matters of xl's output: no headings and file names, of errors their cause, of a table of
    vCPUs or domains no times, numbers of domains, or the CPU that is just running one.
    """
    lines = []
    for raw in text.splitlines():
        line = " ".join(raw.split())
        line = re.sub(r"^libxl: error: .*: (?:Domain \d+:)?", "", line)
        line = re.sub(r"^(\S+) \d+ (\d+) (?:\d+|-) \S{3} [\d.]+ ", r"\1 \2 ", line)
        line = re.sub(r"^(p) \d+ (\d+ 0)$", r"\1 \2", line)
        # Soft affinity: with an AIA a vCPU prefers the CPU that has its interrupt file.
        line = re.sub(r" / \S+$", " / all", line)
        if not line.startswith(("Name ", "Using config file")) and line:
            lines.append(line)
    return tuple(lines)


@pytest.fixture(scope="module")
def report(
    make_system: Callable[..., System],
    boot: Callable[[System, str, dict[str, str]], Report],
    on_xen: bool,
) -> Report:
    typed = [f"xl {each.command} 2>&1; echo status $?" for each in STEPS]
    script = "\n".join(f"echo '$$ {i}'; {line}" for i, line in enumerate(typed))
    commands = {"config": CONFIG, "steps": f"sh -c {shlex.quote(script)}"}
    if not on_xen:
        commands["null"] = NULL
    return boot(make_system(smp=4), "test-pools", commands)


def test_xl_says_what_it_says_on_xen(report: Report, on_xen: bool) -> None:
    parts = re.split(r"^\$\$ \d+\n", report["steps"], flags=re.MULTILINE)[1:]
    assert len(parts) == len(STEPS)
    for i, (each, part) in enumerate(zip(STEPS, parts, strict=True)):
        wanted = ON_XEN.get(i, each.lines) if on_xen else each.lines
        assert said(part) == (*wanted, f"status {each.status}"), (i, each.command)


def test_null_scheduler_in_a_pool(report: Report, on_xen: bool) -> None:
    """One vCPU for the pool's CPU; there it runs and nowhere else; a second one is refused."""
    if on_xen:
        pytest.skip("Debian's Xen has no null scheduler")
    text = report["null"]
    assert "no second one" in text
    assert re.search(r"^own +1 +null +y +1$", text, re.MULTILINE)
    assert re.search(r"^own +1 +null +y +0$", text, re.MULTILINE)
    assert re.search(r"^p +\d+ +0 +3 ", text, re.MULTILINE)
    assert rows(text)[-1] == ["Pool-0", "0,1,2,3"]
