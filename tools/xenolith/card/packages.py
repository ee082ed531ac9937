# SPDX-License-Identifier: Apache-2.0
"""Which packages make a root file system, in which order they are installed, and their files.

apt itself is asked what it would do on a machine that has nothing yet.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xenolith.dom0 import apt, cache, debian
from xenolith.errors import UserError

ESSENTIAL = ("?essential", "?priority(required)")
NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")


@dataclass(frozen=True)
class Package:
    """A package and its file on this machine; `essential`: everything else relies on it."""

    name: str
    deb: Path
    essential: bool


def parse_names(text: str) -> tuple[str, ...]:
    """The argument of --packages: names, commas between. Raises UserError."""
    names = tuple(sorted({name.strip() for name in text.split(",")} - {""}))
    for name in names:
        if not NAME.fullmatch(name):
            raise UserError(f"--packages: {name!r} is no name of a Debian package", 2)
    return names


def solve(names: Sequence[str], suite: str, arch: str) -> list[Package]:
    """`names` with all they depend on, in the order in which apt installs them; downloaded.

    What was chosen is remembered while the files are in the cache. Raises UserError.
    """
    base = apt.directory(suite, (arch,))
    memory = base / f"solved-{cache.digest(json.dumps(sorted(names)))}.json"
    known = _remembered(memory)
    if known:
        return known
    apt.configure(suite, (arch,))
    apt.refresh(base, suite)
    essential = set(_order(base, ESSENTIAL, suite, arch))
    order = _order(base, [*ESSENTIAL, *names], suite, arch)
    debs = {deb.name.split("_")[0]: deb for deb in debian.download(order, suite, arch)}
    found = [Package(name, debs[name], name in essential) for name in order]
    rows = [[p.name, str(p.deb), p.essential] for p in found]
    cache.write_atomic(memory, json.dumps(rows, indent=1).encode())
    return found


def _remembered(memory: Path) -> list[Package]:
    try:
        rows = json.loads(memory.read_text())
        found = [Package(str(name), Path(deb), bool(first)) for name, deb, first in rows]
    except (OSError, ValueError, TypeError):
        return []
    return found if all(p.deb.is_file() for p in found) else []


def _order(base: Path, names: Sequence[str], suite: str, arch: str) -> list[str]:
    """What apt would install, one name after the other."""
    command = ["apt-get", *apt.options(base), "--simulate", "--yes", "--no-install-recommends"]
    done = apt.run([*command, "install", *names])
    if done.returncode != 0:
        missing = re.search(r"Unable to locate package (\S+)", done.stderr)
        if missing:
            raise UserError(f"{suite} has no package {missing[1]} for {arch}; check --packages", 2)
        raise UserError(f"{suite} for {arch}: {_conflict(done.stdout) or apt.reason(done)}")
    return re.findall(r"^Inst (\S+) ", done.stdout, re.MULTILINE)


def _conflict(said: str) -> str:
    """The first of apt's lines about what cannot be together."""
    lines = re.findall(r"^ (\S+ : .*)$", said, re.MULTILINE)
    return f"these packages do not go together: {lines[0]}" if lines else ""
