# SPDX-License-Identifier: Apache-2.0
"""`xenolith guest`: disk images for guests, with the kernel and the xl.cfg that start them."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from xenolith import progress
from xenolith.boards import Board, find
from xenolith.boards.registry import DEFAULT, boards
from xenolith.build import host
from xenolith.build.needs import CARD, DOM0, RUN
from xenolith.card import login, packages
from xenolith.errors import UserError
from xenolith.guest import debian, oci, output
from xenolith.guest.model import Guest, check_name
from xenolith.system.model import parse_memory, parse_size

NOTES = """\
A guest is a raw disk image (--out) and beside it a kernel, an initrd and an xl.cfg. The same wishes
give the same bytes; no root rights are needed. On its console a Debian guest logs root in until
root sets a password: who has the console is dom0's administrator, who has the disk anyway.
"""
PROGRAM = """\
The guest runs the image's program with its arguments, environment, user and working folder, with an
address by DHCP, and ends with it: by `poweroff` for exit status 0, by `reboot` for another one.
"""
SYSTEMS = ("debian",)
"""What `guest make` can make."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb, by what it makes."""
    parser.epilog = NOTES
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="WHAT")
    make = kinds.add_parser("make", help="a Debian with systemd", epilog=NOTES)
    add = make.add_argument
    add("system", choices=SYSTEMS, metavar="SYSTEM", help=f"what to make: {', '.join(SYSTEMS)}")
    _shared(make)
    add("--packages", default="", metavar="A,B", help="Debian packages to add")
    add("--ssh-key", type=Path, metavar="FILE", help="public key of root; adds an ssh server")
    add("--suite", default=debian.SUITE, help=f"Debian's suite (default {debian.SUITE})")
    program = kinds.add_parser("oci", help="the program of an OCI image", epilog=PROGRAM)
    add = program.add_argument
    add("image", type=Path, metavar="IMAGE", help="OCI layout or `docker save`, folder or archive")
    _shared(program)
    add("--image", dest="which", default="", metavar="NAME", help="which one, if it holds several")
    add("--args", default="", metavar="ARGS", help="arguments instead of the image's")
    add("--memory", default="256", metavar="M", help="of the guest in MiB (default 256)")


def _shared(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--board", help=f"for guests on this board (default {DEFAULT})")
    add("--arch", help="for this architecture instead: arm64 or riscv64")
    add("--out", type=Path, required=True, metavar="FILE", help="disk image to write, NAME.img")
    add("--name", help="of the guest (default: that of --out)")
    add("--hostname", default="", metavar="NAME", help="of the system in it (default: the guest's)")
    add("--size", metavar="S", help="of the disk, as in 4G")


def run(args: argparse.Namespace) -> int:
    """Makes a guest; prints the name of its config, and on stderr what to do with it."""
    output.check(args.out, args.image if args.kind == "oci" else None)
    board = _board(args)
    name = check_name(args.name or args.out.stem)
    size = parse_size(args.size) if args.size else None
    make = _make if args.kind == "make" else _oci
    with output.folder(args.out) as place:
        written = output.write(make(board, name, size, args, place), args.out)
    print(written[0])
    progress.note(f"beside it: {', '.join(path.name for path in written[1:])}")
    progress.note(f"start it: ./xenolith run --board {board.name} --guest {written[0]}")
    progress.note(f"in a dom0 with these in /guests/{name}: xl create -c {written[0].name}")
    return 0


def _oci(board: Board, name: str, size: int | None, args: argparse.Namespace, place: Path) -> Guest:
    """The program of an image."""
    try:
        words = tuple(shlex.split(args.args))
    except ValueError as e:
        raise UserError(f"--args {args.args!r}: {e}", 2) from e
    wishes = oci.Wishes(
        name=name,
        hostname=args.hostname,
        image=args.which,
        arguments=words,
        size=size or 0,
        memory=parse_memory(args.memory),
    )
    # First of all: what is wrong with the image is said before anything is installed for it.
    opened = oci.read(board.debian_arch, args.image, wishes, place)
    host.ensure(board, RUN, DOM0, CARD)
    return oci.make(opened, place)


def _make(
    board: Board, name: str, size: int | None, args: argparse.Namespace, _place: Path
) -> Guest:
    """A Debian; it is made in the cache."""
    wishes = debian.Wishes(
        name=name,
        hostname=args.hostname,
        suite=args.suite,
        packages=packages.parse_names(args.packages),
        keys=login.read_keys(args.ssh_key) if args.ssh_key else (),
        **({"size": size} if size else {}),
    )
    host.ensure(board, RUN, DOM0, CARD)
    return debian.make(board.debian_arch, wishes)


def _board(args: argparse.Namespace) -> Board:
    """The board that --board or --arch mean."""
    if args.arch and args.board:
        raise UserError("--arch and --board: one of them is enough", 2)
    if not args.arch:
        return find(args.board or DEFAULT)
    every = list(boards().values())
    found = next((board for board in every if board.debian_arch == args.arch), None)
    if found is None:
        names = ", ".join(sorted({board.debian_arch for board in every}))
        raise UserError(f"--arch {args.arch}: there are guests for {names}", 2)
    return found
