# SPDX-License-Identifier: Apache-2.0
"""The installed package's own files start a machine: U-Boot, its boot.scr, hypervisor, dom0."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from xenolith.boards import Board
from xenolith.cli import main
from xenolith.dom0 import debian
from xenolith.lab import protocol, qemu, session
from xenolith.lab.console import Console, Deadline
from xenolith.lab.report import rows
from xenolith.lab.target import State, Target
from xenolith.package import bootscript, plan
from xenolith.system import boot
from xenolith.system.model import System

pytestmark = pytest.mark.slow

SUITE = "trixie"
COMMANDS = [
    "cat /proc/cmdline",
    "test -d /proc/device-tree/hypervisor && xl list",
    "tr '\\0' '\\n' </proc/device-tree/compatible",
]
UBOOTS = {
    "qemu-virt-arm64": ("u-boot-qemu", "amd64", "qemu_arm64"),
    "rpi4": ("u-boot-rpi", "arm64", "rpi_arm64"),
}
"""By board: Debian's package, one of its architectures, and which of the builds in it."""


@pytest.fixture
def uboot(board: Board, tmp_path: Path) -> Path:
    """Debian's U-Boot for the board."""
    if board.name not in UBOOTS:
        pytest.skip("there is no package for this architecture")
    package, arch, build = UBOOTS[board.name]
    (deb,) = debian.download([package], SUITE, arch)
    path = f"usr/lib/u-boot/{build}/u-boot.bin"
    return debian.unpack(deb, tmp_path / "u-boot", lambda found: found == path) / path


@pytest.fixture
def system(board: Board, uboot: Path, make_system: Callable[..., System]) -> System:
    """Our dom0 on a machine that reads its disk fast enough."""
    if board.name == "rpi4":
        pytest.skip("reading 75 MB from the card of QEMU's raspi4b takes minutes")
    return make_system(smp=2, memory=2048)


@pytest.fixture
def installed(system: System, tmp_path: Path) -> Path:
    """What the package's scripts make of a machine with our dom0 as its kernel: a root folder.

    Without dpkg (tests/tools has that): only the files, and the script that comes last.
    """
    root, out = tmp_path / "root", tmp_path / "out"
    assert main.main(["package", "--out", str(out)]) == 0
    debian.unpack(out / f"{plan.NAME}-arm64.deb", root)
    folder = root / "boot"
    folder.mkdir()
    shutil.copy(system.kernel, folder / "vmlinuz-1")
    (root / "etc/fstab").write_text("/dev/ram0 / ext4 rw 0 1\n")
    settings = root / "etc/default/xenolith"
    own = f"XENOLITH_ARGS='{system.hypervisor_line}'\nXENOLITH_DOM0_ARGS='{system.dom0_line}'\n"
    settings.write_text(settings.read_text() + own)
    return root


def start(system: System, uboot: Path, root: Path, name: str, *, remove: str = "") -> list[str]:
    """Boot from /boot, on a disk of its own; what the commands printed."""
    token, folder = protocol.new_token(), root / "boot"
    overlay = protocol.overlay(token, COMMANDS)
    (folder / "initrd.img-1").write_bytes(boot.initrd_bytes(system.initrd, overlay))
    update = root / "usr/lib/xenolith/update-boot"
    subprocess.run([str(update)], env={**os.environ, "DPKG_ROOT": str(root)}, check=True)
    if remove:
        (folder / remove).unlink()
    disk = f"if=none,id=disk,format=raw,read-only=on,file=fat:{folder}"
    command = [*system.board.qemu.command(2, 2048), "-bios", str(uboot), "-drive", disk]
    with qemu.Machine([*command, "-device", "virtio-blk-device,drive=disk"]) as machine:
        console = Console(machine, session.log_file(system, f"test-package-{name}"))
        target = Target(console, token, protocol.Collector(COMMANDS), Deadline(900))
        if remove:
            # No hypervisor says anything, only what runs at the end.
            target.state = State.DOM0
        target.to(State.POWERED_OFF)
    return [result.text for result in target.collector.results]


def test_addresses_are_those_of_debians_uboot(board: Board, uboot: Path) -> None:
    address = bootscript.KERNEL_ADDR_R[board.name]
    assert f"kernel_addr_r={address:#010x}".encode() in uboot.read_bytes()


def test_the_installed_files_boot(system: System, uboot: Path, installed: Path) -> None:
    arguments, listed, machine = start(system, uboot, installed, "hypervisor")
    assert arguments.strip() == f"root=/dev/ram0 ro {system.dom0_line}"
    assert rows(listed)[0][:2] == ["Domain-0", "0"]
    # In dom0, too, update-boot sees a machine that the hypervisor runs on.
    assert machine.split() == ["linux,dummy-virt"]


def test_linux_starts_without_the_hypervisor(system: System, uboot: Path, installed: Path) -> None:
    """Its file is gone: the machine does not stay dark."""
    arguments, listed, _ = start(system, uboot, installed, "linux", remove=bootscript.HYPERVISOR)
    assert arguments.strip() == "root=/dev/ram0 ro"
    assert listed == ""
