"""`xenolith uboot`: boot scripts and the files they load, for a card, a USB stick or TFTP."""

from __future__ import annotations

import argparse
import ipaddress
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from xenolith import ROOT, progress
from xenolith.boards import Board, find
from xenolith.boards.registry import DEFAULT
from xenolith.build import host, make
from xenolith.build.needs import BUILD
from xenolith.dom0 import image
from xenolith.errors import UserError
from xenolith.system import imagebuilder, model, toml
from xenolith.system.spec import Dom0, Spec
from xenolith.uboot import bundle, plan, script
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
    add("--explain", action="store_true", help="print where everything lies; write nothing")
    add("--json", action="store_true", help="with --explain: for programs")


def run(args: argparse.Namespace) -> int:
    """Writes the bundle and names its files."""
    board = find(args.board)
    bundle.facts(board)
    sources = _sources(args)
    spec, files = _described(board, args) if args.config else _default(board)
    request = Request(board, spec, files, sources[0], sources[1], args.ask_sizes)
    placed = bundle.make(request)
    if args.explain:
        _explain(plan.explain(placed, bundle.room(board, spec)), as_json=args.json)
        return 0
    out = args.out or ROOT / "build" / board.name / "uboot"
    for path in bundle.write(request, placed, out):
        print(path)
    if args.tftp:
        progress.note("boot.scr belongs on the card, everything else into the server's folder")
    return 0


def _sources(args: argparse.Namespace) -> tuple[script.Source, script.Source | None]:
    """Where files come from, and where boot.scr finds boot2.scr if that is something else."""
    if args.tftp and args.usb:
        raise UserError("--tftp and --usb: choose one", 2)
    if args.usb:
        return script.USB, None
    if not args.tftp:
        return script.CARD, None
    server = "" if args.tftp == "dhcp" else _address("--tftp", args.tftp)
    own = _address("--ip", args.ip) if args.ip else ""
    return script.TFTP, script.tftp(server, own)


def _address(option: str, text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError as e:
        raise UserError(f"{option} {text}: no IPv4 address", 2) from e


def _described(board: Board, args: argparse.Namespace) -> tuple[Spec, dict[str, Path]]:
    path: Path = args.config
    spec = toml.load(path) if path.suffix == ".toml" else imagebuilder.load(path)
    folder = args.files or path.parent
    return spec, {name: folder / name for _, name in spec.files()}


def _default(board: Board) -> tuple[Spec, dict[str, Path]]:
    host.ensure(board, BUILD)
    built = make.build(board, host.ensure_toolchain(board)).image
    dom0 = image.build(board.debian_arch)
    system = model.System(board, built, dom0.kernel, dom0.initrd, board.smp, board.memory)
    # The board's firmware, not a command line of ours, says how much memory there is.
    spec = Spec(
        hypervisor="xenolith",
        arguments=system.hypervisor_line,
        dom0=Dom0("kernel", "initrd.gz", system.dom0_line),
    )
    return spec, {"xenolith": built, "kernel": dom0.kernel, "initrd.gz": dom0.initrd}


def _explain(rows: list[tuple[str, int, int]], *, as_json: bool) -> None:
    if as_json:
        keys = ("what", "start", "size")
        print(json.dumps([dict(zip(keys, row, strict=True)) for row in rows], indent=1))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("start", "end", "KiB", "what"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for what, start, size in rows:
        table.add_row(f"{start:#x}", f"{start + size - 1:#x}", str(-(-size // 1024)), what)
    Console(file=sys.stdout).print(table)
