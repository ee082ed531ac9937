# SPDX-License-Identifier: Apache-2.0
"""Where downloads and derived files live: outside build/, safe to delete, never half-written."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from xenolith.errors import UserError

CHUNK = 1 << 20


def cache_dir(*parts: str) -> Path:
    """The cache directory (or a directory below it), created.

    XENOLITH_CACHE names it; else $XDG_CACHE_HOME/xenolith; else ~/.cache/xenolith.
    """
    override = os.environ.get("XENOLITH_CACHE")
    xdg = os.environ.get("XDG_CACHE_HOME")
    base = Path(override) if override else (Path(xdg) if xdg else _home_cache()) / "xenolith"
    path = base.joinpath(*parts).absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise UserError(f"cannot create {path}: {e.strerror}; set XENOLITH_CACHE") from e
    return path


def _home_cache() -> Path:
    try:
        return Path.home() / ".cache"
    except RuntimeError as e:
        raise UserError("no home directory for the cache; set XENOLITH_CACHE") from e


def require_space(directory: Path, size: int, remedy: str = "set XENOLITH_CACHE") -> None:
    """Raise UserError unless `size` bytes (and a small reserve) are free in `directory`."""
    need = size + (16 << 20)
    if shutil.disk_usage(directory).free < need:
        raise disk_full(directory, need, remedy)


def disk_full(directory: Path, need: int, remedy: str = "set XENOLITH_CACHE") -> UserError:
    """The error for a full disk; `need` is in bytes."""
    megabytes = -(-need // 1_000_000)
    return UserError(f"disk full: need {megabytes} MB in {directory}; {remedy}")


def write_atomic(path: Path, data: bytes) -> Path:
    """Write a file so that it exists completely or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as e:
        temporary.unlink(missing_ok=True)
        if e.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(path.parent, len(data)) from e
        raise UserError(f"cannot write {path}: {e.strerror}") from e
    return path


def sha256(path: Path) -> str:
    """SHA-256 of a file as hexadecimal text."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def digest(*parts: bytes | str) -> str:
    """A short name for a set of inputs: 16 hexadecimal digits."""
    h = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        h.update(len(data).to_bytes(8, "little") + data)
    return h.hexdigest()[:16]


@contextmanager
def locked(directory: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[int]:
    """Keep other processes of this tool out of `directory`; waits for them, after `waiting()`.

    Gives the descriptor that holds the lock: a child that inherits it holds it too.
    """
    path = directory / ".lock"
    try:
        f = path.open("w")
    except OSError as e:
        raise UserError(f"{path}: {e.strerror}; set XENOLITH_CACHE to another folder") from e
    with f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(f, fcntl.LOCK_EX)
        yield f.fileno()
