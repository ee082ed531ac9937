# SPDX-License-Identifier: Apache-2.0
"""The Raspberry Pi 4 as QEMU plays it: what dom0 gets, what it does not, and how the board ends."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from xenolith.dom0 import debian, recipe
from xenolith.dt import blob
from xenolith.lab import protocol, qemu, session
from xenolith.lab.console import Console, Deadline
from xenolith.lab.report import Report, fields, rows
from xenolith.lab.target import State, Target
from xenolith.system.model import System

pytestmark = [pytest.mark.slow, pytest.mark.families("rpi4")]

MakeSystem = Callable[..., System]
Boot = Callable[[System, str, dict[str, str]], Report]

MIB = 1 << 20
SECONDS = 900.0
"""For a boot with all its commands; 30 are usual."""
COMMANDS = {
    # The first one: a network card on USB shows up after the tools are there.
    "network": "ip addr",
    "list": "xl list",
    "info": "xl info",
    "vcpus": "xl vcpu-list",
    "dmesg": "xl dmesg",
    "interrupts": "cat /proc/interrupts",
    "iomem": "cat /proc/iomem",
    "tree": "cd /proc/device-tree && find . -type d | sort",
    "ranges": "for b in soc emmc2bus; do hexdump -ve '1/1 \"%02x\"'"
    " /proc/device-tree/$b/dma-ranges; echo; done",
    "predicts": "cd /sys/devices/system/cpu/vulnerabilities && grep . spectre_v2 spec_store_bypass",
    "end": "poweroff",
}


@pytest.fixture(scope="module")
def report(make_system: MakeSystem, boot: Boot) -> Report:
    return boot(make_system(dom0_args="mitigations=auto"), "test-rpi4", COMMANDS)


def test_dom0_has_its_tools_and_four_cpus(report: Report) -> None:
    info = fields(report["info"])
    assert (info["nr_cpus"], info["max_cpu_id"]) == ("4", "3")
    # 960 MiB that the video core leaves of the first GiB, and the second one.
    assert int(info["total_memory"]) == 960 + 1024
    ((name, _, memory, vcpus, _, _),) = rows(report["list"])
    assert (name, memory, vcpus) == ("Domain-0", "512", "4")
    assert len({row[3] for row in rows(report["vcpus"])} - {"-"}) >= 1
    assert "Brought up 4 CPUs" in report["dmesg"]


def test_its_network_is_up_before_the_first_command(report: Report) -> None:
    assert "inet 10.0.2.15/24" in report["network"]


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


def test_dom0_knows_that_the_stub_clears_no_prediction(report: Report) -> None:
    assert "CPU0: guests can steer its branch prediction" in report["dmesg"]
    assert "spectre_v2:Vulnerable" in report["predicts"]
    assert "spec_store_bypass:Vulnerable" in report["predicts"]


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


STUB_MAGIC, STUB_TREE, STUB_KERNEL = 0xF0, 0xF8, 0xFC
"""Words of the firmware's stub, which the video core fills in [TF-A, plat/rpi/common]."""
HYPERVISOR_AT, TREE_AT, TREE_ROOM = 0x0020_0000, 0x0800_0000, 8192


def test_psci_of_real_tf_a(make_system: MakeSystem, tmp_path: Path) -> None:
    """Debian's bl31.bin at EL3 instead of the firmware's stub: CPUs and power by PSCI, by SMC."""
    system, token = make_system(dom0_args="mitigations=auto"), protocol.new_token()
    commands = ["xl info", "xl dmesg", COMMANDS["predicts"]]
    options = session.Options()
    command = session.prepare(system, commands, options, token, tmp_path)
    at = command.index("-kernel")
    tree = Path(command[at + 3])
    command[at : at + 4] = qemu.loaders(
        [
            qemu.Load(stub(tmp_path), 0),
            qemu.Load(system.hypervisor, HYPERVISOR_AT),
            qemu.Load(as_firmware_leaves_it(tree, system), TREE_AT),
        ]
    )
    log = session.log_file(system, "test-rpi4-tf-a")
    with qemu.Machine(command, system.board.qemu.console) as machine:
        console = Console(machine, log)
        target = Target(console, token, protocol.Collector(commands), Deadline(SECONDS))
        target.to(State.POWERED_OFF)
    info, said, predicts = (result.text for result in target.collector.results)
    assert "Using PSCI v1.1" in said
    assert "Brought up 4 CPUs" in said
    assert fields(info)["nr_cpus"] == "4"
    assert said.count("calls firmware's work-around 0x80003fff on entry from guests") == 4
    assert "spectre_v2:Mitigation" in predicts
    assert "spec_store_bypass:Not affected" in predicts
    assert "by hand" not in log.read_text(errors="replace")


def stub(folder: Path) -> Path:
    """TF-A with the words that the firmware writes: where the device tree and the kernel are."""
    (deb,) = debian.download(["arm-trusted-firmware"], recipe.load().suite, "arm64")
    wanted = "usr/lib/arm-trusted-firmware/rpi4/bl31.bin"
    (member,) = debian.members(deb, lambda name: name == wanted)
    data = bytearray(member.data)
    for word, value in ((STUB_MAGIC, 0), (STUB_TREE, TREE_AT), (STUB_KERNEL, HYPERVISOR_AT)):
        struct.pack_into("<I", data, word, value)
    path = folder / "bl31.bin"
    path.write_bytes(data)
    return path


def as_firmware_leaves_it(path: Path, system: System) -> Path:
    """The tree with the first bank of RAM in it, and room for TF-A's nodes."""
    tree = blob.parse(path.read_bytes())
    assert system.board.low_memory is not None
    blob.set_cells(tree.get_node("/memory@0"), "reg", 0, 0, system.board.low_memory * MIB)
    data = bytearray(blob.serialize(tree))
    struct.pack_into(">I", data, 4, len(data) + TREE_ROOM)  # totalsize [DTSpec 5.2]
    path.write_bytes(data + bytes(TREE_ROOM))
    return path


def test_the_pl011_as_console(make_system: MakeSystem, boot: Boot) -> None:
    """`dtuart=serial0`: its neighbours in the page, and on its interrupt, are kept from dom0."""
    usual = make_system()
    board = replace(
        usual.board, console="/soc/serial@7e201000", qemu=replace(usual.board.qemu, serial=0)
    )
    commands = {"list": "xl list", "iomem": "cat /proc/iomem", "dmesg": "xl dmesg"}
    report = boot(replace(usual, board=board), "test-rpi4-pl011", commands)
    assert report.error is None
    assert rows(report["list"])[0][:2] == ["Domain-0", "0"]
    assert "fe201000-" not in report["iomem"]
