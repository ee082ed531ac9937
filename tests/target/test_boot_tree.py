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
