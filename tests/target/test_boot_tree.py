# SPDX-License-Identifier: Apache-2.0
"""What the hypervisor makes of a tree: nodes that are off, RAM that is not there, Xen's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fdt
import pytest

from xenolith.boards import Board
from xenolith.dt import blob
from xenolith.lab.bare import MEMORY, Boot
from xenolith.system.placement import MIB

Change = Callable[[Any, int], None]


def node(name: str, *compatible: str, status: str = "", reg: tuple[int, ...] = ()) -> Any:
    """A node with what most nodes have."""
    made = fdt.Node(name)
    if compatible:
        blob.set_strings(made, "compatible", *compatible)
    if status:
        blob.set_strings(made, "status", status)
    if reg:
        blob.set_cells(made, "reg", *reg)
    return made


def area(tree: Any, name: str) -> Any:
    """A node of the root whose children have two cells each for address and size."""
    made = tree.get_node(name, create=True)
    blob.set_cells(made, "#address-cells", 2)
    blob.set_cells(made, "#size-cells", 2)
    blob.set_bytes(made, "ranges", b"")
    return made


def off_reservation(tree: Any, ram: int) -> None:
    """As a board has it whose firmware may, or may not, use some of the RAM."""
    start = ram + 512 * MIB
    made = node(f"r@{start:x}", status="disabled", reg=(0, start, 0, 16 * MIB))
    blob.set_bytes(made, "no-map", b"")
    area(tree, "/reserved-memory").append(made)


OFF = {
    "arm64": [
        ("off-gic@1000", ["arm,gic-400"]),
        ("off-timer", ["arm,armv8-timer"]),
        ("off-uart@2000", ["arm,pl011"]),
    ],
    "riscv": [
        ("off-plic@1000", ["sifive,plic-1.0.0"]),
        ("off-aplic@2000", ["riscv,aplic"]),
        ("off-imsics@3000", ["riscv,imsics"]),
        ("off-uart@4000", ["ns16550a"]),
    ],
}
"""What a machine has one of and each driver looks for, by port."""


def off_twins(arch: str) -> Change:
    """Before each device that the hypervisor drives one like it that is off, at a wrong address."""

    def change(tree: Any, ram: int) -> None:
        beyond = ram + MEMORY * MIB
        twins = [
            node(name, *compatible, status="disabled", reg=(0, beyond, 0, 0x1000))
            for name, compatible in OFF[arch]
        ]
        for twin in twins:
            blob.set_bytes(twin, "interrupt-controller", b"")
        memory = node("memory@0", status="disabled", reg=(0, beyond, 0, 64 * MIB))
        blob.set_strings(memory, "device_type", "memory")
        tree.root.nodes[:0] = [*twins, memory]
        cpu = node("cpu@77", status="fail", reg=(0x77,))
        blob.set_strings(cpu, "device_type", "cpu")
        tree.get_node("/cpus").append(cpu)
        kernel = node("off@0", "multiboot,kernel", "multiboot,module", status="disabled")
        tree.get_node("/chosen").nodes.insert(0, kernel)
        # What is said before dtuart= counts goes elsewhere, too.
        blob.set_strings(tree.get_node("/chosen"), "stdout-path", f"/{OFF[arch][-1][0]}")

    return change


def test_a_reservation_that_is_off_is_ram(start: Callable[..., str]) -> None:
    start(Boot(tree=off_reservation), "Loading d0 initrd", ends=False)


def test_devices_that_are_off_are_not_driven(start: Callable[..., str], board: Board) -> None:
    said = start(Boot(tree=off_twins(board.arch)), "Loading d0 initrd", ends=False)
    assert "/chosen/off@0 (multiboot,kernel): its status is not okay: ignored" in said
    assert "CPU1" not in said


def test_psci_that_is_off_is_not_called(start: Callable[..., str], board: Board) -> None:
    if board.arch != "arm64":
        pytest.skip("a firmware interface of Arm")

    def change(tree: Any, _ram: int) -> None:
        blob.set_strings(tree.get_node("/psci"), "status", "disabled")

    assert "Using PSCI" not in start(Boot(tree=change), "Loading d0 initrd", ends=False)


def test_a_fault_names_the_nodes(start: Callable[..., str]) -> None:
    """RAM that the tree promises and nothing answers at: an early fault on both ports."""

    def change(tree: Any, ram: int) -> None:
        end = ram + MEMORY * MIB
        made = node(f"memory@{end:x}", reg=(0, end, 0, 64 * MIB))
        blob.set_strings(made, "device_type", "memory")
        tree.root.append(made)

    said = start(Boot(tree=change), "Panic on CPU 0")
    assert "Stopped while reading /" in said
    assert "Physical address 0x" in said
    assert " is in memory@" in said
    assert "Xen version 4.20" not in said  # only the earliest console was there


def test_what_nobody_does_is_named(start: Callable[..., str]) -> None:
    """The nodes that Xen's tools and boot scripts write for guests, pools and shared memory."""

    def change(tree: Any, ram: int) -> None:
        chosen = tree.get_node("/chosen")
        guest = node("domU0", "xen,domain")
        module = node("m", "multiboot,kernel", "multiboot,module")
        blob.set_cells(module, "reg", 0, ram + 96 * MIB, 0, MIB)
        guest.append(module)
        pool = node("pool", "xen,cpupool")
        shared = node("shm@50000000", "xen,domain-shared-memory-v1")
        chosen.nodes.extend([node("ports", "xen,evtchn-v1"), pool, shared])
        chosen.append(guest)

    said = start(Boot(tree=change), "Loading d0 initrd", ends=False)
    for line in (
        "/chosen/domU0 (xen,domain): not supported yet: ignored",
        "/chosen/pool (xen,cpupool): not supported yet: ignored",
        "/chosen/shm@50000000 (xen,domain-shared-memory-v1): not supported yet: ignored",
        "/chosen/ports (xen,evtchn-v1): not supported yet: ignored",
    ):
        assert line in said


