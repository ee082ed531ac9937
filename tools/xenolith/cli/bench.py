# SPDX-License-Identifier: Apache-2.0
"""`xenolith bench`: instructions per operation, or what guests get, beside real Xen if it runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from xenolith.bench import guests, measure, table, windows
from xenolith.bench.figures import PEERS
from xenolith.bench.measure import Bench
from xenolith.bench.table import Row
from xenolith.boards import Board, find
from xenolith.boards.registry import DEFAULT
from xenolith.build import host, info, make, toolchain
from xenolith.build.needs import BUILD, DOM0, RUN, TEST
from xenolith.build.toolchain import KINDS
from xenolith.dom0 import image, recipe
from xenolith.errors import UserError
from xenolith.lab.console import LabError
from xenolith.progress import note, step
from xenolith.system.model import System, check_smp

GUESTS_HELP = "measure the demo guest instead: its start, disks and network, in some minutes"
RUNS = 3
"""Boots of each hypervisor for --guests."""
CPUS = 2
"""Of the machine for --guests."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("--board", default=DEFAULT, help=f"board to measure (default {DEFAULT})")
    parser.add_argument("--toolchain", choices=KINDS, help="compiler of what is measured")
    parser.add_argument("--hypervisor", type=Path, metavar="FILE", help="measure this, not ours")
    parser.add_argument("--only", metavar="P1,P5", help="only these figures")
    parser.add_argument("--no-xen", action="store_true", help="without Xen beside it")
    parser.add_argument("--guests", action="store_true", help=GUESTS_HELP)
    parser.add_argument("--runs", type=int, metavar="N", help=f"boots for --guests ({RUNS})")
    parser.add_argument("--smp", type=int, metavar="N", help=f"CPUs for --guests ({CPUS})")
    parser.add_argument("--json", action="store_true", help="JSON on standard output")
    parser.add_argument("--check", type=Path, metavar="FILE", help="fail if a figure differs")
    parser.add_argument("--update", type=Path, metavar="FILE", help="write the figures to a file")
    parser.add_argument("--strict", action="store_true", help="fail if a figure is over its limit")


def run(args: argparse.Namespace) -> int:
    """Measures; prints the table. 1 if --check or --strict finds something."""
    board = find(args.board)
    if args.hypervisor and not args.hypervisor.is_file():
        raise UserError(f"{args.hypervisor}: no such file; give an image of the hypervisor", 2)
    if args.guests:
        return _guests(board, args)
    for name in ("runs", "smp"):
        if vars(args)[name] is not None:
            raise UserError(f"--{name} is for --guests", 2)
    figures = measure.choose(board, [name for name in (args.only or "").split(",") if name])
    host.ensure(board, BUILD, RUN, *((TEST,) if board.arch == "riscv" else ()))
    kind = host.ensure_toolchain(board, args.toolchain)
    targets = ("guests",) if args.hypervisor else ("image", "guests")
    output = make.build(board, kind, targets=targets)
    ours = args.hypervisor or output.image
    xen = _xen(board, args)
    with step("measuring") as progress:
        if board.arch == "riscv":
            rows = windows.rows(board, output.guest("bench"), ours, figures, progress.update)
        else:
            rows = _measure(
                Bench(board, output.guest("bench"), figures, progress.update), ours, xen
            )
    compiler = _compiler(board, kind)
    peer = PEERS[board.arch]
    as_json = args.json
    print(table.as_json(board.name, compiler, peer, rows) if as_json else table.text(rows, peer))
    if args.update:
        table.update(args.update, compiler, rows)
    return _verdict(args, compiler, rows)


def _xen(board: Board, args: argparse.Namespace) -> Path | None:
    if args.no_xen or not recipe.load().has_xen(board.debian_arch):
        return None
    return image.xen(board.debian_arch)


def _guests(board: Board, args: argparse.Namespace) -> int:
    """What guests get, as a table."""
    for name in ("only", "check", "update", "strict"):
        if vars(args)[name]:
            raise UserError(f"--{name} is for figures in instructions; leave --guests away", 2)
    runs = RUNS if args.runs is None else args.runs
    if not 1 <= runs <= guests.MOST_RUNS:
        raise UserError(f"--runs has 1 to {guests.MOST_RUNS} boots, not {runs}", 2)
    if not board.qemu.virtio:
        raise UserError(
            f"--guests: QEMU's {board.name} has no virtio, for disk and network; take another "
            f"board of {board.arch}",
            2,
        )
    smp = max(CPUS, board.min_smp) if args.smp is None else args.smp
    check_smp(board, smp)
    host.ensure(board, BUILD, RUN, DOM0)
    kind = host.ensure_toolchain(board, args.toolchain)
    ours = args.hypervisor or make.build(board, kind).image
    dom0 = image.build(board.debian_arch)
    system = System(board, ours, dom0.kernel, dom0.initrd, smp, board.memory)
    try:
        with step("measuring") as progress:
            rows = guests.rows(system, _xen(board, args), runs, progress.update)
    except LabError as e:
        raise UserError(f"{e.message}\n{e.tail}") from e
    print(guests.as_json(board.name, runs, rows) if args.json else guests.text(rows))
    return 0


def _compiler(board: Board, kind: str) -> str:
    return info.compiler_version(toolchain.require(kind, board.arch).cc)


def _measure(bench: Bench, ours: Path, xen: Path | None) -> list[Row]:
    bare = bench.bare()
    theirs = bench.hypervisor(xen, bare) if xen else {}
    values = bench.hypervisor(ours, bare)
    return [
        Row(figure, values[figure.name], theirs.get(figure.name, figure.anchor))
        for figure in bench.figures
    ]


def _verdict(args: argparse.Namespace, compiler: str, rows: list[Row]) -> int:
    found = table.differences(args.check, compiler, rows) if args.check else []
    if args.strict:
        found += [f"{row.figure.name}: over its limit" for row in rows if row.verdict == "over"]
    for line in found:
        note(line)
    return 1 if found else 0
