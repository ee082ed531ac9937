# SPDX-License-Identifier: Apache-2.0
"""What CPUs need against their own predictions, with and without firmware at EL3 that helps."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from xenolith.bench import guest
from xenolith.bench.guest import Run
from xenolith.boards import Board
from xenolith.build import toolchain
from xenolith.build.make import Output
from xenolith.dt import blob, chosen
from xenolith.lab import qemu

TIMEOUT = 300.0
MEMORY = 1024
MIB = 1 << 20
ARGS = "dom0_mem=128M dom0_vcpus_pin loglvl=all"

RESERVED = 2 * MIB
"""Bytes at the end of RAM for the firmware; the hypervisor is not told of them."""
CALLS_AT = MIB
"""Where in it the page of counters is."""
HYPERVISOR_AT, TREE_AT = 2 * MIB, 128 * MIB
"""From the start of RAM."""

Answers = tuple[int, int, int]
"""Of SMCCC_ARCH_FEATURES for the three work-arounds [DEN0070]."""
NONE, REFUSED = -2, -1
"""Not required, not supported."""


@dataclass(frozen=True)
class Case:
    """A machine and what a guest must find there."""

    cpu: str
    firmware: Answers | None
    """What it offers to the hypervisor; None: QEMU's own PSCI, which offers nothing."""
    told: Answers
    calls: int = 0
    """The work-around that each entry from a guest calls."""
    rounds: int = 0
    """Of the loop that overwrites the branch history."""
    smp: int = 1

    @property
    def words(self) -> str:
        """The kernel's command line."""
        answers = " ".join(f"answer{n}={told + 2}" for n, told in enumerate(self.told, 1))
        switched = int(self.firmware is not None and self.firmware[1] == 0)
        more = f"calls={self.calls} rounds={self.rounds} switched={switched} cpus={self.smp}"
        return f"{answers} {more}"


CASES = {
    # Predicts other contexts' targets, and nobody helps: guests must know.
    "a72": Case("cortex-a72", None, (REFUSED, REFUSED, REFUSED)),
    "a57": Case("cortex-a57", None, (REFUSED, REFUSED, REFUSED)),
    "a53": Case("cortex-a53", None, (1, REFUSED, 1)),
    "a76": Case("cortex-a76", None, (1, REFUSED, 0), rounds=24),
    "n1": Case("neoverse-n1", None, (1, REFUSED, 0), rounds=24),
    "v1": Case("neoverse-v1", None, (1, REFUSED, 0), rounds=32),
    "csv2_3": Case("max", None, (1, REFUSED, 1)),
    # As TF-A answers on a Cortex-A72 r0p3.
    "tf-a": Case("cortex-a72", (0, NONE, 0), (0, NONE, 0), calls=3),
    "tf-a-smp": Case("cortex-a72", (0, NONE, 0), (0, NONE, 0), calls=3, smp=2),
    "first-only": Case("cortex-a72", (0, REFUSED, REFUSED), (0, REFUSED, 0), calls=1),
    "useless": Case("cortex-a72", (REFUSED, REFUSED, REFUSED), (REFUSED, REFUSED, REFUSED)),
    "unneeded": Case("cortex-a53", (1, 1, 1), (1, NONE, 1)),
    "dynamic": Case("cortex-a72", (0, 0, 0), (0, NONE, 0), calls=3, smp=2),
}


def _monitor(board: Board, case: Case, folder: Path) -> Path:
    """The firmware, linked at the end of RAM."""
    start = board.ram_base + MEMORY * MIB - RESERVED
    values = {
        "TREE": board.ram_base + TREE_AT,
        "KERNEL": board.ram_base + HYPERVISOR_AT,
        "CALLS": start + CALLS_AT,
        **{f"WORKAROUND_{n}": answer for n, answer in enumerate(case.firmware or (), 1)},
    }
    tools = toolchain.require("gcc", board.arch)
    elf = folder / "monitor.elf"
    source = Path(__file__).with_name("arm64") / "monitor.S"
    link = f"-nostdlib -static -Wl,-Ttext={start:#x},-e,monitor_start,--build-id=none".split()
    defines = [f"-D{name}={value}" for name, value in values.items()]
    subprocess.run([*tools.cc, *defines, *link, "-o", str(elf), str(source)], check=True)
    return elf


def _tree(board: Board, case: Case, kernel: Path) -> bytes:
    """QEMU's tree of the machine, less the firmware's memory, with the boot modules."""
    tree = blob.parse(qemu.base_tree(board, case.smp, MEMORY, ()))
    size = MEMORY * MIB - RESERVED
    memory = tree.get_node(f"/memory@{board.ram_base:x}")
    blob.set_cells(memory, "reg", 0, board.ram_base, 0, size)
    at = board.ram_base + size + CALLS_AT
    node = tree.get_node(f"/firmware-calls@{at:x}", create=True)
    blob.set_strings(node, "compatible", "xenolith,test-firmware")
    blob.set_cells(node, "reg", 0, at, 0, 4096)
    module = chosen.Module(chosen.KERNEL, board.kernel_addr, kernel.stat().st_size, case.words)
    line = f"console=dtuart dtuart={board.console} {ARGS} dom0_max_vcpus={case.smp}"
    chosen.add_modules(tree, line, [module])
    return blob.serialize(tree)


def _with_firmware(
    board: Board, case: Case, hypervisor: Path, kernel: Path, folder: Path
) -> list[str]:
    """QEMU's command line. All CPUs start in the firmware."""
    dtb = folder / "dtb"
    dtb.write_bytes(_tree(board, case, kernel))
    argv = board.qemu.command(case.smp, MEMORY)
    argv[argv.index(board.qemu.machine)] += ",secure=on"
    elf = _monitor(board, case, folder)
    argv += ["-device", f"loader,file={elf},cpu-num=0"]
    start = board.ram_base + MEMORY * MIB - RESERVED
    for cpu in range(1, case.smp):
        argv += ["-device", f"loader,addr={start:#x},cpu-num={cpu}"]
    return argv + qemu.loaders(
        [
            qemu.Load(hypervisor, board.ram_base + HYPERVISOR_AT),
            qemu.Load(dtb, board.ram_base + TREE_AT),
            qemu.Load(kernel, board.kernel_addr),
        ]
    )


@pytest.fixture
def kernel(board: Board, guests: Output, on_xen: bool) -> Path:
    """The kernel that looks at what it is told, and at the firmware's counters."""
    if board.arch != "arm64" or on_xen:
        pytest.skip("of our arm64 port alone")
    return guests.guest("workarounds")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_workarounds(
    board: Board, hypervisor: Path, kernel: Path, tmp_path: Path, case: Case
) -> None:
    """What a guest is told is what is done."""
    board = replace(board, qemu=replace(board.qemu, cpu=case.cpu))
    if case.firmware is None:
        run = Run(kernel, hypervisor, args=case.words, counted=True)
        argv = guest.command(board, run)
    else:
        argv = _with_firmware(board, case, hypervisor, kernel, tmp_path)
    text = guest.console_of_command(argv, kernel.stem, TIMEOUT)
    found = re.search(guest.END.decode(), text)
    assert found is not None
    assert re.findall(r"^FAIL .*$", text, re.MULTILINE) == []
    assert int(found[1]) > 0
