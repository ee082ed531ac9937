# SPDX-License-Identifier: Apache-2.0
"""`xenolith uboot`: boot scripts and the files they load, for a card, a USB stick or TFTP."""

from __future__ import annotations

import argparse
import ipaddress
from pathlib import Path

from xenolith import OUTPUT, progress
from xenolith.boards import Board, find
from xenolith.boards.registry import DEFAULT
from xenolith.build import host, make
from xenolith.build.needs import BUILD
from xenolith.cli import described
from xenolith.dom0 import image
from xenolith.errors import UserError
from xenolith.system import model
from xenolith.system.spec import Dom0, Spec
from xenolith.uboot import bundle, explain, plan, script
from xenolith.uboot.bundle import Request

NOTES = """\
Without --config the machine is the one of `run`: this hypervisor with Debian as dom0.
With --tftp, boot.scr belongs on the card; it fetches boot2.scr, which loads the rest.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.epilog = NOTES
    add = parser.add_argument
    add("--board", default=DEFAULT, help=f"board to boot (default {DEFAULT})")
    add("--config", type=Path, metavar="FILE", help="system.toml, or a config of ImageBuilder")
    add(
        "--files",
        type=Path,
        metavar="DIR",
        help="where the config's files are (default: beside it)",
    )
    add("--out", type=Path, metavar="DIR", help="folder to fill (default build/BOARD/uboot)")
    add("--tftp", metavar="SERVER", help="load by TFTP from this IPv4 address; `dhcp`: ask for it")
    add("--ip", default="", metavar="ADDR", help="the board's own address; without it by DHCP")
    add("--usb", action="store_true", help="load from the first partition of a USB stick")
    add("--ask-sizes", action="store_true", help="sizes are taken on the target, not written down")
    add("--fit", action="store_true", help="all files in one FIT image with hashes")
    add(
        "--finished-tree",
        action="store_true",
        help="edit the device tree file here; the script only loads it",
    )
    add("--explain", action="store_true", help="print where everything lies; write nothing")
    add("--json", action="store_true", help="with --explain: for programs")


def run(args: argparse.Namespace) -> int:
    """Writes the bundle and names its files."""
    board = find(args.board)
    bundle.facts(board)
    _check_options(args)
    spec, files = _described(board, args) if args.config else _default(board)
    source, first = _sources(args, spec)
    fit = args.fit or bool(spec.outputs.fit)
    request = Request(board, spec, files, source, first, args.ask_sizes, fit, args.finished_tree)
    made = bundle.make(request)
    for note in made.inputs.notes:
        progress.note(note)
    if args.explain:
        explain.show(plan.explain(made.placed, made.room), as_json=args.json)
        return 0
    out = args.out or OUTPUT / board.name / "uboot"
    for path in bundle.write(made, out):
        print(path)
    progress.note(_where(args, made.request.source, out))
    return 0


def _where(args: argparse.Namespace, source: script.Source, out: Path) -> str:
    """What to do with the files."""
    if args.tftp:
        return "boot.scr belongs on the card, everything else into the server's folder"
    if source in (script.CARD, script.USB):
        medium = "USB stick" if args.usb else "card"
        return f"copy all of {out} into the first partition of the {medium}"
    return f"put all of {out} where `{source.command}` finds it, boot.scr where U-Boot looks for it"


def _check_options(args: argparse.Namespace) -> None:
    """Raises UserError before anything is built."""
    if args.tftp and args.usb:
        raise UserError("--tftp and --usb: choose one", 2)
    if args.ip and not args.tftp:
        raise UserError("--ip is the board's address for TFTP; name the server, too: --tftp", 2)
    if args.files and not args.config:
        raise UserError("--files is where the files of a --config are; name that, too", 2)
    if args.json and not args.explain:
        raise UserError("--json prints the table of --explain; name that, too", 2)
    if args.tftp and args.tftp != "dhcp":
        _address("--tftp", args.tftp)


def _sources(args: argparse.Namespace, spec: Spec) -> tuple[script.Source, script.Source | None]:
    """Where files come from, and where boot.scr finds boot2.scr if that is something else."""
    if args.usb:
        return script.USB, None
    if not args.tftp:
        return script.Source(spec.load) if spec.load else script.CARD, None
    server = "" if args.tftp == "dhcp" else _address("--tftp", args.tftp)
    own = _address("--ip", args.ip) if args.ip else ""
    return script.TFTP, script.tftp(server, own)


def _address(option: str, text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError as e:
        raise UserError(f"{option} {text} is no IPv4 address; write it as 192.168.1.2", 2) from e


def _described(board: Board, args: argparse.Namespace) -> tuple[Spec, dict[str, Path]]:
    spec, files = described.load(board, args.config, args.files)
    return (spec.without_loads() if args.tftp or args.usb else spec), files


def _default(board: Board) -> tuple[Spec, dict[str, Path]]:
    host.ensure(board, BUILD)
    built = make.build(board, host.ensure_toolchain(board)).image
    dom0 = image.build(board.debian_arch)
    system = model.System(board, built, dom0.kernel, dom0.initrd, board.smp, board.memory)
    # The board's firmware, not a command line of ours, says how much memory there is.
    spec = Spec(
        hypervisor="xenolith",
        arguments=system.hypervisor_line,
        dom0=Dom0("kernel", "initrd.gz", model.DOM0_ARGS[board.arch]),
    )
    return spec, {"xenolith": built, "kernel": dom0.kernel, "initrd.gz": dom0.initrd}
