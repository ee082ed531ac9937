# SPDX-License-Identifier: Apache-2.0
"""Takes guards out of the core, one at a time, and says which layer of the tests misses each.

    .venv/bin/python tests/mutants/run.py [--only NAME ...] [--layers LAYER ...] [--all]

Works in a copy of the last commit below build/, so that nothing else is touched. Exit code 1: a
mutant survived. 2: nothing can be said: the tests fail without a mutant, or one does not fit
or does not compile.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from xenolith.errors import UserError
from xenolith.prove.harness import Edit

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("mutants.toml")
COPY = ROOT / "build" / "mutants"
BOARD = "qemu-virt-arm64"
SECONDS = 1200
"""For one layer; the first run builds everything."""

LAYERS = {
    "allocations": ("tests/guests/test_invariants.py", "failing_allocations"),
    "cycles": ("tests/guests/test_invariants.py", "test_cycles and 1-500"),
    "races": ("tests/host/race", "address or overtaken"),
    "suite": ("tests/host/test_suite.py", "core"),
    "guests": ("tests/guests", "test_guest or permissions or panic"),
    "fuzz": ("tests/host/test_fuzz.py", ""),
}
"""Those that look for what a mutant does, the quick ones first: where, and which tests."""


GRACE = 30
"""Seconds in which tests that took too long end what they started."""
COMPILER = re.compile(r":\d+:\d+: (?:fatal )?error: ")
"""What a compiler says; the sanitizer's "runtime error" is a test that fails."""


class Verdict(Enum):
    """What a layer of tests says about the copy."""

    PASSES = "passes"
    FAILS = "fails"
    TIMED_OUT = "timed out"


@dataclass(frozen=True)
class Mutant:
    """One guard, and what is wrong without it."""

    name: str
    what: str
    edit: Edit


def mutants(table: Path = TABLE) -> list[Mutant]:
    """All of the table."""
    return [
        Mutant(entry.pop("name"), entry.pop("what"), Edit(**entry))
        for entry in tomllib.loads(table.read_text())["mutant"]
    ]


def copy_tree() -> None:
    """The last commit in COPY, whose build folder stays: only what changes is compiled again."""
    COPY.mkdir(parents=True, exist_ok=True)
    for entry in COPY.iterdir():
        if entry.name != "build":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    archive = subprocess.run(
        ["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    subprocess.run(["tar", "-x", "-C", str(COPY)], input=archive, check=True)


def run_tests(command: Sequence[str], log: Path, seconds: float) -> int | None:
    """The exit code, or None if it took too long: then it is ended, and all that it started."""
    # Tests that run tests of their own stop at the first failure, too.
    env = {**os.environ, "PYTHONPATH": str(COPY / "tools"), "PYTEST_ADDOPTS": "-x"}
    with log.open("w") as out:
        child = subprocess.Popen(
            command,
            cwd=COPY,
            env=env,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return child.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _end(child)


def _family(pid: int) -> list[int]:
    """Handles of a process and of all that it has started, in sessions of their own, too."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rsplit(")", 1)[1].split()[1])
    found, new = {pid}, {pid}
    while new:
        new = {child for child, parent in parents.items() if parent in new} - found
        found |= new
    handles = []
    for member in found:
        with contextlib.suppress(ProcessLookupError):
            handles.append(os.pidfd_open(member))
    return handles


def _end(child: subprocess.Popen[bytes]) -> None:
    """First as Ctrl-C does, for tests that stop machines; then what is left of them."""
    if child.poll() is not None:
        return
    handles = _family(child.pid)
    os.killpg(child.pid, signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(GRACE)
    if child.poll() is None:
        handles += _family(child.pid)
    for handle in handles:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        os.close(handle)
    child.wait()


def verdict(layer: str) -> Verdict:
    """What the tests of a layer say about the copy. Raises UserError if it does not compile."""
    where, expression = LAYERS[layer]
    command = [sys.executable, "-m", "pytest", "-q", where, "-k", expression]
    command += ["-m", "not long", "--board", BOARD]
    log = COPY / "build" / f"last-{layer}.log"
    log.parent.mkdir(exist_ok=True)
    code = run_tests(command, log, SECONDS)
    if code is None:
        return Verdict.TIMED_OUT
    if COMPILER.search(log.read_text(errors="replace")):
        raise UserError(f"it does not compile, see {log}")
    return Verdict.FAILS if code else Verdict.PASSES


def try_layers(edit: Edit | None, layers: list[str], all_layers: bool) -> dict[str, Verdict]:
    """What layers say, up to the first that fails, or all of them. None: nothing is taken out."""
    copy_tree()
    if edit is not None:
        edit.apply(COPY)
    said: dict[str, Verdict] = {}
    for layer in layers:
        said[layer] = verdict(layer)
        if said[layer] is Verdict.FAILS and not all_layers:
            break
    return said


def in_words(said: dict[str, Verdict]) -> str:
    """Who caught a mutant; a timeout is no catch, but worth a look."""
    caught = [layer for layer, found in said.items() if found is Verdict.FAILS]
    late = [f"{layer} timed out" for layer, found in said.items() if found is Verdict.TIMED_OUT]
    return ", ".join([*(caught or ["SURVIVES"]), *late])


def try_all(chosen: list[Mutant], layers: list[str], all_layers: bool) -> int:
    """A line for each; the exit code. Raises UserError for a mutant that is none."""
    unchanged = try_layers(None, layers, True)
    wrong = [f"{layer} {v.value}" for layer, v in unchanged.items() if v is not Verdict.PASSES]
    if wrong:
        print(f"without a mutant: {', '.join(wrong)}, see {COPY}/build/last-*.log", flush=True)
        return 2
    survived = 0
    for mutant in chosen:
        start = time.monotonic()
        try:
            said = try_layers(mutant.edit, layers, all_layers)
        except UserError as e:
            raise UserError(f"{mutant.name}: {e.message}") from e
        survived += Verdict.FAILS not in said.values()
        seconds = time.monotonic() - start
        print(f"{mutant.name:14} {in_words(said):28} {seconds:4.0f} s  {mutant.what}", flush=True)
    return 1 if survived else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Try them; a line each."""
    table = mutants()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [mutant.name for mutant in table]
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help="these mutants")
    parser.add_argument("--layers", nargs="+", choices=LAYERS, default=list(LAYERS))
    parser.add_argument("--all", action="store_true", help="go on after the first that catches")
    args = parser.parse_args(argv)
    chosen = [mutant for mutant in table if mutant.name in (args.only or names)]
    try:
        return try_all(chosen, args.layers, args.all)
    except UserError as e:
        print(e.message, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
