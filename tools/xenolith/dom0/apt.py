# SPDX-License-Identifier: Apache-2.0
"""A private apt configuration: any Debian suite and architecture, as an ordinary user.

Owns the lists and archives below the cache; the machine's own apt state is never touched. apt
checks signatures and hashes, and the mirror is the one the machine already uses.
"""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from xenolith import progress
from xenolith.dom0 import cache, sources
from xenolith.errors import UserError

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
LISTS_AGE = 24 * 3600
"""Seconds after which package lists are fetched again before a download."""

CONFIG = """\
#clear APT::Update;
#clear APT::Architectures;
APT::Architecture "{first}";
APT::Architectures {{ {arches} }};
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::Etc::sourcelist "{base}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "{base}";
Dir::State::lists "{base}/lists";
Dir::State::status "{base}/status";
Dir::Cache "{base}/cache";
"""


def apt_config(suite: str, arches: tuple[str, ...]) -> list[str]:
    """Options for apt-get and apt-cache that see `suite` (main, non-free-firmware) for `arches`.

    For download, show and the like, never for install: this configuration knows nothing of what is
    installed. Runs `apt-get update` when the lists are missing or a day old; without a network
    older lists are used, with a warning. Raises UserError.
    """
    base = configure(suite, arches)
    refresh(base, suite)
    return options(base)


def directory(suite: str, arches: tuple[str, ...]) -> Path:
    """Where the configuration for `suite` and `arches` lives."""
    return cache.cache_dir("apt", f"{suite}-{'-'.join(arches)}")


def options(base: Path) -> list[str]:
    """The options that select the configuration in `base`."""
    return ["-c", str(base / "apt.conf")]


def archives(base: Path) -> Path:
    """Where the configuration in `base` keeps .deb files."""
    return base / "cache" / "archives"


def source_directory(suite: str) -> Path:
    """Where the configuration for source packages of `suite` lives."""
    return cache.cache_dir("apt", f"{suite}-source")


def configure(suite: str, arches: tuple[str, ...]) -> Path:
    """Write the configuration (no network); returns its directory. Raises UserError."""
    return _write(directory(suite, arches), "deb", suite, arches)


def configure_source(suite: str) -> Path:
    """The same for source packages, which have no architecture."""
    return _write(source_directory(suite), "deb-src", suite, ("amd64",))


def _write(base: Path, kind: str, suite: str, arches: tuple[str, ...]) -> Path:
    if not KEYRING.exists():
        raise UserError(f"{KEYRING} is missing; apt install debian-archive-keyring")
    with cache.locked(base):
        for part in ("lists/partial", "cache/archives/partial"):
            (base / part).mkdir(parents=True, exist_ok=True)
        line = f"{kind} [signed-by={KEYRING}] {sources.mirror()} {suite} main non-free-firmware\n"
        listed = base / "sources.list"
        if not listed.exists() or listed.read_text() != line:
            (base / "updated").unlink(missing_ok=True)
            cache.write_atomic(listed, line.encode())
        quoted = " ".join(f'"{arch}";' for arch in arches)
        text = CONFIG.format(first=arches[0], arches=quoted, base=base)
        cache.write_atomic(base / "apt.conf", text.encode())
        (base / "status").touch()
    return base


def refresh(base: Path, suite: str, *, force: bool = False) -> None:
    """Fetch the package lists unless they are fresh; old ones do when there is no network."""
    stamp = base / "updated"
    with cache.locked(base):
        known = stamp.exists()
        if known and not force and time.time() - stamp.stat().st_mtime < LISTS_AGE:
            return
        with progress.step(f"package lists of {suite}"):
            done = run(["apt-get", *options(base), "-q", "--error-on=any", "update"])
            if done.returncode != 0 and not known:
                raise UserError(f"cannot fetch package lists of {suite}: {reason(done)}")
        if done.returncode == 0:
            stamp.touch()
        else:
            progress.note(f"warning: using old package lists of {suite}: {reason(done)}")


def run(command: list[str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run an apt command, output captured, in English. Raises UserError if it is not there."""
    env = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", env=env, cwd=cwd, check=False
        )
    except FileNotFoundError as e:
        raise UserError(f"{command[0]} not found; run on Debian, or apt install apt dpkg") from e


def reason(done: subprocess.CompletedProcess[str]) -> str:
    """One line from what apt said, with what to do about it."""
    errors = [x[3:].strip() for x in done.stderr.splitlines() if x.startswith(("E: ", "W: "))]
    text = errors[0] if errors else f"{done.args[0]} failed with {done.returncode}"
    everything = done.stderr.lower()
    if "no space left" in everything:
        return "disk full; make room or set XENOLITH_CACHE to another directory"
    unreachable = ("could not resolve", "could not connect", "unreachable", "timed out")
    if any(word in everything for word in (*unreachable, "temporary failure", "cannot initiate")):
        return f"no network? ({text})"
    return text