@pytest.mark.parametrize(
    ("cpu", "erratum"), [("cortex-a57", "1319537"), ("cortex-a72", "1319367"), ("cortex-a53", "")]
)
def test_errata_by_cpu(start: Callable[..., str], board: Board, cpu: str, erratum: str) -> None:
    """Numbers: Arm's Software Developers Errata Notices of Cortex-A57 and Cortex-A72."""
    if board.arch != "arm64":
        pytest.skip("cores of Arm")
    boot = Boot(arguments="dom0_mem=256M noreboot loglvl=all")
    said = start(boot, "Loading d0 initrd", cpu=cpu, ends=False)
    assert (f"work-around for Arm erratum {erratum}\r\n" in said) is (erratum != "")
    assert said.count("work-around for Arm erratum") == (erratum != "")


def put(path: str, name: str, *cells: int) -> Change:
    """Sets a property to cells."""
    return lambda tree, _ram: blob.set_cells(tree.get_node(path), name, *cells)


def drop(path: str, name: str) -> Change:
    """Removes a property."""
    return lambda tree, _ram: tree.get_node(path).remove_property(name)


def in_ram(path: str, *offsets: int) -> Change:
    """Registers that are RAM, 64 KiB at each offset."""

    def change(tree: Any, ram: int) -> None:
        cells = [cell for offset in offsets for cell in (0, ram + offset, 0, 0x10000)]
        blob.set_cells(tree.get_node(path), "reg", *cells)

    return change


def pieces(tree: Any, ram: int) -> None:
    """RAM in more pieces than the image has tables for."""
    parent = area(tree, "/reserved-memory")
    for number in range(90):
        start = ram + 256 * MIB + number * 4 * MIB
        made = node(f"r@{start:x}", reg=(0, start, 0, 0x1000))
        blob.set_bytes(made, "no-map", b"")
        parent.append(made)


