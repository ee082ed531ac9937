# SPDX-License-Identifier: Apache-2.0
"""Takes guards out of the core, one at a time, and says which layer of the tests misses each.

    .venv/bin/python tests/mutants/run.py [--only NAME ...] [--layers LAYER ...] [--all]

Works in a copy of the last commit below build/, so that nothing else is touched. A mutant that does
not compile is an error of the table. Exit code 1: a mutant survived.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("mutants.toml")
COPY = ROOT / "build" / "mutants"
BOARD = "qemu-virt-arm64"
SECONDS = 1200
"""For one layer; the first run builds everything."""

LAYERS = {
    "allocations": ("tests/guests/test_invariants.py", "failing_allocations"),
    "cycles": ("tests/guests/test_invariants.py", "test_cycles and 1-500"),
    "races": ("tests/host/race", "address"),
    "suite": ("tests/host/test_suite.py", "core"),
    "guests": ("tests/guests", "test_guest or permissions or panic"),
    "fuzz": ("tests/host/test_fuzz.py", ""),
}
"""Those that look for what a mutant does, the quick ones first: where, and which tests."""


@dataclass(frozen=True)
class Mutant:
    """One guard: `old`, which stands once in `file`, becomes `new`."""

    name: str
    what: str
    file: str
    old: str
    new: str

    def apply(self, root: Path) -> None:
        """Take the guard out of a tree; ValueError if the text is not there once."""
        path = root / self.file
        text = path.read_text()
        if text.count(self.old) != 1:
            raise ValueError(f"{self.name}: stands {text.count(self.old)} times in {self.file}")
        path.write_text(text.replace(self.old, self.new))


def mutants() -> list[Mutant]:
    """All of the table."""
    return [Mutant(**entry) for entry in tomllib.loads(TABLE.read_text())["mutant"]]


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


def layer_fails(layer: str) -> bool:
    """Do the tests of a layer find something in the copy?"""
    where, expression = LAYERS[layer]
    command = [sys.executable, "-m", "pytest", "-q", "-x", where, "-k", expression]
    command += ["-m", "not long", "--board", BOARD]
    env = {**os.environ, "PYTHONPATH": str(COPY / "tools")}
    try:
        done = subprocess.run(
            command,
            cwd=COPY,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return True
    (COPY / "build" / f"last-{layer}.log").write_text(done.stdout)
    if " error: " in done.stdout:
        raise ValueError(f"it does not compile, see {COPY}/build/last-{layer}.log")
    return done.returncode != 0


def try_mutant(mutant: Mutant | None, layers: list[str], all_layers: bool) -> list[str]:
    """The layers that miss a guard: the first one, or all of them. None: nothing is taken out."""
    copy_tree()
    if mutant is not None:
        mutant.apply(COPY)
    caught: list[str] = []
    for layer in layers:
        if layer_fails(layer):
            caught.append(layer)
        if caught and not all_layers:
            break
    return caught


def main() -> int:
    """Try them; a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these mutants")
    parser.add_argument("--layers", nargs="+", choices=LAYERS, default=list(LAYERS))
    parser.add_argument("--all", action="store_true", help="go on after the first that catches")
    args = parser.parse_args()
    unchanged = ", ".join(try_mutant(None, args.layers, False)) or "passes"
    print(f"{'(none)':14} {unchanged}", flush=True)
    survived = 0
    for mutant in mutants():
        if args.only and mutant.name not in args.only:
            continue
        start = time.monotonic()
        caught = try_mutant(mutant, args.layers, args.all)
        survived += not caught
        seconds = time.monotonic() - start
        verdict = ", ".join(caught) or "SURVIVES"
        print(f"{mutant.name:14} {verdict:28} {seconds:4.0f} s  {mutant.what}", flush=True)
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
