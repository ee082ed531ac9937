# SPDX-License-Identifier: Apache-2.0
"""A disk that U-Boot starts on QEMU's virt machines: QEMU's options, what is on it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from xenolith.boards import find
from xenolith.card import image, mbr
from xenolith.card.image import Request
from xenolith.dom0 import cpio
from xenolith.dom0 import image as dom0_image
from xenolith.dom0.image import Dom0
from xenolith.errors import UserError
from xenolith.guest.given import Given
from xenolith.lab import added, card, session, uboot
from xenolith.lab.disks import Disk
from xenolith.lab.extras import Extras
from xenolith.lab.session import Options
from xenolith.system.model import System


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Of a size that no SD card of QEMU has."""
    table = mbr.pack([mbr.Partition(mbr.LINUX, 1 << 20, 2 << 20)], 7)
    path = tmp_path / "live,1.raw"
    path.write_bytes(table.ljust(3 << 20, b"\0"))
    return path


@pytest.mark.parametrize(
    ("name", "flags"), [("qemu-virt-arm64", "-bios"), ("qemu-virt-riscv64", "-kernel")]
)
def test_uboot_starts_from_a_virtio_disk(
    name: str, flags: str, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uboot, "options", lambda _board, folder: [flags, str(folder)])
    board = find(name)
    system = System(board, disk, disk, disk, board.smp, board.memory)
    more = Extras(disks=(Disk(disk, "disk0"),), arguments=("-s",))
    line = card.command(system, disk, disk.parent, Options(extras=more))
    assert line[line.index(flags) + 1] == str(disk.parent / "u-boot")
    assert f"if=none,id=card,format=raw,file={str(disk).replace(',', ',,')}" in line
    assert {"virtio-blk-device,drive=card", "-s"} <= set(line)
    places = [n for n, w in enumerate(line) if "serial=disk0" in w or w.endswith("drive=card")]
    first = places[-1] if board.qemu.last_first else places[0]
    assert len(places) == 2 and line[first].endswith("drive=card"), "U-Boot finds it first"
    assert not {"-accel", "-dtb"} & set(line)


def test_the_users_disks_are_there_once(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    @contextlib.contextmanager
    def switched_on(line: list[str], *_: object, **_more: object) -> Iterator[None]:
        seen.extend(line)
        yield

    monkeypatch.setattr(uboot, "options", lambda *_: [])
    monkeypatch.setattr(session, "switched_on", switched_on)
    monkeypatch.setattr(session, "log_file", lambda *_: disk.parent / "logs" / "x.log")
    board = find("qemu-virt-riscv64")
    system = System(board, disk, disk, disk, board.smp, board.memory)
    options = Options(extras=Extras(disks=(Disk(disk, "disk0"),)))
    with card.from_file(system, disk, [], options):
        pass
    assert sum("serial=disk0" in word for word in seen) == 1
    assert sum("drive=card" in word for word in seen) == 1


def test_a_new_card_has_the_files_of_a_run(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the links that its root has, which is dom0's usual archive on a disk."""
    core = disk.with_name("core.gz")
    core.write_bytes(cpio.compress(cpio.pack([cpio.link("lib", "usr/lib")])))
    made: list[Request] = []

    def build(request: Request, _out: Path) -> None:
        made.append(request)
        raise UserError("enough")

    monkeypatch.setattr(dom0_image, "build", lambda _: Dom0(core, core, core, core, "6.12"))
    monkeypatch.setattr(image, "build", build)
    monkeypatch.setattr(session, "log_file", lambda *_: disk.parent / "logs" / "x.log")
    board = find("qemu-virt-riscv64")
    system = System(board, disk, disk, disk, board.smp, board.memory)
    extras = Extras(added=(added.parse(f"{disk}:/lib/x"),), guests=(Given("demo"),))
    with (
        pytest.raises(UserError, match="enough"),
        card.running(system, ["true"], Options(extras=extras)),
    ):
        pass
    found = {entry.path: entry.data for entry in cpio.unpack(made[0].overlay)}
    assert found["xenolith/guests"] == b"demo\n" and found["xenolith/exec/0000"] == b"true\n"
    assert found["xenolith/root/usr/lib/x"] == disk.read_bytes()


def test_a_disk_that_is_cut(disk: Path) -> None:
    with disk.open("r+b") as f:
        f.truncate(2 << 20)
    with pytest.raises(UserError, match="is cut: 2097152 bytes of 3145728 are there"):
        card.check(find("qemu-virt-riscv64"), disk)
    with pytest.raises(UserError, match="does not start from a card"):
        card.check(replace(find("qemu-virt-riscv64"), card=None), disk)