GIC, PL011 = "/intc@8000000", "/pl011@9000000"
PLIC, NS16550 = "/soc/plic@c000000", "/soc/serial@10000000"
HIGH = (0xFFFF0000, 0, 0, 0x1000)
"""A reg that no table entry can hold."""
BOOTS = "Loading d0 initrd"
NO_CONSOLE = "No console: name a UART by dtuart="

READERS: dict[str, dict[str, tuple[Change, str]]] = {
    "arm64": {
        "GIC high": (put(GIC, "reg", *HIGH * 4), f"{GIC}: reg gives no usable address"),
        "GIC in RAM": (in_ram(GIC, 0x3000_0000, 0x3001_0000), f"{GIC}: reg gives no usable"),
        "GIC short": (put(GIC, "reg", 0, 0x8000000, 0, 0x10000), "of the GICv2's CPU interface"),
        "GIC without interrupt": (drop(GIC, "interrupts"), "gives no maintenance interrupt"),
        "timer short": (put("/timer", "interrupts", 1, 13, 4), "no virtual timer interrupt"),
        "timer to nowhere": (put("/timer", "interrupts-extended", 77, 1), "no virtual timer"),
        "parent to nowhere": (put("/", "interrupt-parent", 77), "no virtual timer interrupt"),
        "frame of messages in RAM": (in_ram(f"{GIC}/v2m@8020000", 0x3000_0000), BOOTS),
        "CPU without reg": (drop("/cpus/cpu@0", "reg"), "/cpus/cpu@0: its reg is not usable"),
        "UART high": (put(PL011, "reg", *HIGH), NO_CONSOLE),
        "UART in RAM": (in_ram(PL011, 0x3000_0000), NO_CONSOLE),
        "UART at nothing": (put(PL011, "reg", 0, 0x2000_0000, 0, 0x1000), "does not answer"),
        "UART at an abort": (put(PL011, "reg", 0, 0x0A10_0000, 0, 0x1000), "does not answer"),
        "RAM in pieces": (pieces, BOOTS),
    },
    "riscv": {
        "PLIC high": (put(PLIC, "reg", *HIGH[:2], 0, 0x600000), "PLIC: cannot map its registers"),
        "PLIC in RAM": (put(PLIC, "reg", 0, 0xA000_0000, 0, 0x600000), "PLIC: cannot map its"),
        "PLIC without sources": (drop(PLIC, "riscv,ndev"), "PLIC: riscv,ndev in the device tree"),
        "PLIC of nobody": (
            put(PLIC, "interrupts-extended", 77, 9),
            "has no context for supervisor",
        ),
        "time base 0": (put("/cpus", "timebase-frequency", 0), "frequency is unknown: .* /cpus"),
        "time base huge": (put("/cpus", "timebase-frequency", 1, 0), "the counter 4294967296 Hz"),
        "CPU without reg": (
            drop("/cpus/cpu@0", "reg"),
            "/cpus of the device tree has no usable CPU",
        ),
        "phandle taken": (put("/cpus", "phandle", 0xFFFF_FFFF), "has the phandle 0xffffffff"),
        "UART high": (put(NS16550, "reg", *HIGH), NO_CONSOLE),
        "UART in RAM": (in_ram(NS16550, 0x2000_0000), NO_CONSOLE),
        "UART at nothing": (put(NS16550, "reg", 0, 0x4000_0000, 0, 0x100), "does not answer"),
        "UART at an abort": (put(NS16550, "reg", 0, 0x1800_0000, 0, 0x100), "does not answer"),
        "RAM in pieces": (pieces, BOOTS),
    },
}
"""What the ports' own drivers read, wrong: the boot ends in a message that one can see."""


@pytest.mark.parametrize("case", sorted({*READERS["arm64"], *READERS["riscv"]}))
def test_wrong_nodes_of_drivers(start: Callable[..., str], board: Board, case: str) -> None:
    if case not in READERS[board.arch]:
        pytest.skip("no such case on this architecture")
    if case.startswith("PLIC") and "aia" in board.name:
        pytest.skip("no such controller on this board")
    change, message = READERS[board.arch][case]
    start(Boot(tree=change), message, ends=False)
