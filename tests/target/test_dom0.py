# SPDX-License-Identifier: Apache-2.0
"""One boot of Debian as dom0 on two CPUs, and all that its tools say and do there."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from xenolith.boards import Board
from xenolith.lab.report import Report, fields, rows, until
from xenolith.system.model import System

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Names:
    """What an architecture calls things."""

    machine: str
    capability: str
    timer: str
    interrupts: str
    """The chip of the machine's own interrupts in /proc/interrupts."""


NAMES = {
    "arm64": Names("aarch64", "xen-3.0-aarch64", "arch_timer", "GIC-0"),
    "riscv": Names("riscv64", "xen-3.0-riscv64", "riscv-timer", "PLIC|APLIC"),
}


def affinity(board: Board, hard: str) -> str:
    """A pattern of what xl says; a vCPU with an interrupt file likes the CPU whose file it is."""
    return rf"{hard} / (all|\d)" if board.name.endswith("-aia") else rf"{hard} / all"


@pytest.fixture(scope="module")
def names(board: Board) -> Names:
    return NAMES[board.arch]


CURRENT = "/sys/devices/system/xen_memory/xen_memory0/info/current_kb"
SHOW = f"cat {CURRENT}; free -m | grep Mem; xl list 0 | tail -1; xl info | grep free_memory"


def balloon(mib: int) -> str:
    """Commands that give dom0 `mib` MiB and wait until its driver has done it."""
    return f"xl mem-set 0 {mib}m && " + until(f"grep -qx {mib * 1024} {CURRENT}")


COMMANDS = {
    # The first one, because commands begin when the network is up.
    "network": "ip addr show dev xenbr0",
    "list": "xl list",
    "info": "xl info",
    "vcpu-list": "xl vcpu-list",
    "dmesg": "xl dmesg",
    "xenstore": "xenstore-ls",
    "interrupts": "cat /proc/interrupts",
    "kernel": "dmesg",
    "hypervisor": "cd /sys/hypervisor; for f in type version/* properties/* guest_type;"
    ' do [ -f $f ] && echo "$f: $(tr -d "\\0" <$f)"; done; true',
    "capabilities": "cat /proc/xen/capabilities",
    "xenstore-write": "xenstore-write /tool/t/a 1 /tool/t/b two && xenstore-list /tool/t &&"
    " xenstore-read /tool/t/b && xenstore-rm /tool/t && ! xenstore-exists /tool/t",
    "debug-keys": "xl debug-keys h && xl dmesg | tail -60",
    "dmesg-clear": "xl dmesg -c >/dev/null; xl dmesg | wc -c",
    "uptime": "xl uptime",
    "sharing": "xl sharing",
    "cpupool": "xl cpupool-list",
    "scheduler": "xl cpupool-list -c; xl info | grep xen_scheduler",
    "sleep": 'read -r a b </proc/uptime; sleep 2; read -r c d </proc/uptime; echo "$a $c"',
    "pin": "xl vcpu-pin 0 1 0 && xl vcpu-list && xl vcpu-pin 0 1 all && xl vcpu-list",
    "pin-nowhere": "xl vcpu-pin 0 1 63",
    "balloon-down": balloon(768) + SHOW,
    "balloon-up": balloon(1024) + SHOW,
    "balloon-again": f"for i in 1 2 3; do {balloon(700)} {balloon(1024)} done; {SHOW}",
    "load": "for i in 1 2 3 4; do (head -c 4194304 /dev/zero | md5sum) & done; wait",
    "memory": "dd if=/dev/urandom of=/run/x bs=1M count=8 2>/dev/null; cp /run/x /run/y;"
    " cmp /run/x /run/y && rm /run/x /run/y",
    "unknown": "xl info -x; xl destroy 77; xl list nobody",
    "cpu-off": "echo 0 >/sys/devices/system/cpu/cpu1/online && xl vcpu-list && nproc",
    "cpu-on": "echo 1 >/sys/devices/system/cpu/cpu1/online && xl vcpu-list && nproc &&"
    " taskset -c 1 sh -c 'echo on $(cat /proc/self/stat | cut -d\" \" -f39)'",
    "cpu-cycle": "for i in 1 2 3 4 5; do echo 0; echo 1; done |"
    " while read -r x; do echo $x >/sys/devices/system/cpu/cpu1/online; done; nproc",
    "list-after": "xl list && xl vcpu-list",
}


