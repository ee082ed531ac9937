"""Real U-Boot, nothing typed: boot.scr on a card, the rest from there or by TFTP, booti, dom0."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from xenolith.dom0 import debian
from xenolith.lab import protocol, qemu, session
from xenolith.lab.console import Console, Deadline
from xenolith.lab.report import rows
from xenolith.lab.target import State, Target
from xenolith.system import boot
from xenolith.system.model import System
from xenolith.system.spec import Dom0, Spec
from xenolith.uboot import bundle, script

pytestmark = pytest.mark.slow

SUITE = "trixie"
COMMANDS = ["xl list", "cat /proc/device-tree/chosen/bootargs", "dmesg"]
FIRMWARE = {
    "arm64": ("qemu_arm64", ("-bios",)),
    "riscv": ("qemu-riscv64_smode", ("-kernel",)),
}
"""By port: which of Debian's builds, and the option that starts it (on RISC-V after OpenSBI)."""


@pytest.fixture
def firmware(make_system: Callable[..., System], tmp_path: Path) -> list[str]:
    """QEMU's options for Debian's U-Boot."""
    name, options = FIRMWARE[make_system().board.arch]
    (deb,) = debian.download(["u-boot-qemu"], SUITE, "amd64")
    path = f"usr/lib/u-boot/{name}/u-boot.bin"
    unpacked = debian.unpack(deb, tmp_path / "u-boot", lambda found: found == path)
    return [*options, str(unpacked / path)]


@pytest.mark.parametrize("way", ["tftp", "card"])
def test_dom0_through_uboot(
    make_system: Callable[..., System], firmware: list[str], tmp_path: Path, way: str
) -> None:
    system = make_system(smp=2, memory=2048)
    token = protocol.new_token()
    card, served = tmp_path / "card", tmp_path / "served"
    request = prepare(system, token, tmp_path, way)
    bundle.write(bundle.make(request), served)
    card.mkdir()
    for name in ["boot.scr"] if way == "tftp" else [p.name for p in served.iterdir()]:
        shutil.copy(served / name, card / name)
    devices = ["-drive", f"if=none,id=card,format=raw,read-only=on,file=fat:{card}"]
    devices += ["-device", "virtio-blk-device,drive=card", "-netdev", f"user,id=net0,tftp={served}"]
    command = [
        *system.board.qemu.command(2, 2048),
        *firmware,
        *devices,
        *system.board.qemu.network[2:],
    ]
    with qemu.Machine(command) as machine:
        console = Console(machine, session.log_file(system, f"test-uboot-{way}"))
        target = Target(console, token, protocol.Collector(COMMANDS), Deadline(300))
        target.to(State.POWERED_OFF)
    listed, arguments, said = target.collector.results
    assert rows(listed.text)[0][:4] == ["Domain-0", "0", "1024", "2"]
    assert arguments.text.rstrip("\0") == system.dom0_line
    assert "Call trace" not in said.text


def prepare(system: System, token: str, folder: Path, way: str) -> bundle.Request:
    """dom0 by TFTP in two stages, or all from the card with sizes asked there."""
    initrd = folder / "initrd"
    overlay = protocol.overlay(token, COMMANDS)
    initrd.write_bytes(boot.initrd_bytes(system.initrd, overlay))
    files = {"xenolith": system.hypervisor, "kernel": system.kernel, "initrd": initrd}
    spec = Spec("xenolith", system.hypervisor_line, Dom0("kernel", "initrd", system.dom0_line))
    if way == "tftp":
        return bundle.Request(system.board, spec, files, script.TFTP, script.tftp())
    return bundle.Request(system.board, spec, files, script.CARD, ask_sizes=True)
