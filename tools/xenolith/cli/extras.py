# SPDX-License-Identifier: Apache-2.0
"""Options that add to a run: guests, files, disks, a shared folder, QEMU's own options."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from xenolith.boards import Board
from xenolith.build import host
from xenolith.build.needs import CARD, DOM0, RUN
from xenolith.errors import UserError
from xenolith.guest import debian, given
from xenolith.guest.given import Given
from xenolith.lab import added, arguments, disks, qemu
from xenolith.lab.extras import Extras
from xenolith.system.model import System, dom0_memory
from xenolith.system.placement import MIB

FILES = ("add", "guest", "share")
"""What any dom0 can have but one that a card image of the user brings."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, as a group of their own."""
    add = parser.add_argument_group("what dom0 finds").add_argument
    add(
        "--guest",
        action="append",
        default=[],
        metavar="NAME",
        help="create a guest: `demo`, `debian`, or NAME.cfg, an xl.cfg of this machine; repeatable",
    )
    add(
        "--add",
        action="append",
        default=[],
        metavar="FILE[:PATH]",
        help="put a file or folder of this machine into dom0, at PATH (default /root); repeatable",
    )
    add("--share", metavar="DIR[,ro]", help="a folder of this machine, in dom0 at /share (9p)")
    add(
        "--disk",
        action="append",
        default=[],
        metavar="IMG[,ro]",
        help="a disk, written to: a raw image, or qcow2 if its name ends in .qcow2 (files that one "
        "names as its own are read, too); in dom0 /dev/xenolith/disk0, ...; repeatable",
    )


def read(board: Board, args: argparse.Namespace) -> Extras:
    """What the options ask for; everything that can be known now is checked. Raises UserError."""
    extras = Extras(
        added=tuple(added.parse(text) for text in args.add),
        disks=tuple(disks.parse(text, number) for number, text in enumerate(args.disk)),
        guests=_guests(args.guest, board.arch),
        share=disks.parse_share(args.share) if args.share else None,
        arguments=arguments.parse(args.qemu_args),
    )
    _check_disks(board, extras)
    return extras


def _check_disks(board: Board, extras: Extras) -> None:
    disks.check_board(board, extras.all_disks, extras.share)
    disks.check_distinct(extras.all_disks)


def complete(extras: Extras, system: System) -> Extras:
    """The same with the guests that are made here, which takes a while. Raises UserError."""
    arch = system.board.debian_arch
    if not any(_is_made(guest) for guest in extras.guests):
        return extras
    host.ensure(system.board, RUN, DOM0, CARD)
    guests = [given.given(debian.make(arch)) if _is_made(g) else g for g in extras.guests]
    done = replace(extras, guests=tuple(guests))
    _check_disks(system.board, done)
    check(done, system)
    return done


def _is_made(guest: Given) -> bool:
    return guest.name == given.DEBIAN and guest.guest is None


def _guests(names: list[str], arch: str) -> tuple[Given, ...]:
    """The values of --guest. Raises UserError."""
    found = [_guest(name, arch) for name in names]
    for number, guest in enumerate(found):
        if guest.name in [other.name for other in found[:number]]:
            raise UserError(f"--guest: two guests are called {guest.name}; rename one", 2)
    return tuple(found)


def _guest(name: str, arch: str) -> Given:
    if name in (given.DEMO, given.DEBIAN):
        return Given(name)
    if name.endswith(given.SUFFIX):
        return given.read(Path(name), arch)
    raise UserError(
        f"--guest {name}: there are {given.DEMO}, {given.DEBIAN}, and files like {name}.cfg", 2
    )


def check(extras: Extras, system: System, *, probe: bool = False) -> None:
    """Refuse what dom0 or QEMU cannot take. Raises UserError.

    `system`: its files need not exist yet. `probe`: ask QEMU in any case.
    """
    dom0 = dom0_memory(system.hypervisor_line) or system.memory * MIB
    if extras.size:
        added.check_room(extras.size, dom0)
        added.entries(extras.added, {})
    devices = extras.devices(system.board)
    if devices or probe:
        board = system.board
        host.ensure(board, RUN)
        command = board.qemu.command(system.smp, system.memory)
        qemu.check([*command, *board.qemu.network, *devices])


def refuse_with_card(card: str, args: argparse.Namespace) -> None:
    """Refuse what a dom0 that the user's card brings cannot have. Raises UserError."""
    for name in FILES:
        if vars(args)[name]:
            raise UserError(f"--{name}: the card image {card} has its own files; use --disk", 2)