@pytest.fixture(scope="module")
def report(
    make_system: Callable[..., System], boot: Callable[[System, str, dict[str, str]], Report]
) -> Report:
    return boot(make_system(smp=2, memory=2048), "test-dom0", COMMANDS)


def test_xl_list(report: Report) -> None:
    ((name, domid, memory, vcpus, state, seconds),) = rows(report["list"])
    assert (name, domid, memory, vcpus) == ("Domain-0", "0", "1024", "2")
    assert "r" in state
    assert float(seconds) > 0


def test_xl_info(report: Report, board: Board, names: Names) -> None:
    info = fields(report["info"])
    assert (info["xen_major"], info["xen_minor"]) == ("4", "20")
    assert (info["nr_cpus"], info["max_cpu_id"], info["nr_nodes"]) == ("2", "1", "1")
    assert (info["machine"], info["host"]) == (names.machine, "dom0")
    assert info["xen_caps"].split()[0] == names.capability
    assert info.get("arm_sve_vector_length") == ("0" if board.arch == "arm64" else None)
    assert info["virt_caps"].startswith("hvm hap")
    assert info["xen_pagesize"] == "4096"
    assert "dom0_mem=1024M" in info["xen_commandline"]
    assert re.fullmatch(r"[0-9a-f]{40}", info["build_id"])
    assert info["free_cpus"] == "0"


def test_memory_is_accounted_for(report: Report) -> None:
    info = fields(report["info"])
    total, free = int(info["total_memory"]), int(info["free_memory"])
    assert total == 2048
    # Real Xen keeps 31 MiB of 2 GiB for itself.
    assert 2048 - 1024 - 40 <= free <= 2048 - 1024


def test_xl_vcpu_list(report: Report, board: Board) -> None:
    vcpus = rows(report["vcpu-list"])
    assert [row[:3] for row in vcpus] == [["Domain-0", "0", "0"], ["Domain-0", "0", "1"]]
    assert {row[3] for row in vcpus} <= {"0", "1"}
    assert all(row[4].strip("-") in ("r", "b", "") for row in vcpus)
    assert all(re.fullmatch(affinity(board, "all"), " ".join(row[6:])) for row in vcpus)


def test_xl_dmesg(report: Report) -> None:
    lines = report["dmesg"].splitlines()
    assert len(lines) > 10
    assert all(line.startswith("(XEN)") for line in lines)
    assert "4.20" in report["dmesg"]


def test_xenstore(report: Report) -> None:
    tree = report["xenstore"]
    assert 'name = "Domain-0"' in tree
    assert re.search(r'^ +domid = "0"', tree, re.MULTILINE)
    assert report["xenstore-write"] == "a\nb\ntwo\n"


def test_interrupts(report: Report, names: Names) -> None:
    table = report["interrupts"]
    assert "xen-dyn" in table
    assert re.search(names.interrupts, table)
    for name in ("xenbus", "events", names.timer, "evtchn:xenstored"):
        lines = [x for x in table.splitlines() if x.endswith(f" {name}")]
        counts = [[int(word) for word in line.split()[1:3]] for line in lines]
        assert sum(map(sum, counts)) > 0, lines
        if name == names.timer:
            assert min(counts[0]) > 0, lines
    assert "hvc_console" in table


def test_the_kernel_does_not_complain(report: Report) -> None:
    said = report["kernel"]
    for bad in (
        "WARNING:",
        "Call trace",
        "Call Trace",
        "BUG:",
        "rcu_sched self-detected",
        "soft lockup",
    ):
        assert bad not in said
    assert "smp: Brought up 1 node, 2 CPUs" in said
    assert "Xen 4.20 support found" in said
    assert not re.search(r"GICv?[23]?: .*(timeout|no distributor|error)", said)


