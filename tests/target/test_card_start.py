# SPDX-License-Identifier: Apache-2.0
"""The start from a card (tools/dom0/card/init.sh) on a plain Linux: what it says if that fails."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from xenolith.boards import Board
from xenolith.card import boot, ext4, kernel, mbr, recipe, tree
from xenolith.dom0 import cpio
from xenolith.dom0.image import Dom0
from xenolith.lab import qemu
from xenolith.lab.console import Console, Deadline

pytestmark = pytest.mark.slow

MIB = 1 << 20
IDENTIFIER = 0x1234_ABCD
ROOT = f"root=PARTUUID={IDENTIFIER:08x}-02"
BEGIN, SIZE = 8 * MIB, 8 * MIB
"""Of the root partition, bytes."""


@dataclass(frozen=True)
class Case:
    """`card`: bytes of the card, 0 for none; `said`: what the console shows."""

    said: str
    line: str = ROOT
    card: int = BEGIN + SIZE
    identifier: int = IDENTIFIER
    init: bool = True


CASES = {
    "good": Case("root is here"),
    "no root=": Case("the kernel's command line has no root=; make boot.scr anew", ""),
    "no card": Case("no driver has found a card or disk", card=0),
    "other card": Case("vda (16 MiB, PARTUUID 00000001-*). If the identifier", identifier=1),
    "small card": Case("is the card as large as the image?", card=BEGIN - MIB),
    "cut off": Case("cannot be mounted", card=BEGIN + SIZE // 2),
    "no system": Case("holds no system (/sbin/init is missing): write the image", init=False),
}


@pytest.fixture(scope="module")
def initrd(board: Board, dom0: Dom0, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A card's, with another dom0 in it."""
    if board.debian_arch != "arm64":
        pytest.skip("no board of this architecture starts from a card")
    after = b"#!/bin/busybox sh\necho dom0 goes on\n/bin/busybox poweroff -f\n"
    overlay = cpio.pack([cpio.file("init.dom0", after, 0o755)])
    linux = kernel.prepare(board.debian_arch, recipe.load())
    path = tmp_path_factory.mktemp("initrd") / "initrd"
    path.write_bytes(boot.initrd(dom0.core.read_bytes(), linux, overlay))
    return path


def disk(case: Case, folder: Path, busybox: bytes) -> Path:
    """A card with a root that says that it is there."""
    found: tree.Tree = {"": tree.directory("")}
    init = b"#!/bin/busybox sh\necho root is here\nexec /bin/busybox poweroff -f\n"
    items = [tree.file("bin/busybox", busybox, 0o755), tree.directory("dev")]
    items += [tree.file("sbin/init", init, 0o755)] if case.init else []
    tree.put(found, items, 1)
    (folder / "spool").mkdir()
    form = ext4.Format("root", "7c1a3f52-0000-4000-8000-000000000001", 1)
    ext4.write(found, folder / "root", SIZE, form, folder / "spool")
    path = folder / "card"
    parts = [mbr.Partition(mbr.FAT32, MIB, MIB), mbr.Partition(mbr.LINUX, BEGIN, SIZE)]
    data = mbr.pack(parts, case.identifier).ljust(BEGIN, b"\0") + (folder / "root").read_bytes()
    path.write_bytes(data[: case.card])
    return path


@pytest.mark.parametrize("name", CASES)
def test_what_it_says(name: str, board: Board, initrd: Path, tmp_path: Path) -> None:
    case = CASES[name]
    linux = kernel.prepare(board.debian_arch, recipe.load())
    command = [*board.qemu.command(1, 512), "-nodefaults", "-kernel", str(linux.image)]
    command += ["-initrd", str(initrd), "-append", f"console=ttyAMA0 rootdelay=0 {case.line}"]
    if case.card:
        path = disk(case, tmp_path, linux.busybox.read_bytes())
        command += ["-drive", f"if=none,id=card,format=raw,file={path}"]
        command += ["-device", "virtio-blk-device,drive=card"]
    with qemu.Machine(command) as machine:
        console, deadline = Console(machine, tmp_path / "log"), Deadline(300)
        console.expect(b"root is here" if name == "good" else b"dom0 goes on", deadline)
    said = " ".join((tmp_path / "log").read_text(errors="replace").split())
    assert case.said in said
    assert ("going on without it" in said) == (name != "good")
