# SPDX-License-Identifier: Apache-2.0
"""A board in QEMU that starts from a card: U-Boot, boot.scr, hypervisor, dom0 from its root.

QEMU plays the firmware's part: it puts U-Boot and a device tree into memory, and the CPUs that
nobody has called yet into the spin table.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from xenolith.boards import Board
from xenolith.card import boot, image, mbr
from xenolith.card.image import Request
from xenolith.dom0 import cache, cpio
from xenolith.dom0 import image as dom0_image
from xenolith.errors import UserError
from xenolith.lab import added, plug, protocol, qemu, session, uboot
from xenolith.lab.extras import NOTHING, Extras
from xenolith.lab.login import Login
from xenolith.lab.session import Options
from xenolith.lab.target import Target
from xenolith.system.model import System

ACCEL = ("-accel", "tcg,thread=single")
"""In QEMU the CPUs in the spin table do not sleep but poll. With a thread for each of them U-Boot
reads the card at a fifth of the speed on a machine with two cores."""


@contextmanager
def running(system: System, commands: Sequence[str], options: Options) -> Iterator[Target]:
    """A machine with a new --minimal card in its slot; its dom0 runs `commands`.

    Raises UserError if the system cannot boot.
    """
    token = protocol.new_token()
    folder = session.log_file(system, options.name).parent.parent
    with tempfile.TemporaryDirectory(prefix="card-", dir=folder) as name:
        _, network = session.devices(system, options)
        more = _files(system, options.extras)
        overlay = protocol.overlay(token, commands, options.terminal, network=network, more=more)
        made = image.build(request(system, overlay), Path(name) / "live.raw")
        with _started(
            system, made.path, Path(name), options, commands=commands, token=token
        ) as target:
            yield target


@contextmanager
def from_file(
    system: System, disk: Path, commands: Sequence[str], options: Options
) -> Iterator[Target]:
    """A machine with the card image `disk` in its slot, which it writes to.

    `commands` go to the shell on its console. Raises UserError.
    """
    token = protocol.new_token()
    folder = session.log_file(system, options.name).parent.parent
    with tempfile.TemporaryDirectory(prefix="card-", dir=folder) as name:
        enter = Login(token, commands) if commands else None
        with _started(
            system, disk, Path(name), options, commands=commands, token=token, enter=enter
        ) as target:
            yield target


@contextmanager
def _started(
    system: System,
    disk: Path,
    folder: Path,
    options: Options,
    *,
    commands: Sequence[str],
    token: str,
    enter: Login | None = None,
) -> Iterator[Target]:
    """The machine. Its USB devices are plugged in when U-Boot is done with USB."""
    extra, _ = session.devices(system, options)
    rest, devices = plug.split(extra)
    with plug.later(devices, options.watch) as (monitor, watch):
        # All devices are in `rest`; who follows the run wants to know its guests.
        extras = Extras(guests=options.extras.guests)
        options = replace(options, extra=[*rest, *monitor], extras=NOTHING, watch=watch)
        line = command(system, disk, folder, options)
        options = replace(options, extras=extras)
        with session.switched_on(line, system, commands, options, token, enter=enter) as target:
            yield target


def _files(system: System, extras: Extras) -> list[cpio.Entry]:
    """What a new card's dom0 is given besides commands. Raises UserError."""
    if not extras.needs_files:
        return []
    usual = dom0_image.build(system.board.debian_arch).core.read_bytes()
    return replace(extras, root_links=added.links(usual)).entries(usual)


def request(system: System, overlay: bytes = b"") -> Request:
    """The --minimal card of a system; `overlay`: see xenolith.lab.protocol."""
    return Request(
        system.board,
        system.hypervisor,
        system.hypervisor_line,
        system.dom0_line,
        minimal=True,
        overlay=overlay,
    )


def command(system: System, disk: Path, folder: Path, options: Options) -> list[str]:
    """QEMU's command line. Files for it go into `folder`. Raises UserError."""
    board, memory = system.board, system.memory
    check(board, disk)
    extra, _ = session.devices(system, options)
    drive = f"format=raw,file={str(disk).replace(',', ',,')}"
    start = board.qemu.command(system.smp, memory)
    if not boot.facts(board).files:
        card = ["-drive", f"if=none,id=card,{drive}", "-device", "virtio-blk-device,drive=card"]
        own = uboot.options(board, folder / "u-boot")
        # U-Boot takes the first disk with a script.
        devices = [*extra, *card] if board.qemu.last_first else [*card, *extra]
        return [*start, *own, *devices]
    first = cache.write_atomic(folder / "u-boot.bin", boot.firmware(board)["u-boot.bin"])
    tree = cache.write_atomic(folder / "dtb", qemu.base_tree(board, system.smp, memory))
    return [
        *start,
        *ACCEL,
        *("-kernel", str(first), "-dtb", str(tree)),
        *("-drive", f"if=sd,{drive}"),
        *extra,
    ]


def check(board: Board, disk: Path) -> None:
    """Refuse what cannot be a card of the board. Raises UserError."""
    boot.facts(board)
    try:
        size = disk.stat().st_size
    except OSError as e:
        raise UserError(
            f"card image {disk}: {e.strerror}; make one: ./xenolith image --board {board.name}", 2
        ) from e
    if not disk.is_file() or size == 0:
        raise UserError(f"card image {disk} is empty or is no file", 2)
    with disk.open("rb") as f:
        sector = f.read(mbr.SECTOR)
    try:
        _, parts = mbr.parse(sector)
    except UserError as e:
        raise UserError(
            f"{disk} is no card image: {e.message}; make one: ./xenolith image", 2
        ) from e
    end = max((part.start + part.size for part in parts), default=0)
    if end > size:
        raise UserError(
            f"card image {disk} is cut: {size} bytes of {end} are there; make or copy it again", 2
        )
    if boot.facts(board).files and size & (size - 1):
        larger = 1 << size.bit_length()
        raise UserError(
            f"card image {disk} has {size} bytes, QEMU takes powers of two only: "
            f"truncate -s {larger >> 20}M {disk}",
            2,
        )
