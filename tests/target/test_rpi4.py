"""The Raspberry Pi 4 as QEMU plays it: what dom0 gets, what it does not, and how the board ends."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from xenolith.lab.report import Report, fields, rows
from xenolith.system.model import System

pytestmark = [pytest.mark.slow, pytest.mark.families("rpi4")]

MakeSystem = Callable[..., System]
Boot = Callable[[System, str, dict[str, str]], Report]

MIB = 1 << 20
COMMANDS = {
    "list": "xl list",
    "info": "xl info",
    "vcpus": "xl vcpu-list",
    "dmesg": "xl dmesg",
    "interrupts": "cat /proc/interrupts",
    "iomem": "cat /proc/iomem",
    "tree": "cd /proc/device-tree && find . -type d | sort",
    "ranges": "for b in soc emmc2bus; do hexdump -ve '1/1 \"%02x\"'"
    " /proc/device-tree/$b/dma-ranges; echo; done",
    "end": "poweroff",
}


@pytest.fixture(scope="module")
def report(make_system: MakeSystem, boot: Boot) -> Report:
    return boot(make_system(), "test-rpi4", COMMANDS)


def test_dom0_has_its_tools_and_four_cpus(report: Report) -> None:
    info = fields(report["info"])
    assert (info["nr_cpus"], info["max_cpu_id"]) == ("4", "3")
    # 960 MiB that the video core leaves of the first GiB, and the second one.
    assert int(info["total_memory"]) == 960 + 1024
    ((name, _, memory, vcpus, _, _),) = rows(report["list"])
    assert (name, memory, vcpus) == ("Domain-0", "512", "4")
    assert len({row[3] for row in rows(report["vcpus"])} - {"-"}) >= 1
    assert "Brought up 4 CPUs" in report["dmesg"]


def test_its_memory_is_where_its_devices_reach(report: Report) -> None:
    banks = re.findall(r"BANK\[\d+\] (0x[0-9a-f]+)-(0x[0-9a-f]+)", report["dmesg"])
    assert sum(int(end, 16) - int(start, 16) for start, end in banks) == 512 * MIB
    assert all(int(end, 16) <= 0x3C000000 for _, end in banks)


def test_what_is_not_its_own_is_kept_from_it(report: Report) -> None:
    """The PM block, the local interrupt controller, and the page of the console's UART."""
    nodes = report["tree"].split()
    gone = ["serial@7e215040", "aux@7e215000", "watchdog@7e100000", "interrupt-controller@40000000"]
    assert [node for node in nodes if node.rpartition("/")[2] in gone] == []
    taken = re.findall(r"^\s*([0-9a-f]+)-([0-9a-f]+) :", report["iomem"], re.MULTILINE)
    pages = {page for a, b in taken for page in range(int(a, 16) >> 12, (int(b, 16) >> 12) + 1)}
    assert not pages & {0xFE215, 0xFE100, 0xFF800}
    assert 0xFE200 in pages, "the GPIO block is dom0's"
    assert "d0 does not get /soc/aux@7e215000" in report["dmesg"]


def test_dma_ranges_are_the_hosts(report: Report) -> None:
    """Linux computes bus addresses from them: soc's devices see RAM at 0xc0000000."""
    soc, emmc2 = report["ranges"].split()
    assert soc == "c0000000" + "00000000" * 2 + "40000000"
    assert emmc2 == "00000000c0000000" + "00000000" * 2 + "40000000"


def test_power_off_ends_the_machine(report: Report) -> None:
    assert report.error is None
    assert "Hardware Dom0 halted: halting machine" in report.console
    assert "by hand" not in report.console


def test_reboot_resets_the_machine(make_system: MakeSystem, boot: Boot) -> None:
    """QEMU ends at a reset of the board; if it did not come, this would time out."""
    report = boot(make_system(), "test-rpi4-reboot", {"end": "reboot"})
    assert report.error is None
    assert "Hardware Dom0 shutdown: rebooting machine" in report.console
    assert "by hand" not in report.console
