# SPDX-License-Identifier: Apache-2.0
"""`xenolith gdb`: a debugger on the machine that `debug` has started."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace

from xenolith.boards import find
from xenolith.boards.registry import DEFAULT
from xenolith.build import host, make
from xenolith.build.needs import DEBUG
from xenolith.lab import gdb
from xenolith.lab.gdb import Debuggee


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    add = parser.add_argument
    add("--board", default=DEFAULT, help=f"board that is debugged (default {DEFAULT})")
    add("--port", type=int, help=f"port (default: that of the last debug, or {gdb.PORT})")
    add("gdb_arguments", nargs="*", metavar="-- ARGS", help="further arguments of gdb")


def run(args: argparse.Namespace) -> int:
    """Becomes gdb. Raises UserError if there is nothing to debug."""
    board = find(args.board)
    what = gdb.recall(board) or Debuggee(gdb.PORT, str(make.output(board).elf), "")
    if args.port is not None:
        what = replace(what, port=args.port)
    gdb.check(board, what.port)
    host.ensure(board, DEBUG)
    command = gdb.command(what, args.gdb_arguments)
    os.execvp(command[0], command)
