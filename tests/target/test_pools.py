# SPDX-License-Identifier: Apache-2.0
"""A CPU pool with the null scheduler, which Debian's Xen has not; tests/xl compares the rest."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from xenolith.lab.report import Report, rows, until
from xenolith.system.model import System

pytestmark = [pytest.mark.slow, pytest.mark.families("qemu-virt")]

CONFIG = r"""printf '%s\n' 'name="p"' 'memory=128' 'kernel="/boot/vmlinuz"' 'vcpus=1' 'pool="own"' \
>/run/p.cfg"""

WHERE = "xl vcpu-list p | awk '$1 == \"p\" && $4 {0} 3 {{ there = 1 }} END {{ exit !there }}'"

NULL = rf"""
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


def test_null_scheduler_in_a_pool(
    make_system: Callable[..., System],
    boot: Callable[[System, str, dict[str, str]], Report],
    on_xen: bool,
) -> None:
    """One vCPU for the pool's CPU; there it runs and nowhere else; a second one is refused."""
    if on_xen:
        pytest.skip("Debian's Xen has no null scheduler")
    report = boot(make_system(smp=4), "test-pools", {"config": CONFIG, "null": NULL})
    text = report["null"]
    assert "no second one" in text
    assert re.search(r"^own +1 +null +y +1$", text, re.MULTILINE)
    assert re.search(r"^own +1 +null +y +0$", text, re.MULTILINE)
    assert re.search(r"^p +\d+ +0 +3 ", text, re.MULTILINE)
    assert rows(text)[-1] == ["Pool-0", "0,1,2,3"]
