"""Real U-Boot: files by TFTP, /chosen edited at its prompt as ImageBuilder's scripts do, booti."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from xenolith.dom0 import debian
from xenolith.lab import protocol, qemu, session
from xenolith.lab.console import Console, Deadline
from xenolith.lab.report import rows
from xenolith.lab.target import State, Target
from xenolith.system import boot
from xenolith.system.model import System

pytestmark = pytest.mark.slow

SUITE = "trixie"
COMMANDS = ["xl list", "cat /proc/device-tree/chosen/bootargs", "dmesg"]
OFFSETS = {"tree": 0x700_0000, "xen": 0x800_0000, "kernel": 0x1000_0000, "initrd": 0x1800_0000}
"""Where the script loads each file, from the start of RAM; U-Boot itself moves to the end."""


@dataclass(frozen=True)
class Prompt:
    """U-Boot's command line."""

    console: Console
    deadline: Deadline

    def reach(self) -> None:
        """Stop the automatic boot."""
        self.console.expect(rb"Hit any key to stop autoboot", self.deadline, "U-Boot")
        self.console.send(b" ")
        self.console.expect(rb"=> ", self.deadline, "U-Boot's prompt")

    def type(self, line: str) -> None:
        """Run a command; it must not fail."""
        self.console.send(f"{line} && echo succ''ess\n".encode())
        self.console.expect(rb"success\r?\n", self.deadline, f"U-Boot's {line!r}")
        self.console.expect(rb"=> ", self.deadline, "U-Boot's prompt")


@pytest.fixture(scope="module")
def firmware(board_arch: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Debian's U-Boot for QEMU's virt machine."""
    (deb,) = debian.download(["u-boot-qemu"], SUITE, board_arch)
    path = f"usr/lib/u-boot/qemu_{board_arch}/u-boot.bin"
    return debian.unpack(deb, tmp_path_factory.mktemp("u-boot"), lambda name: name == path) / path


@pytest.fixture(scope="module")
def board_arch(make_system: Callable[..., System]) -> str:
    return make_system().board.debian_arch


def cells(value: int) -> str:
    return f"{value >> 32:#x} {value & 0xFFFFFFFF:#x}"


def script(system: System, sizes: dict[str, int]) -> list[str]:
    """The commands between the first prompt and booti."""
    at = {name: system.board.ram_base + offset for name, offset in OFFSETS.items()}
    lines = ["setenv autoload no", "dhcp"]
    lines += [f"tftpboot {at[name]:#x} {name}" for name in OFFSETS]
    lines += [f"fdt addr {at['tree']:#x}", "fdt resize 1024"]
    lines += [f"fdt set /chosen {name} <0x2>" for name in ("\\#address-cells", "\\#size-cells")]
    lines += [f'fdt set /chosen xen,xen-bootargs "{system.hypervisor_line}"']
    lines += [f'fdt set /chosen xen,dom0-bootargs "{system.dom0_line}"']
    for node, name, kind in (
        ("dom0", "kernel", "xen,linux-zimage"),
        ("dom0-ramdisk", "initrd", "xen,linux-initrd"),
    ):
        reg = f"{cells(at[name])} {cells(sizes[name])}"
        lines += [
            f"fdt mknod /chosen {node}",
            f'fdt set /chosen/{node} compatible "{kind}" "xen,multiboot-module" "multiboot,module"',
            f"fdt set /chosen/{node} reg <{reg}>",
        ]
    return [*lines, "setenv fdt_high 0xffffffffffffffff"]


def test_dom0_through_uboot_and_tftp(
    make_system: Callable[..., System], firmware: Path, tmp_path: Path
) -> None:
    system = make_system(smp=2, memory=2048)
    token = protocol.new_token()
    initrd = boot.initrd_bytes(system.initrd, protocol.overlay(token, COMMANDS))
    network = f"user,id=net0,tftp={tmp_path}"
    extra = ["-bios", str(firmware), "-netdev", network, *qemu.NETWORK[2:]]
    # With firmware QEMU's machine has other devices, hence another tree.
    (tmp_path / "tree").write_bytes(qemu.base_tree(system.board, 2, 2048, extra))
    (tmp_path / "initrd").write_bytes(initrd)
    shutil.copy(system.hypervisor, tmp_path / "xen")
    shutil.copy(system.kernel, tmp_path / "kernel")
    sizes = {name: (tmp_path / name).stat().st_size for name in OFFSETS}
    deadline = Deadline(300)
    with qemu.Machine([*system.board.qemu.command(2, 2048), *extra]) as machine:
        console = Console(machine, session.log_file(system, "test-uboot"))
        prompt = Prompt(console, deadline)
        prompt.reach()
        for line in script(system, sizes):
            prompt.type(line)
        base = system.board.ram_base
        console.send(f"booti {base + OFFSETS['xen']:#x} - {base + OFFSETS['tree']:#x}\n".encode())
        target = Target(console, token, protocol.Collector(COMMANDS), deadline)
        target.to(State.POWERED_OFF)
    listed, arguments, said = target.collector.results
    assert rows(listed.text)[0][:4] == ["Domain-0", "0", "1024", "2"]
    assert arguments.text.rstrip("\0") == system.dom0_line
    assert "Call trace" not in said.text
