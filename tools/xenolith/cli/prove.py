# SPDX-License-Identifier: Apache-2.0
"""`xenolith prove`: bounded proofs of the core's code with CBMC, and the mistakes they find."""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

from xenolith.boards import find as find_board
from xenolith.boards.registry import DEFAULT
from xenolith.build import host
from xenolith.build.needs import PROVE
from xenolith.errors import UserError
from xenolith.progress import note, size_text, step
from xenolith.prove import cbmc, check, harness
from xenolith.prove.check import Result

LIMIT, LONG_LIMIT = 600.0, 3600.0
"""Seconds for one proof."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("names", nargs="*", metavar="HARNESS", help="only these (default: all)")
    parser.add_argument("--mutants", action="store_true", help="make mistakes: each must be found")
    parser.add_argument("--long", action="store_true", help="also what takes many minutes")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="proofs at a time")
    parser.add_argument("--json", action="store_true", help="JSON on standard output")


def run(args: argparse.Namespace) -> int:
    """Proves; 1 if something does not hold, or a mistake is not found."""
    todo = check.jobs(harness.find(args.names), mutants=args.mutants, long=args.long)
    if not todo:
        raise UserError("all of that takes long, so nothing was proved: say --long, too", 2)
    host.ensure(find_board(DEFAULT), PROVE)
    start = cbmc.command()
    with step(f"proving ({len(todo)})") as doing:
        done: list[Result] = []

        def report(result: Result) -> None:
            done.append(result)
            doing.part(len(done), len(todo), result.job.name)

        limit = LONG_LIMIT if args.long else LIMIT
        results = check.run(start, todo, limit, max(1, args.jobs), report)
    if args.json:
        print(json.dumps([as_json(result) for result in results], indent=1))
    else:
        print(table(results))
    for result in results:
        for line in result.wrong:
            note(f"{result.job.name}: {line}")
    return 1 if any(result.wrong for result in results) else 0


def as_json(result: Result) -> dict[str, Any]:
    """One result for programs: `seconds` of CPU, `memory` in bytes."""
    job, outcome = result.job, result.outcome
    return {
        "harness": job.harness.name,
        "proof": job.proof,
        "proves": job.harness.proves,
        "bound": job.harness.bound,
        "mutant": vars(job.mutant.edit) if job.mutant else None,
        "claims": len(outcome.properties),
        "unwinding_assertions": True,
        "seconds": round(outcome.seconds, 1),
        "memory": outcome.memory,
        "found": result.found,
        "good": not result.wrong,
        "wrong": list(result.wrong),
    }


def _verdict(result: Result) -> str:
    if result.job.mutant:
        return f"found: {result.found}" if not result.wrong else "NOT FOUND"
    return "proved" if not result.wrong else "NOT PROVED"


def table(results: list[Result]) -> str:
    """For people: a line for each proof, below what its harness proves and how far."""
    lines: list[str] = []
    subject = None
    for result in results:
        job, outcome = result.job, result.outcome
        if job.harness is not subject:
            subject = job.harness
            lines += [f"{subject.name}: {subject.proves}", f"  bound: {subject.bound}"]
        if job.mutant:
            edit = job.mutant.edit
            lines.append(f"  {edit.file}: {edit.old.strip()} -> {edit.new.strip() or '(nothing)'}")
        figures = f"{len(outcome.properties):4} claims {outcome.seconds:7.1f} s"
        size = size_text(outcome.memory)
        lines.append(f"  {job.name:20} {figures} {size:>9}  {_verdict(result)}")
    good = sum(not result.wrong for result in results)
    lines.append(f"{good} of {len(results)} good; unwinding assertions on: loops end in the bound")
    return "\n".join(lines)
