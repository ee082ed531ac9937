# SPDX-License-Identifier: Apache-2.0
"""`xenolith torture`: hostile guests against the hypervisor, and beside real Xen where it runs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from xenolith.boards import find
from xenolith.boards.registry import DEFAULT
from xenolith.build import host, make
from xenolith.build.needs import BUILD, RUN
from xenolith.build.toolchain import KINDS
from xenolith.dom0 import image, recipe
from xenolith.errors import UserError
from xenolith.progress import note, step
from xenolith.torture import session
from xenolith.torture.session import Order, Result, Under

MOST_MINUTES = 100000
"""Ten weeks."""


def _positive(text: str) -> int:
    value = int(text) if text.isascii() and text.isdigit() else 0
    if not 0 < value < 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to {2**31 - 1}")
    return value


def _minutes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= MOST_MINUTES:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to {MOST_MINUTES}")
    return value


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    rows = ", ".join(session.ROWS)
    parser.add_argument("--board", default=DEFAULT, help=f"board to torture (default {DEFAULT})")
    parser.add_argument(
        "--minutes", type=_minutes, default=0.0, help="go on so long (default: one pass)"
    )
    parser.add_argument("--seed", type=_positive, default=1, help="of the first pass (default 1)")
    parser.add_argument("--rows", metavar="T1,T3", help=f"only these (all: {rows})")
    parser.add_argument("--percent", type=_positive, default=100, help="of a usual pass's work")
    parser.add_argument(
        "--threads", action="store_true", help="CPUs in parallel: real races, no replay"
    )
    parser.add_argument(
        "--debug", action="store_true", help="the debug build: assertions, lock order, invariants"
    )
    parser.add_argument("--toolchain", choices=KINDS, help="compiler of what is tortured")
    parser.add_argument("--hypervisor", type=Path, metavar="FILE", help="torture this, not ours")
    parser.add_argument("--no-xen", action="store_true", help="without Xen beside it")
    parser.add_argument("--json", action="store_true", help="JSON on standard output")


def run(args: argparse.Namespace) -> int:
    """Tortures; prints what was done. 1 if something is wrong."""
    board = find(args.board)
    order = Order(session.rows_of(args.rows), args.seed, args.percent, args.threads)
    if args.hypervisor and not args.hypervisor.is_file():
        raise UserError(f"{args.hypervisor}: no such file; give an image of the hypervisor", 2)
    host.ensure(board, BUILD, RUN)
    kind = host.ensure_toolchain(board, args.toolchain)
    output = make.build(board, kind, debug=args.debug, targets=("image", "guests"))
    kernel = output.guest("hostile")
    ours = args.hypervisor or output.image
    with step(f"torturing {board.name}") as progress:
        result = session.ours(Under(board, kernel, ours), order, args.minutes, progress.update)
    if not args.no_xen and recipe.load().has_xen(board.debian_arch):
        with step("the same calls on Xen"):
            xen = Under(board, kernel, image.xen(board.debian_arch))
            session.compare(xen, order, result)
    print(json.dumps(_as_json(result), indent=1) if args.json else _text(result))
    for line in result.problems:
        note(line)
    if result.problems:
        note(f"again: ./xenolith torture --board {board.name} --seed {result.seeds[-1]}")
    return 1 if result.problems else 0


def _rows(result: Result) -> list[tuple[str, int, int, float]]:
    """Name, calls, drift in pages, seconds of the machine's time, over all passes."""
    table = []
    for name in session.ROWS:
        rows = [one.rows[name] for one in result.reports if name in one.rows]
        if rows:
            numbers = (sum(r.calls for r in rows), sum(r.drift for r in rows))
            table.append((name, *numbers, sum(r.seconds for r in rows)))
    return table


def _longest(result: Result) -> int:
    return max((us for one in result.reports for us in one.longest.values()), default=0)


def _as_json(result: Result) -> dict[str, object]:
    return {
        "board": result.board,
        "seeds": result.seeds,
        "seconds": round(result.seconds, 1),
        "calls": result.calls,
        "rows": {
            name: {"calls": calls, "drift_pages": drift, "seconds": round(seconds, 3)}
            for name, calls, drift, seconds in _rows(result)
        },
        "longest_answer_us": _longest(result),
        "differences_from_xen": result.known,
        "problems": result.problems,
    }


def _text(result: Result) -> str:
    lines = [f"{'row':5}{'calls':>12}{'drift, pages':>14}{'machine s':>11}"]
    for name, calls, drift, seconds in _rows(result):
        lines.append(f"{name:5}{calls:>12,}{drift:>14}{seconds:>11.1f}")
    seeds = f"{result.seeds[0]} to {result.seeds[-1]}" if len(result.seeds) > 1 else result.seeds[0]
    lines.append(f"{result.calls:,} calls in {result.seconds:.0f} s, seed {seeds}")
    if _longest(result):
        lines.append(f"longest answer of a domain beside a dying one: {_longest(result):,} us")
    if result.known is not None:
        lines.append(
            f"differences from Xen: {result.known} results, all in the reviewed list"
            if not result.problems
            else f"differences from Xen in the list: {result.known} results"
        )
    lines.append(f"problems: {len(result.problems)}")
    return "\n".join(lines)
