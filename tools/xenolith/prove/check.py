# SPDX-License-Identifier: Apache-2.0
"""Runs proofs, each on a copy of the sources, and says what came of them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from xenolith import ROOT
from xenolith.prove import cbmc
from xenolith.prove.cbmc import Outcome
from xenolith.prove.harness import Harness, Mutant

REACHED = "REACHED: "
"""Claims that must fail: execution can come there."""

FLAGS = (
    "-I tests/proofs/include -I tests/proofs -I . -I xen/include -I tests/host/arch/include "
    "-I tests/host/arch -D XEN_DEBUG=1"
).split()
COPIED = ("xen", "tests/proofs", "tests/host/arch")


@dataclass(frozen=True)
class Job:
    """A proof of the sources as they are, or with a mistake in them."""

    harness: Harness
    proof: str
    mutant: Mutant | None = None

    @property
    def name(self) -> str:
        """For people: `buddy.take`."""
        return f"{self.harness.name}.{self.proof.removeprefix('prove_')}"


@dataclass(frozen=True)
class Result:
    """`wrong` is empty if all is as it should be: proved, or the mistake found."""

    job: Job
    outcome: Outcome
    wrong: tuple[str, ...]

    @property
    def found(self) -> str:
        """The first claim that does not hold, with its place."""
        failed = [p for p in self.outcome.properties if not p.holds and _is_claim(p.text)]
        return f"{failed[0].where}: {failed[0].text}" if failed else ""


def jobs(harnesses: Iterable[Harness], *, mutants: bool, long: bool) -> list[Job]:
    """What there is to do, the proofs of a harness in its file's order."""
    found: list[Job] = []
    for one in harnesses:
        chosen = [proof for proof in one.proofs if long or proof not in one.long]
        if mutants:
            found += [Job(one, m.proof, m) for m in one.mutants if m.proof in chosen]
        else:
            found += [Job(one, proof) for proof in chosen]
    return found


def run(
    start: list[str],
    todo: list[Job],
    limit: float,
    parallel: int,
    report: Callable[[Result], None],
) -> list[Result]:
    """All of them, `parallel` at a time; each is reported when it is done. Raises UserError.

    `start` are the words of `cbmc.command()`.
    """

    def one(job: Job) -> Result:
        result = _run(start, job, limit)
        report(result)
        return result

    with ThreadPoolExecutor(parallel) as pool:
        return list(pool.map(one, todo))


def words(job: Job) -> list[str]:
    """CBMC's arguments for a job."""
    harness = job.harness
    loops = [f"{loop}:{count}" for loop, count in harness.loops.items()]
    files = [f"tests/proofs/{harness.name}.c", *harness.sources]
    return [
        *FLAGS,
        *(["-D", "PROOF_MUTANT", "--stop-on-fail"] if job.mutant else []),
        *("--function", job.proof, "--unwind", str(harness.unwind)),
        *(["--unwindset", ",".join(loops)] if loops else []),
        *files,
    ]


def copy(job: Job, tree: Path) -> None:
    """The sources in `tree`, scaled, with the job's mistake. Raises UserError."""
    for folder in COPIED:
        shutil.copytree(ROOT / folder, tree / folder)
    edits = [*job.harness.scale, *([job.mutant.edit] if job.mutant else [])]
    for edit in edits:
        edit.apply(tree)


def _run(start: list[str], job: Job, limit: float) -> Result:
    with tempfile.TemporaryDirectory(prefix="xenolith-prove-") as folder:
        copy(job, Path(folder))
        outcome = cbmc.run([*start, *words(job)], Path(folder), limit)
    return Result(job, outcome, judge(outcome, mutant=job.mutant is not None))


def _is_claim(text: str) -> bool:
    return not text.startswith(REACHED)


def judge(outcome: Outcome, *, mutant: bool) -> tuple[str, ...]:
    """What is not as it should be, a line each."""
    if outcome.error:
        return (outcome.error,)
    claims = [p for p in outcome.properties if _is_claim(p.text)]
    reached = [p for p in outcome.properties if not _is_claim(p.text)]
    broken = [p for p in claims if not p.holds]
    if mutant:
        # A bound that is too small is no counterexample.
        real = [p for p in broken if "unwinding assertion" not in p.text]
        return () if real else ("the mistake was not found",)
    wrong = [f"{p.where}: {p.text}" for p in broken]
    wrong += [f"{p.where}: never {p.text.lower()}" for p in reached if p.holds]
    return tuple(wrong) if reached else (*wrong, "it says nowhere that it is REACHED")
