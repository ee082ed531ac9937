# SPDX-License-Identifier: Apache-2.0
"""What the tests of tiny kernels share: running one as dom0 of the hypervisor under test."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from xenolith.bench import guest
from xenolith.bench.guest import Run
from xenolith.boards import Board
from xenolith.build.make import Output

TIMEOUT = 300.0
"""Seconds for one kernel; most need one, all of them on a busy machine ten."""

Kernel = Callable[..., str]
"""Runs a kernel on that many CPUs, of the board's model or another, with further arguments of
QEMU; what its console said."""


@pytest.fixture
def kernel(board: Board, guests: Output, hypervisor: Path, on_xen: bool) -> Kernel:
    """Every check of the kernel holds, and QEMU ends by the guest's power off."""

    def run(name: str, cpus: int, model: str | None = None, extra: Sequence[str] = ()) -> str:
        setup = Run(
            guests.guest(name),
            hypervisor,
            smp=cpus,
            args=f"cpus={cpus}" + (" oracle" if on_xen else ""),
            xen_args="loglvl=all guest_loglvl=error",
            # One CPU and instructions for a clock: the same run every time, however busy the host.
            counted=cpus == 1,
            extra=extra,
        )
        machine = board if model is None else replace(board, qemu=replace(board.qemu, cpu=model))
        text = guest.console_of(machine, setup, TIMEOUT)
        failures = re.findall(r"^FAIL .*$", text, re.MULTILINE)
        found = re.search(guest.END.decode(), text)
        assert found is not None
        passed, failed, known = (int(count) for count in found.groups())
        print(f"{name}: {passed} passed, {known} known differences")
        assert failures == []
        assert failed == 0
        assert passed > 0
        return text

    return run
