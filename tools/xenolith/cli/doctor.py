# SPDX-License-Identifier: Apache-2.0
"""`xenolith doctor`: what this machine has, what is missing, how to get it."""

from __future__ import annotations

import argparse
import json
import sys

from rich.console import Console
from rich.table import Table

from xenolith.boards import find
from xenolith.boards.registry import DEFAULT
from xenolith.build import needs, toolchain
from xenolith.build.needs import BUILD, CARD, DEBUG, DOM0, RUN, TEST, Finding


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("--board", default=DEFAULT, help=f"board to look for (default {DEFAULT})")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(args: argparse.Namespace) -> int:
    """Prints the findings; 1 if something needed is missing."""
    board = find(args.board)
    findings = needs.survey([(board, (BUILD, RUN, DOM0, CARD, TEST, DEBUG))])
    if args.json:
        print(json.dumps([_as_dict(found) for found in findings], indent=1))
    else:
        _print_table(findings)
    clang = toolchain.find("clang", board.arch) is not None
    lacking = [found for found in findings if found.state != "present"]
    optional = [f for f in lacking if f.need.purposes == {DEBUG}]
    if clang:
        optional += [f for f in lacking if f.need.name == needs.COMPILER]
    needed = [f for f in lacking if f not in optional]
    if needed and not args.json:
        print("./xenolith run and ./xenolith test install what they need.", file=sys.stderr)
    return 1 if needed else 0


def _as_dict(found: Finding) -> dict[str, object]:
    return {
        "name": found.need.name,
        "state": found.state,
        "version": found.version,
        "purposes": sorted(found.need.purposes),
        "packages": list(found.need.packages),
        "remedy": found.remedy,
    }


def _print_table(findings: list[Finding]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("what", "state", "version", "needed to", "how to get it"):
        table.add_column(heading, no_wrap=heading != "how to get it")
    for found in findings:
        purposes = ", ".join(sorted(found.need.purposes))
        table.add_row(found.need.name, found.state, found.version, purposes, found.remedy)
    Console().print(table)
