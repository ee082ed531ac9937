# SPDX-License-Identifier: Apache-2.0
"""Machines of different sizes, and the ways in which a machine ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from xenolith.boards import Board
from xenolith.dom0 import image
from xenolith.lab.report import Report, fields, rows
from xenolith.system.model import System

pytestmark = pytest.mark.slow

MakeSystem = Callable[..., System]
Boot = Callable[[System, str, dict[str, str]], Report]

COMMANDS = {
    "info": "xl info",
    "list": "xl list",
    "vcpus": "xl vcpu-list",
    "nproc": "nproc",
    "end": "poweroff",
}


SIZES = [(1, 512, 0), (4, 1024, 0), (2, 4096, 0)]
LONG_SIZES = [
    (8, 2048, 128),
    (1, 512, 128),
    (2, 768, 160),
    (3, 1024, 192),
    (4, 2048, 256),
    (5, 3072, 512),
    (6, 4096, 3072),
    (7, 512, 0),
    (8, 512, 0),
    (1, 8192, 0),
    (8, 8192, 0),
    (2, 8192, 7680),
]
"""CPUs, MiB, and MiB of dom0; 0: the default."""


@pytest.mark.parametrize(
    ("smp", "memory", "dom0_mem"),
    [*SIZES, *(pytest.param(*row, marks=pytest.mark.long) for row in LONG_SIZES)],
)
def test_sizes(make_system: MakeSystem, boot: Boot, smp: int, memory: int, dom0_mem: int) -> None:
    xen_args = f"dom0_mem={dom0_mem}M" if dom0_mem else ""
    system = make_system(smp=smp, memory=memory, xen_args=xen_args)
    report = boot(system, f"test-smp{smp}-{memory}-{dom0_mem}", COMMANDS)
    assert report.error is None
    info = fields(report["info"])
    assert int(info["nr_cpus"]) == smp
    assert int(info["total_memory"]) == memory
    ((_, _, dom0_memory, vcpus, _, _),) = rows(report["list"])
    assert int(dom0_memory) == (dom0_mem or system.default_dom0_memory)
    assert int(vcpus) == smp
    assert len(rows(report["vcpus"])) == smp
    assert int(report["nproc"]) == smp
    # The command that ends the machine is the last thing that dom0 tells of.
    assert list(report.results) == list(COMMANDS)
    assert "reboot: Power down" in report.console


def test_more_vcpus_than_cpus(make_system: MakeSystem, boot: Boot) -> None:
    """Four vCPUs on one CPU: the scheduler must share it, and reboot must end the machine."""
    system = make_system(smp=1, memory=1024, xen_args="dom0_max_vcpus=4")
    commands = {
        "nproc": "nproc",
        "vcpus": "xl vcpu-list",
        "each": "for c in 0 1 2 3; do taskset -c $c sh -c 'i=0; while [ $i -lt 3000 ]; do"
        " i=$((i+1)); done; echo done'; done",
        "together": "for c in 0 1 2 3; do taskset -c $c sh -c 'i=0; while [ $i -lt 3000 ]; do"
        " i=$((i+1)); done; echo done' & done; wait",
        "end": "reboot",
        "never": "echo not reached",
    }
    report = boot(system, "test-overcommit", commands)
    assert report.error is None
    assert report["nproc"].strip() == "4"
    assert {row[3] for row in rows(report["vcpus"])} <= {"0", "-"}
    assert report["each"].split() == ["done"] * 4
    assert report["together"].split() == ["done"] * 4
    assert "never" not in report.results
    assert "reboot: Restarting system" in report.console


def test_a_kernel_without_xen_is_a_plain_guest(
    board: Board, make_system: MakeSystem, boot: Boot
) -> None:
    """Debian's kernel for RISC-V knows nothing of Xen, and has no console of ours either."""
    if board.arch != "riscv":
        pytest.skip("Debian's kernel knows Xen here")
    stock = image.build(board.debian_arch, kernel="debian")
    system = replace(make_system(), kernel=stock.kernel, initrd=stock.initrd)
    commands = {
        "uname": "uname -r",
        "nproc": "nproc",
        "xen": "xl list",
        "interrupts": "cat /proc/interrupts",
    }
    report = boot(system, "test-stock", commands)
    assert report.error is None
    assert report["uname"].strip() == stock.release
    assert report["nproc"].strip() == "2"
    assert report.results["xen"].status != 0
    assert "virtio" in report["interrupts"] and "riscv-timer" in report["interrupts"]
    assert "this kernel has no Xen support; xl cannot work" in report.console
    assert "reboot: Power down" in report.console


def test_a_cpu_with_all_that_qemu_has(board: Board, make_system: MakeSystem, boot: Boot) -> None:
    """What Linux finds in its ISA string it uses: `seed` of Zkr, which traps, was one of that."""
    if board.arch != "riscv":
        pytest.skip("of the ISA string, which only RISC-V has")
    everything = replace(board, qemu=replace(board.qemu, cpu="max"))
    system = replace(make_system(), board=everything)
    report = boot(system, "test-cpu-max", {"cpus": "cat /proc/cpuinfo", "list": "xl list"})
    assert report.error is None
    for isa in re.findall(r"^isa\s*: (\S+)", report["cpus"], re.MULTILINE):
        assert {"zbb", "zknd", "zvkned"} <= {*isa.split("_")}
        assert not {"zk", "zkr", "zihpm", "zicfiss", "zicfilp", "zcmt"} & {*isa.split("_")}
    assert [row[0] for row in rows(report["list"])] == ["Domain-0"]
