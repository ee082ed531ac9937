# SPDX-License-Identifier: Apache-2.0
"""`xenolith image`: a card image that starts the hypervisor with a Debian dom0."""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from pathlib import Path

from xenolith import OUTPUT, progress
from xenolith.boards import Board, find
from xenolith.build import host, make
from xenolith.build.needs import BUILD, CARD, DOM0, RUN
from xenolith.card import boot, image, login, packages
from xenolith.card.image import Made, Request
from xenolith.card.login import Login
from xenolith.errors import UserError
from xenolith.system.model import System, parse_size

DEFAULT = "rpi4"
DOM0_LINE = "console=tty1 console=hvc0 panic=30"
"""Messages and a login on a screen, if there is one, and on the hypervisor's console. That is the
last one, so /dev/console, where --exec is answered."""
EARLY = {"arm64": "earlycon=xenboot", "riscv": "earlycon=sbi"}
NOTES = """\
Flash the image to a card, put it into the board, connect a console (monitor and keyboard, or a
serial cable at 115200 baud) or find the board on the network. Without --ssh-key and --password-file
nobody can log in over the network, and who logs in at the console first sets a password. With
--ssh-key alone the console needs no password until one is set: who holds its cable or keyboard
holds the board. The root grows to the card's size at the first boot. The same wishes give the same
bytes.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.epilog = NOTES
    add = parser.add_argument
    add("--board", default=DEFAULT, help=f"board to start (default {DEFAULT})")
    add("--out", type=Path, metavar="FILE", help="image to write (default build/BOARD/live.raw)")
    add("--size", metavar="S", help="of the image, as in 4G (default: what it needs)")
    add("--card", type=Path, metavar="DEV", help="check that the image fits this card, as /dev/sdX")
    add("--hostname", default="dom0", metavar="NAME", help="name of dom0 (default dom0)")
    add("--user", default="root", metavar="NAME", help="who logs in, with sudo (default: root)")
    add("--ssh-key", type=Path, metavar="FILE", help="public key that may log in")
    add("--password-file", type=Path, metavar="FILE", help="password, or its hash, in line one")
    add("--no-console-login", action="store_true", help="with a key only: a locked console")
    add("--packages", default="", metavar="A,B", help="Debian packages to add")
    add("--minimal", action="store_true", help="a dom0 of busybox and xl, as small as it can be")
    add("--json", action="store_true", help="print path, size, sha256 and partitions for programs")
    add("--tf-a", action="store_true", help="start the Trusted Firmware first: PSCI")
    add("--xen-args", default="", metavar="ARGS", help="added to the hypervisor's command line")
    add("--dom0-args", default="", metavar="ARGS", help="added to the kernel's command line")


def run(args: argparse.Namespace) -> int:
    """Writes the image; prints its name, and on stderr what to do with it."""
    board = find(args.board)
    boot.facts(board)
    out = args.out or OUTPUT / board.name / "live.raw"
    room = _card_size(args.card) if args.card else None
    wishes = _wishes(board, args)
    size = parse_size(args.size) if args.size else None
    names = packages.parse_names(args.packages)
    System(board, out, out, out, board.smp, board.memory, args.xen_args).check_dom0_memory()
    host.ensure(board, BUILD, RUN, CARD, DOM0)
    built = make.build(board, host.ensure_toolchain(board)).image
    line = System(board, built, built, built, board.smp, board.memory, args.xen_args)
    request = Request(
        board=board,
        hypervisor=built,
        hypervisor_line=line.hypervisor_line,
        dom0_line=f"{DOM0_LINE} {EARLY[board.arch]} {args.dom0_args}".strip(),
        hostname=args.hostname,
        login=wishes,
        packages=names,
        size=size,
        minimal=args.minimal,
        trusted=args.tf_a,
    )
    made = image.build(request, out)
    print(json.dumps(described(made), indent=1) if args.json else made.path)
    advise(board, made, wishes, args)
    if room is not None and made.layout.size > room:
        raise UserError(
            f"{args.card} has {room >> 20} MiB, the image {made.layout.size >> 20} MiB: a larger "
            "card, or a smaller --size"
        )
    return 0


def _wishes(board: Board, args: argparse.Namespace) -> Login:
    """Everything the user gives, checked before anything is built."""
    login.check_hostname(args.hostname)
    if args.user != "root":
        login.check_user(args.user)
    if args.minimal:
        given = vars(args) | {"user": "" if args.user == "root" else args.user}
        for name in ("user", "ssh-key", "password-file", "no-console-login", "packages"):
            if given[name.replace("-", "_")]:
                raise UserError(f"--{name}: a --minimal dom0 has no such thing; leave one out", 2)
    keys = login.read_keys(args.ssh_key) if args.ssh_key else ()
    salt = re.sub(r"[^a-zA-Z0-9]", "", f"{args.hostname}{args.user}{board.name}")[:16]
    password = login.read_password(args.password_file, salt) if args.password_file else ""
    if args.no_console_login and (password or not keys):
        why = "asks for the password already" if password else "is the only way in without a key"
        raise UserError(f"--no-console-login: the console {why}; leave it out", 2)
    return Login(args.user, password, keys, console=not args.no_console_login)


def _card_size(device: Path) -> int:
    """Bytes of a disk that is a card."""
    try:
        sectors = (Path("/sys/class/block") / device.resolve().name / "size").read_text()
        if not device.is_block_device():
            raise UserError(f"--card {device} is no disk; `lsblk` lists them", 2)
    except OSError as e:
        raise UserError(f"--card {device}: there is no such disk; `lsblk` lists them", 2) from e
    return int(sectors) * 512


def described(made: Made) -> dict[str, object]:
    """What was written, for a program: sizes and offsets in bytes."""
    with made.path.open("rb") as f:
        digest = hashlib.file_digest(f, "sha256").hexdigest()
    parts = {"boot": made.layout.boot, "root": made.layout.root}
    return {
        "path": str(made.path),
        "size": made.layout.size,
        "sha256": digest,
        "identifier": f"{made.identifier:08x}",
        "partitions": [
            {"name": name, "type": part.kind, "start": part.start, "size": part.size}
            for name, part in parts.items()
        ],
    }


def advise(board: Board, made: Made, wishes: Login, args: argparse.Namespace) -> None:
    """What a user wants to know next."""
    size = made.layout.size
    holes = progress.size_text(made.content)
    if not boot.facts(board).files:
        progress.note(f"{size >> 20} MiB ({holes} without its holes)")
        progress.note(f"start it: ./xenolith run --board {board.name} --from {made.path}")
        if not args.minimal:
            progress.note(wishes.advice)
        return
    progress.note(f"{size >> 20} MiB ({holes} without its holes), for cards of that size or more")
    if size > 2 << 30 and not size % 1_073_741_824:
        sold = -(-size // 1_000_000_000)
        progress.note(f"a card sold as {size >> 30} GB may be smaller: this needs {sold} GB")
    if not made.layout.is_power_of_two:
        progress.note("QEMU takes no such card: its sizes are powers of two")
    device = args.card or "/dev/sdX"
    progress.note(f"flash: sudo dd if={made.path} of={device} bs=4M conv=fsync oflag=direct")
    if not args.minimal:
        progress.note(wishes.advice)
