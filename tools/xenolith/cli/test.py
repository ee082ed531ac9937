"""`xenolith test`: sets up what the tests need, runs them, says how it went in one line."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections import Counter

import pytest

from xenolith import ROOT
from xenolith.boards import Board, boards, find
from xenolith.boards.registry import DEFAULT
from xenolith.build import host
from xenolith.build.needs import BUILD, CARD, DEBUG, DOM0, RUN, TEST
from xenolith.build.toolchain import KINDS
from xenolith.errors import UserError
from xenolith.progress import note

LAYERS = {
    "lint": (BUILD,),
    "tools": (BUILD, TEST),
    "host": (BUILD, TEST),
    "guests": (BUILD, RUN),
    "target": (BUILD, RUN, DOM0, CARD, DEBUG),
}
"""Folder of tests/ to what its tests need from the machine, the fastest first."""

OF_AN_ARCH = ("lint",)
OF_A_BOARD = ("guests", "target")
"""What differs between architectures, or between boards; the rest is tested once."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("--board", help=f"only this board (default: all; with -k {DEFAULT})")
    parser.add_argument("--toolchain", choices=KINDS, help="compiler of what is booted")
    parser.add_argument("--quick", action="store_true", help="without what boots Linux")
    parser.add_argument("--long", action="store_true", help="also what takes minutes, as a card")
    parser.add_argument("--layer", action="append", choices=LAYERS, help="only this; repeatable")
    parser.add_argument("-k", metavar="EXPR", help="only tests whose name matches (as in pytest)")
    parser.add_argument("-x", action="store_true", help="stop at the first failure")


class _Results:
    """A pytest plugin that counts outcomes."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called for set-up, call and tear-down of every test."""
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[report.outcome] += 1

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Called for every file; one that cannot be read counts as a failure."""
        if report.failed:
            self.outcomes["failed"] += 1


def pytest_arguments(args: argparse.Namespace, board: Board) -> list[str]:
    """What the options mean to pytest."""
    possible = _possible(board)
    wanted = [layer for layer in possible if not args.layer or layer in args.layer]
    chosen = [str(ROOT / "tests" / layer) for layer in wanted if (ROOT / "tests" / layer).is_dir()]
    if not chosen:
        raise UserError(f"no tests of {', '.join(args.layer or LAYERS)} for {board.name}", 2)
    options = ["--board", board.name]
    left_out = {"slow": args.quick, "long": not args.long}
    marks = [f"not {name}" for name, is_out in left_out.items() if is_out]
    if marks:
        options += ["-m", " and ".join(marks)]
    if args.k:
        options += ["-k", args.k]
    if args.x:
        options.append("-x")
    return [*options, *chosen]


def run(args: argparse.Namespace) -> int:
    """Runs the tests; 1 if one fails or none ran."""
    if args.board or args.k:
        return _one(args, find(args.board or DEFAULT))
    return _every(args)


def _every(args: argparse.Namespace) -> int:
    """All boards in turn, each in a process of its own: pytest keeps what it has imported."""
    wanted = args.layer or list(LAYERS)
    failed = []
    seen: set[str] = set()
    for board in boards().values():
        due = {*OF_A_BOARD, *(OF_AN_ARCH if board.arch not in seen else ())}
        layers = [x for x in wanted if board.name == DEFAULT or x in due]
        layers = [x for x in layers if x in _possible(board)]
        seen.add(board.arch)
        if not layers:
            continue
        note(f"testing {board.name}: {', '.join(layers)}")
        command = [sys.executable, "-m", "xenolith", "test", "--board", board.name]
        command += [word for layer in layers for word in ("--layer", layer)]
        command += [f"--{name}" for name in ("quick", "long") if getattr(args, name)]
        command += [word for word in ("-x",) if args.x]
        if args.toolchain:
            command += ["--toolchain", args.toolchain]
        if subprocess.run(command, check=False).returncode != 0:
            failed.append(board.name)
            if args.x:
                break
    print(f"xenolith test: FAIL on {', '.join(failed)}" if failed else "xenolith test: all PASS")
    return 1 if failed else 0


def _possible(board: Board) -> list[str]:
    """The layers a board can run: tiny kernels are boot modules that QEMU adds to its own tree."""
    return [layer for layer in LAYERS if layer != "guests" or not board.qemu.tree]


def _one(args: argparse.Namespace, board: Board) -> int:
    layers = args.layer or _possible(board)
    host.ensure(board, *{purpose for layer in layers for purpose in LAYERS[layer]})
    kind = host.ensure_toolchain(board, args.toolchain)
    if not args.quick and "lint" in layers:
        # Both compilers see the code, and the analyser.
        host.ensure_toolchain(board, "clang")
        host.ensure_extra("tidy", "clang_tidy", "clang-tidy")
    os.chdir(ROOT)
    begun = time.monotonic()
    results = _Results()
    arguments = [*pytest_arguments(args, board), "--toolchain", kind]
    code = pytest.main(arguments, plugins=[results])
    counts = results.outcomes
    seconds = time.monotonic() - begun
    verdict = "PASS" if code == pytest.ExitCode.OK else "FAIL"
    print(
        f"xenolith test: {verdict} on {board.name}: {counts['passed']} passed, "
        f"{counts['failed']} failed, {counts['skipped']} skipped in {seconds:.0f} s"
    )
    return 0 if code == pytest.ExitCode.OK else 1