def test_what_linux_knows_of_the_hypervisor(report: Report) -> None:
    known = fields(report["hypervisor"])
    assert known["type"] == "xen"
    assert (known["version/major"], known["version/minor"]) == ("4", "20")
    assert known["properties/pagesize"] == "1000"
    assert int(known["properties/features"].split()[0], 16)
    assert report["capabilities"].strip() == "control_d"


def test_debug_keys(report: Report) -> None:
    assert "'h' pressed" in report["debug-keys"]
    assert re.search(r"key 'd'.*(dump|registers)", report["debug-keys"])
    assert int(report["dmesg-clear"]) < 200


def test_small_commands(report: Report) -> None:
    assert "Domain-0" in report["uptime"]
    assert rows(report["sharing"])
    ((pool, cpus, scheduler, active, domains),) = rows(report["cpupool"])
    assert (pool, cpus, active, domains) == ("Pool-0", "2", "y", "1")
    assert f"xen_scheduler          : {scheduler}" in report["scheduler"]
    assert "0,1" in report["scheduler"] or "0-1" in report["scheduler"]


def test_time_passes(report: Report) -> None:
    """Neither too fast, as the clock of the machine under this one tells, nor without waking up."""
    begun, ended = map(float, report["sleep"].split())
    assert 2.0 <= ended - begun < 60.0
    # The host has read a line after dom0 wrote it, in seconds since a start that was earlier.
    stamps = re.findall(r"^\[ *(\d+\.\d+)\] \[ *(\d+\.\d+)\]", report.console, re.MULTILINE)
    assert len(stamps) > 100
    assert all(float(dom0) <= float(host) for host, dom0 in stamps)


def test_network(report: Report) -> None:
    assert "inet 10.0.2.15/24" in report["network"]


def test_pinning(report: Report, board: Board) -> None:
    pinned = rows(report["pin"])
    assert re.fullmatch(affinity(board, "0"), " ".join(pinned[1][6:]))
    assert re.fullmatch(affinity(board, "all"), " ".join(pinned[-1][6:]))
    assert report.results["pin-nowhere"].status != 0


def test_ballooning(report: Report) -> None:
    """A 1:1 dom0 gives up the use of its memory, but the frames stay its own."""
    linux_total = []
    for name, mib in (("balloon-down", 768), ("balloon-up", 1024), ("balloon-again", 1024)):
        current, free, listed, machine = report[name].splitlines()
        assert int(current) == mib * 1024
        assert listed.split()[2] == "1024"
        free_before = int(fields(report["info"])["free_memory"])
        assert abs(int(fields(machine)["free_memory"]) - free_before) <= 2
        linux_total.append(int(free.split()[1]))
    assert linux_total[1] - linux_total[0] == 256
    assert linux_total[2] == linux_total[1]


def test_cpu_hotplug(report: Report) -> None:
    off = [row for row in rows(report["cpu-off"]) if row[0] == "Domain-0"]
    assert off[1][3] == "-"
    assert off[1][4] == "--p"
    assert report["cpu-off"].splitlines()[-1] == "1"
    on = [row for row in rows(report["cpu-on"]) if row[0] == "Domain-0"]
    assert on[1][4] != "--p"
    assert report["cpu-on"].splitlines()[-2:] == ["2", "on 1"]
    assert report["cpu-cycle"].strip() == "2"


def test_load(report: Report) -> None:
    sums = [line.split()[0] for line in report["load"].splitlines()]
    assert sums == ["b5cfa9d6c8febd618f91ac2843d50a1c"] * 4
    assert report["memory"] == ""


def test_the_tools_still_answer(report: Report) -> None:
    assert len([row for row in rows(report["list-after"]) if row[0] == "Domain-0"]) == 3


def test_wrong_use_is_refused(report: Report) -> None:
    assert report.results["unknown"].status != 0
    assert b"invalid domain" in report.results["unknown"].err


def test_power_off(report: Report) -> None:
    if report.error:
        pytest.fail(f"{report.error.message}\n{report.error.tail}", pytrace=False)
    assert len(report.results) == len(COMMANDS)
    assert "reboot: Power down" in report.console
