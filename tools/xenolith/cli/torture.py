# SPDX-License-Identifier: Apache-2.0
"""`xenolith torture`: hostile guests against the hypervisor, and beside real Xen where it runs."""

from __future__ import annotations

import argparse
import json
import shlex
from dataclasses import replace
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

USUAL = 100
"""Percent of a usual pass's work."""
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
    parser.add_argument("--percent", type=_positive, default=USUAL, help="of a usual pass's work")
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
    rows = session.playable(board, session.rows_of(args.rows), threads=args.threads)
    if not rows:
        raise UserError(f"row T3 on {board.name} wants --threads: docs/TORTURE.md says why", 2)
    order = Order(rows, args.seed, args.percent, args.threads)
    if args.hypervisor and not args.hypervisor.is_file():
        raise UserError(f"{args.hypervisor}: no such file; give an image of the hypervisor", 2)
    if args.hypervisor and args.debug:
        raise UserError("--debug builds our hypervisor, --hypervisor takes another: choose one", 2)
    host.ensure(board, BUILD, RUN)
    kind = host.ensure_toolchain(board, args.toolchain)
    output = make.build(board, kind, debug=args.debug, targets=("image", "guests"))
    under = Under(board, output.guest("hostile"), args.hypervisor or output.image)
    result = Result(board.name)
    try:
        _torture(under, order, args, result)
    except KeyboardInterrupt:
        result.interrupted = True
    print(json.dumps(_as_json(result), indent=1) if args.json else _text(result))
    for line in result.problems:
        note(line)
    for seed in result.failed:
        note(f"again: {again(args, seed)}")
    if result.interrupted:
        raise KeyboardInterrupt
    return 1 if result.problems else 0


def _torture(under: Under, order: Order, args: argparse.Namespace, result: Result) -> None:
    board = under.board
    with step(f"torturing {board.name}") as progress:
        session.ours(under, order, args.minutes, result, progress.update)
    if not args.no_xen and recipe.load().has_xen(board.debian_arch):
        with step("the same calls on Xen"):
            xen = replace(under, hypervisor=image.xen(board.debian_arch))
            session.compare(xen, order, result)


def again(args: argparse.Namespace, seed: int) -> str:
    """The command that runs one seed of a session once more."""
    words = ["./xenolith", "torture", "--board", args.board, "--seed", str(seed)]
    if args.percent != USUAL:
        words += ["--percent", str(args.percent)]
    for name in ("rows", "toolchain", "hypervisor"):
        if vars(args)[name] is not None:
            words += [f"--{name}", str(vars(args)[name])]
    words += [f"--{name}" for name in ("threads", "debug") if vars(args)[name]]
    return shlex.join(words + (["--no-xen"] if args.no_xen else []))


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
        "failed_seeds": result.failed,
        "interrupted": result.interrupted,
    }


def _text(result: Result) -> str:
    lines = [f"{'row':5}{'calls':>12}{'drift, pages':>14}{'machine s':>11}"]
    for name, calls, drift, seconds in _rows(result):
        lines.append(f"{name:5}{calls:>12,}{drift:>14}{seconds:>11.1f}")
    seeds = " to ".join(str(seed) for seed in dict.fromkeys(result.seeds[:1] + result.seeds[-1:]))
    lines.append(
        f"{result.calls:,} calls in {result.seconds:.0f} s, seed {seeds or '(none ended)'}"
    )
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
