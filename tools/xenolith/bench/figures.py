# SPDX-License-Identifier: Apache-2.0
"""The figures: what each one is, what it must not exceed, how it follows from a kernel's counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["operation", "boot", "by-memory", "by-dom0"]

HALF = 0.5
"""Every figure is wanted at this part of Xen's, unless `wanted` says more."""

M = 1e6


@dataclass(frozen=True)
class Figure:
    """One row of the table. Instructions per operation, or millions per GiB of memory."""

    name: str
    text: str
    target: float
    """What is aimed at in the end."""
    wanted: float | None = None
    """What must be reached now; None: half of Xen's."""
    role: Role = "operation"
    interrupt: bool = False
    """The guest's own part is not constant: a run on the bare machine tells it."""
    bare_metal: bool = False
    """Firmware must have no part in it."""
    anchor: float | None = None
    """What another hypervisor was measured to need, where there is no Xen to run beside."""

    @property
    def per_gib(self) -> bool:
        """True for a slope."""
        return self.role in SLOPES

    def limit(self, xen: float | None) -> float | None:
        """What must be reached now; None if that depends on Xen and Xen was not measured."""
        if self.wanted is not None:
            return self.wanted
        return None if xen is None else xen * HALF

    def show(self, value: float) -> str:
        """A value for people."""
        return f"{value / M:.3f} M" if self.per_gib or value >= M else f"{value:.0f}"


@dataclass(frozen=True)
class Boot:
    """One boot of the measuring kernel: memory of the machine and of dom0, MiB."""

    memory: int = 1024
    dom0: int = 128


FULL = Boot()
"""The boot that measures the operations."""

SLOPES: dict[Role, tuple[Boot, ...]] = {
    "by-memory": (FULL, Boot(2048), Boot(4096)),
    "by-dom0": (FULL, Boot(dom0=256), Boot(dom0=512)),
}


def _boots(whole: str, memory: str, dom0: str) -> tuple[Figure, ...]:
    """The three figures about booting."""
    text = "reset to dom0's first instruction, 1 GiB, dom0_mem=128M"
    low, each = 0.02 * M, 0.03 * M
    return (
        Figure(whole, text, 1.5 * M, 10 * M, role="boot"),
        Figure(memory, "boot, per GiB of RAM", low, low, role="by-memory"),
        Figure(dom0, "boot, per GiB of dom0's memory", each, each, role="by-dom0"),
    )


ARM64 = (
    Figure("P1", "null hypercall (unknown number)", 56, 110),
    Figure("P2", "XENVER_version", 64),
    Figure("P3", "PSCI_VERSION by HVC", 64),
    # No firmware of the machine has it. Xen says that it is done, and does nothing.
    Figure("P4", "SMCCC_ARCH_WORKAROUND_1 by HVC, refused", 64, 120),
    Figure("P5", "vGIC: read GICD_CTLR", 130, 200),
    Figure("P6", "vGIC: write GICD_ISENABLER, no change", 170),
    Figure("P7", "SGI to self, taken and ended", 240, interrupt=True),
    Figure("P8", "virtual timer to handler, running", 140, interrupt=True),
    Figure("P9", "virtual timer to handler, in WFI", 450, interrupt=True),
    Figure("P10", "evtchn_send, already pending", 150),
    Figure("P11", "evtchn_send, fresh, interrupts off", 240, 400),
    Figure("P12", "evtchn_send to self, taken and ended", 330, interrupt=True),
    Figure("P15", "sched_op yield, nothing else to run", 110),
    Figure("P17", "vcpu_op that Xen on Arm refuses", 130),
    Figure("P20", "GNTTABOP_copy, 64 bytes", 560, 1340),
    Figure("P21", "GNTTABOP_copy, 16 of 64 bytes, each", 230, 1200),
    Figure("P22", "GNTTABOP_copy, 4096 bytes", 1150, 2200),
    Figure("P22o", "GNTTABOP_copy, 1448 bytes to another alignment", 1150, 2400),
    Figure("P24", "multicall of 8, per call", 60),
    *_boots("P32", "P33", "P34"),
)

# Anchors: Bao as measured on the same machine; with R5 what OpenSBI spends for it. What counts is
# what hypervisor and firmware execute, without the guest's own part.
RISCV = (
    Figure("R1", "SBI get_spec_version", 64, 110, anchor=235),
    Figure("R2", "null hypercall (unknown number)", 64, 110, anchor=265),
    Figure("R3", "SBI set_timer", 80, 110, anchor=235),
    Figure("R4", "timer by stimecmp, to handler", 0, 0, anchor=0),
    Figure("R5", "SBI send_ipi to self, taken", 110, 250, bare_metal=True, anchor=1081 + 2833),
    Figure("R6", "SBI send_ipi to a running vCPU", 350, 700),
    Figure("R7", "switch to another vCPU (yield)", 420, 600),
    Figure("R8", "evtchn_send, fresh, interrupts off", 240, 400),
    *_boots("R32", "R33", "R34"),
)

BY_ARCH = {"arm64": ARM64, "riscv": RISCV}

PEERS = {"arm64": "Xen 4.20", "riscv": "Bao"}
"""Whose figures stand beside ours: measured in the same run, or the anchors."""


def slope(points: list[tuple[float, float]]) -> float:
    """The line through (GiB, count) points, by least squares: its slope."""
    n = len(points)
    x_mean = sum(x for x, _ in points) / n
    y_mean = sum(y for _, y in points) / n
    above = sum((x - x_mean) * (y - y_mean) for x, y in points)
    return above / sum((x - x_mean) ** 2 for x, _ in points)


def derived(role: Role, boots: dict[Boot, float]) -> float:
    """A slope from the counts of the boots: instructions per GiB."""
    points = []
    for boot in SLOPES[role]:
        mib = boot.memory if role == "by-memory" else boot.dom0
        points.append((mib / 1024, boots[boot]))
    return slope(points)
