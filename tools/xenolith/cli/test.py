# SPDX-License-Identifier: Apache-2.0
"""`xenolith test`: sets up what the tests need, runs them, says how it went and what took long."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time

from xenolith import OUTPUT, ROOT
from xenolith.boards import boards, find
from xenolith.boards.registry import DEFAULT
from xenolith.build import host
from xenolith.build.toolchain import KINDS
from xenolith.errors import UserError
from xenolith.progress import note, step
from xenolith.testing import coverage, plan, results
from xenolith.testing.plan import LAYERS, Pass
from xenolith.testing.results import Ran

QUICK = "the quick tests take about ten minutes on two cores, once everything is installed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("--board", help=f"only this board (default: all; with -k {DEFAULT})")
    parser.add_argument("--toolchain", choices=KINDS, help="compiler of what is booted")
    parser.add_argument("--quick", action="store_true", help="without what boots Linux")
    parser.add_argument("--long", action="store_true", help="also what takes minutes, as a card")
    parser.add_argument("--layer", action="append", choices=LAYERS, help="only this; repeatable")
    parser.add_argument("-k", metavar="EXPR", help="only tests whose name matches (as in pytest)")
    parser.add_argument("-x", action="store_true", help="stop at the first failure")
    parser.add_argument(
        "--coverage", action="store_true", help="how much of xen/ the host layer executes"
    )
    parser.add_argument("--json", action="store_true", help="with --coverage: its table as JSON")


def run(args: argparse.Namespace) -> int:
    """Runs the tests; 1 if one fails or none ran."""
    if args.coverage:
        return _cover(args)
    if args.json:
        raise UserError("--json prints the table of --coverage: add that", 2)
    wanted = args.layer or list(LAYERS)
    if args.board or args.k:
        passes = plan.single(find(args.board or DEFAULT), wanted)
    else:
        passes = plan.every(boards().values(), DEFAULT, wanted)
    if args.quick:
        note(QUICK)
    begun = time.monotonic()
    _install(args, passes)
    setup = time.monotonic() - begun
    runs: list[Ran] = []
    for one in passes:
        runs.append(_run(args, one))
        if args.x and not runs[-1].ok:
            break
    print(results.times(setup, runs))
    failed = [ran.board for ran in runs if not ran.ok]
    if not any(ran.cases for ran in runs):
        failed = ["no board: no test was chosen"]
    verdict = f"FAIL on {', '.join(failed)}" if failed else "PASS"
    seconds = time.monotonic() - begun
    print(f"xenolith test: {verdict}: {results.counts(runs)} in {seconds:.0f} s")
    return 1 if failed else 0


def _cover(args: argparse.Namespace) -> int:
    """Runs the host layer with counters; 1 if a test fails or a folder is below its floor."""
    if args.layer not in (None, ["host"]) or args.board:
        raise UserError("--coverage is of the host layer: leave out --layer and --board", 2)
    if args.long:
        # One of them is a run with --coverage itself.
        raise UserError("--coverage is of the tests without --long: leave out one of them", 2)
    rules = coverage.read_rules()
    passes = plan.single(find(DEFAULT), ["host"])
    _install(args, passes)
    host.ensure_extra("coverage", "gcovr", "gcovr (tables and pages of coverage)")
    shutil.rmtree(coverage.FOLDER, ignore_errors=True)
    ran = _run(args, passes[0])
    with step("adding up what was executed"):
        rows = coverage.gather(rules)
    # A part of the tests executes a part of the code.
    wrong = [] if args.k else coverage.too_low(rows, rules.floors)
    ok = ran.ok and bool(ran.cases) and not wrong
    if args.json:
        print(json.dumps(coverage.described(rows, wrong, ok), indent=1))
        return 0 if ok else 1
    print(coverage.table(rows))
    for line in wrong:
        print(f"below its floor: {line}")
    print(f"page: {coverage.PAGE}")
    verdict = "PASS" if ok else "FAIL"
    print(f"xenolith test: {verdict}: {results.counts([ran])} in {ran.seconds:.0f} s")
    return 0 if ok else 1


def _install(args: argparse.Namespace, passes: list[Pass]) -> None:
    """Everything the passes need, before the first test."""
    host.ensure_all(plan.needs(passes, boards().values()))
    compiling = not args.quick and any(LAYERS[name].clang for p in passes for name in p.layers)
    if compiling or args.toolchain == "clang":
        host.ensure_toolchain(passes[0].board, "clang")
    if any("lint" in one.layers for one in passes):
        host.ensure_extra("licences", "reuse", "REUSE's lint")
        if not args.quick:
            host.ensure_extra("tidy", "clang_tidy", "clang-tidy")


def _run(args: argparse.Namespace, one: Pass) -> Ran:
    """A pass, in a process of its own: pytest keeps what it has imported."""
    note(f"testing {one.board.name}: {', '.join(one.layers)}")
    report = OUTPUT / "test" / f"{one.board.name}.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", *pytest_arguments(args, one), f"--junitxml={report}"]
    begun = time.monotonic()
    env = os.environ | ({coverage.SWITCH: "1"} if args.coverage else {})
    output = sys.stderr if args.json else None
    code = subprocess.run(command, cwd=ROOT, env=env, stdout=output, check=False).returncode
    return Ran(one.board.name, results.read(report), time.monotonic() - begun, code)


def pytest_arguments(args: argparse.Namespace, one: Pass) -> list[str]:
    """What the options mean to pytest."""
    options = ["--board", one.board.name, "--toolchain", args.toolchain or "gcc"]
    left_out = {"slow": args.quick, "long": not args.long}
    marks = [f"not {name}" for name, is_out in left_out.items() if is_out]
    if marks:
        options += ["-m", " and ".join(marks)]
    if args.k:
        options += ["-k", args.k]
    if args.x:
        options.append("-x")
    return [*options, *(str(ROOT / "tests" / layer) for layer in one.layers)]
