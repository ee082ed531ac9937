# SPDX-License-Identifier: Apache-2.0
"""The model checker CBMC: Debian's package of one release, unpacked in the cache, not installed.

Debian 12 has none and its C library is too old for Debian 13's, so the program brings its own C
library and is started through that one's dynamic linker: the same on every release, without root.
"""

from __future__ import annotations

import json
import os
import platform
import select
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xenolith.dom0 import cache, debian
from xenolith.errors import UserError

SUITE = "trixie"
PACKAGES = ("cbmc", "minisat", "libc6", "libgcc-s1", "libstdc++6", "zlib1g")
MACHINES = {"x86_64": ("amd64", "x86_64-linux-gnu"), "aarch64": ("arm64", "aarch64-linux-gnu")}
"""The machine that checks: Debian's name of its architecture, and its folder of libraries."""

COMMON = (
    "--gcc --c11 --drop-unused-functions --unwinding-assertions --pointer-overflow-check --json-ui"
).split()
"""Besides what CBMC 6 checks by itself: bounds, pointers, signed overflow, shifts, division."""


@dataclass(frozen=True)
class Property:
    """One claim about the program, and whether it holds."""

    text: str
    where: str
    holds: bool


@dataclass(frozen=True)
class Outcome:
    """What CBMC said. `seconds` of CPU, most `memory` in bytes; `error` if it gave no answer."""

    properties: tuple[Property, ...]
    seconds: float
    memory: int
    error: str = ""


def command() -> list[str]:
    """The words that start CBMC here; unpacks it the first time. Raises UserError."""
    try:
        arch, triple = MACHINES[platform.machine()]
    except KeyError:
        known = ", ".join(MACHINES)
        raise UserError(f"no CBMC for {platform.machine()}: run this on one of {known}") from None
    debs = debian.download(PACKAGES, SUITE, arch)
    home = cache.cache_dir("cbmc", f"{arch}-{cache.digest(*(deb.name for deb in debs))}")
    with cache.locked(home):
        if not (home / "complete").exists():
            for deb in debs:
                debian.unpack(deb, home, lambda path: path.startswith(("usr/bin/cbmc", "usr/lib")))
            (home / "complete").touch()
    libraries = home / "usr/lib" / triple
    linker = next(iter(sorted(libraries.glob("ld-linux-*.so.*"))), None)
    if linker is None:
        raise UserError(f"{home} has no dynamic linker: delete it and try again")
    folders = f"{libraries}:{home / 'usr/lib'}"
    return [str(linker), "--library-path", folders, str(home / "usr/bin/cbmc")]


def run(words: list[str], tree: Path, limit: float) -> Outcome:
    """Check one function of the sources in `tree`; at most `limit` seconds of this clock."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        with subprocess.Popen([*words, *COMMON], cwd=tree, stdout=out, stderr=errors) as child:
            late = not _wait(child, limit)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        used, memory = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
        out.seek(0)
        errors.seek(0)
        if late:
            return Outcome((), used, memory, f"no answer in {limit:.0f} s")
        said = errors.read().decode(errors="replace").strip()
        return _parse(out.read().decode(errors="replace"), said, used, memory)


def _wait(child: subprocess.Popen[bytes], limit: float) -> bool:
    """True once it has ended; if it does not within the limit it is killed. Leaves the zombie."""
    process = os.pidfd_open(child.pid)
    try:
        if select.select([process], [], [], limit)[0]:
            return True
    finally:
        os.close(process)
    child.kill()
    return False


def _parse(text: str, said: str, seconds: float, memory: int) -> Outcome:
    try:
        parts = json.loads(text)
    except ValueError:
        last = (said or text.strip() or "it said nothing").splitlines()[-1]
        return Outcome((), seconds, memory, f"CBMC failed: {last}")
    try:
        found = [prop for part in parts for prop in _properties(part)]
    except (AttributeError, KeyError, TypeError) as e:
        raise UserError(
            f"CBMC's JSON has another form than that of {SUITE}'s: {type(e).__name__}: {e}; "
            "tools/xenolith/prove/cbmc.py reads it"
        ) from e
    errors = [part.get("messageText", "") for part in parts if part.get("messageType") == "ERROR"]
    if any("cProverStatus" in part for part in parts):
        return Outcome(tuple(found), seconds, memory)
    problem = f"CBMC: {' '.join(errors[0].split())}" if errors else "CBMC came to no end"
    return Outcome((), seconds, memory, problem)


def _properties(part: dict[str, Any]) -> Iterator[Property]:
    """All claims, or (with --stop-on-fail) the one that ends a counterexample."""
    for item in part.get("result", []):
        yield Property(item["description"], _where(item), item["status"] == "SUCCESS")
    for step in part.get("trace", []):
        if step["stepType"] == "failure":
            yield Property(step["reason"], _where(step), False)


def _where(item: dict[str, Any]) -> str:
    place = item.get("sourceLocation", {})
    return f"{place.get('file', '?')}:{place.get('line', '?')}"
