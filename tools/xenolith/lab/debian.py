# SPDX-License-Identifier: Apache-2.0
"""A whole Debian with systemd as dom0, on a disk of QEMU's machine: `run --dom0 debian`.

The disk is the one that `image` makes, but its console logs root in. It is made on first use and
kept, with the kernel and initramfs that belong to it: what dom0 writes is there in the next run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from xenolith import OUTPUT, progress
from xenolith.boards import Board
from xenolith.card import boot, image, kernel, mbr
from xenolith.card.image import Request
from xenolith.card.login import Login as Owner
from xenolith.card.tree import MERGED
from xenolith.dom0 import cache
from xenolith.dom0 import image as dom0_image
from xenolith.errors import UserError
from xenolith.lab import disks, protocol, session
from xenolith.lab.extras import NOTHING, Extras
from xenolith.lab.login import Login
from xenolith.lab.session import Options
from xenolith.lab.target import Target
from xenolith.system.model import System

SIZE = 4 << 30
"""Bytes of the disk, most of them a hole."""
SERIAL = "dom0"


@dataclass(frozen=True)
class Debian:
    """Files of this machine."""

    disk: Path
    kernel: Path
    initrd: Path


def place(board: Board) -> Debian:
    """Where a board's Debian is, or will be."""
    folder = OUTPUT / board.name
    return Debian(*(folder / f"debian.{kind}" for kind in ("raw", "kernel", "initrd")))


def check(board: Board) -> None:
    """Refuse boards that cannot have it. Raises UserError."""
    if not board.qemu.virtio:
        raise UserError(
            f"--dom0 debian: QEMU's {board.name} has no virtio; make a card and start from it: "
            f"./xenolith image --board {board.name}",
            2,
        )
    boot.facts(board)


def ensure(system: System, extras: Extras = NOTHING) -> System:
    """The system with this dom0, which is made if there is none. Raises UserError.

    `extras`: what it is to be given.
    """
    board, found = system.board, place(system.board)
    files = (found.disk, found.kernel, found.initrd)
    if not all(path.is_file() for path in files):
        found.disk.parent.mkdir(parents=True, exist_ok=True)
        # A second first run would put its disk in the place of one that a dom0 writes to already.
        with cache.locked(
            found.disk.parent, lambda: progress.note("another run makes dom0's disk")
        ):
            if not all(path.is_file() for path in files):
                _make(system, found)
                progress.note(
                    f"dom0's disk is {found.disk}: kept for further runs, delete it for a new one"
                )
    if extras.needs_files and not boot.takes_files(found.initrd.read_bytes()):
        raise UserError(
            f"--guest, --add, --share: {found.disk} is an older one, which cannot take them; "
            "delete it for a new one, or leave them out",
            2,
        )
    with found.disk.open("rb") as f:
        identifier, _ = mbr.parse(f.read(mbr.SECTOR))
    disks.opened(found.disk, SERIAL, f"--dom0 debian: {found.disk}")
    line = f"root=PARTUUID={identifier:08x}-02 {system.dom0_args}".strip()
    return replace(system, board=board, kernel=found.kernel, initrd=found.initrd, dom0_args=line)


def _make(system: System, found: Debian) -> None:
    """The disk last: with it all is complete."""
    board = system.board
    request = Request(
        board,
        system.hypervisor,
        system.hypervisor_line,
        system.dom0_line,
        login=Owner(opened=True),
        size=SIZE,
    )
    linux = kernel.of_dom0(board.debian_arch)
    usual = dom0_image.build(board.debian_arch).core.read_bytes()
    cache.write_atomic(found.kernel, linux.packed.read_bytes())
    cache.write_atomic(found.initrd, boot.initrd(usual, linux))
    image.build(request, found.disk)


def with_disk(system: System, options: Options) -> Options:
    """Options of a session with dom0's disk, which is the first one."""
    disk = disks.Disk(place(system.board).disk, SERIAL)
    links = {name: f"usr/{name}" for name in MERGED}
    extras = replace(options.extras, disks=(disk, *options.extras.disks), root_links=links)
    return replace(options, extras=extras)


@contextmanager
def running(system: System, commands: Sequence[str], options: Options) -> Iterator[Target]:
    """A machine that has just been switched on; `commands` go to the shell on its console.

    Raises UserError.
    """
    token = protocol.new_token()
    own = with_disk(system, options)
    folder = session.log_file(system, options.name).parent.parent
    with tempfile.TemporaryDirectory(prefix="run-", dir=folder) as name:
        command = session.prepare(system, [], own, token, Path(name))
        enter = Login(token, commands) if commands else None
        with session.switched_on(command, system, commands, own, token, enter=enter) as target:
            yield target
