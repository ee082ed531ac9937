# SPDX-License-Identifier: Apache-2.0
"""`xenolith build`: compile the hypervisor, say how large it is."""

from __future__ import annotations

import argparse

from xenolith import ROOT
from xenolith.boards import Board, find
from xenolith.boards.registry import DEFAULT
from xenolith.build import host, make, plan, report
from xenolith.build.image import sizes
from xenolith.build.toolchain import KINDS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("--board", default=DEFAULT, help=f"board to build for (default {DEFAULT})")
    parser.add_argument("--toolchain", choices=KINDS, help="compiler (default: gcc if it is there)")
    parser.add_argument("--debug", action="store_true", help="with run-time checks")
    parser.add_argument("--report", action="store_true", help="lines and bytes of every part")
    parser.add_argument("--guests", action="store_true", help="also the tiny kernels of the tests")


def run(args: argparse.Namespace) -> int:
    """Builds; prints the path of the image and its sizes."""
    board = find(args.board)
    kind = host.ensure_toolchain(board, args.toolchain)
    targets = ("image", "guests") if args.guests else ("image",)
    output = make.build(board, kind, debug=args.debug, targets=targets)
    image = output.image
    print(image.relative_to(ROOT) if image.is_relative_to(ROOT) else image)
    print(sizes(output.elf).line())
    if args.report:
        print(_report(board, output))
    return 0


def _report(board: Board, output: make.Output) -> str:
    sources = plan.sources(ROOT, board) + plan.headers(ROOT, board)
    folder = output.folder
    objects = f"{folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder}/obj"
    return report.text(ROOT, sources, output.elf, output.map.read_text(), objects)
