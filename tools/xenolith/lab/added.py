# SPDX-License-Identifier: Apache-2.0
"""Files of this machine that a run puts into dom0's file system: --add FILE[:PATH].

They go in with the archive behind dom0's initramfs, so they are in memory: as a part of the archive
until Linux has unpacked it, and as files.
"""

from __future__ import annotations

import stat
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from xenolith.dom0 import cpio
from xenolith.errors import UserError
from xenolith.system.placement import MIB

HOME = PurePosixPath("/root")
HIDDEN = ("dev", "proc", "run", "sys", "xenolith")
"""Folders that dom0 mounts over, and its own."""
LARGEST = (1 << 32) - 1
"""Bytes of a file: cpio has eight hexadecimal digits for it."""
LINKS = 16
"""Symbolic links followed on the way to one file."""


@dataclass(frozen=True)
class Added:
    """A file or folder. `target`: its path in dom0, absolute."""

    source: Path
    target: PurePosixPath
    size: int
    """Bytes of all files in it."""


def parse(text: str) -> Added:
    """The value of --add. Raises UserError for what cannot be read, or put there."""
    source, target = Path(text), ""
    if not source.exists() and ":" in text:
        name, _, target = text.rpartition(":")
        source = Path(name)
        if not target.startswith("/"):
            raise UserError(f"--add {text}: {target!r} is no path in dom0; begin it with /", 2)
    if not source.exists():
        raise UserError(f"--add {text}: {source} does not exist; write FILE, or FILE:PATH", 2)
    name = source.resolve().name
    if not name:
        raise UserError(f"--add {text}: all of this machine is too much; name a file or folder", 2)
    path = PurePosixPath(target) if target else HOME / name
    if target.endswith("/"):
        path /= name
    _check_target(text, path)
    return Added(source, path, sum(size for _, _, size in _walk(source)))


def _check_target(text: str, path: PurePosixPath) -> None:
    if ".." in path.parts or len(path.parts) < 2 or "\0" in str(path):
        raise UserError(f"--add {text}: {path} is no place for it; write a path without '..'", 2)
    if path.parts[1] in HIDDEN:
        raise UserError(f"--add {text}: dom0 has its own /{path.parts[1]}; choose another path", 2)


def _walk(source: Path) -> Iterator[tuple[Path, int, int]]:
    """(file or folder, mode, size) of all in it, itself first. Raises UserError.

    A link that is named is followed, one that is found stays a link.
    """
    waiting = [source.resolve()]
    while waiting:
        path = waiting.pop()
        try:
            found = path.lstat()
            if stat.S_ISDIR(found.st_mode):
                waiting += sorted(path.iterdir(), reverse=True)
        except OSError as e:
            raise UserError(f"--add {source}: {path}: {e.strerror}", 2) from e
        if not (stat.S_ISDIR(found.st_mode) or stat.S_ISLNK(found.st_mode)):
            if not stat.S_ISREG(found.st_mode):
                raise UserError(f"--add {source}: {path} is no file, folder or link; leave it", 2)
            if found.st_size > LARGEST:
                raise UserError(f"--add {source}: {path} is 4 GiB or more; use --disk", 2)
        yield path, found.st_mode, found.st_size if stat.S_ISREG(found.st_mode) else 0


def check_room(total: int, dom0_memory: int) -> None:
    """Refuse files that dom0's memory cannot hold twice; both in bytes. Raises UserError."""
    if 2 * total > dom0_memory - 128 * MIB:
        raise UserError(
            f"--add, --guest: {-(-total // MIB)} MiB are too much for the {dom0_memory // MIB} MiB "
            "of dom0, which has them twice while it boots; use --disk or --share, or more dom0_mem",
            2,
        )


def links(initramfs: bytes) -> dict[str, str]:
    """The symbolic links of its first archive, target by path; none if it cannot be read here.

    Others may follow it, as the one of dom0's guests does.
    """
    first = initramfs
    try:
        if first.startswith(b"\x1f\x8b"):
            first = zlib.decompressobj(wbits=31).decompress(first)
        entries = cpio.unpack(first)
    except (ValueError, zlib.error):
        return {}
    return {e.path: e.data.decode() for e in entries if stat.S_ISLNK(e.mode)}


def entries(every: Sequence[Added], known: Mapping[str, str]) -> list[cpio.Entry]:
    """What goes into the archive. `known`: the links of the initramfs before it.

    Linux would replace a link by the folder of that name that the archive has. Raises UserError.
    """
    found: dict[str, cpio.Entry] = {}
    for added in every:
        top = added.source.resolve()
        for path, mode, _ in _walk(added.source):
            place = added.target / path.relative_to(top)
            inside = _followed(place, known, folder=stat.S_ISDIR(mode))
            entry = _entry(inside, path, mode)
            if inside in found and not stat.S_ISDIR(found[inside].mode & entry.mode):
                raise UserError(f"--add: two files are to be /{inside} in dom0; leave one out", 2)
            found[inside] = entry
    return list(found.values())


def _followed(path: PurePosixPath, known: Mapping[str, str], *, folder: bool) -> str:
    """The path without links to folders, relative to the root."""
    parts = path.parts[1:]
    for _ in range(LINKS):
        for count in range(1, len(parts) + folder):
            link = known.get("/".join(parts[:count]))
            if link is not None:
                target = PurePosixPath("/", *parts[: count - 1], link).parts[1:]
                parts = (*target, *parts[count:])
                break
        else:
            break
    return "/".join(parts)


def _entry(inside: str, path: Path, mode: int) -> cpio.Entry:
    if stat.S_ISDIR(mode):
        return cpio.directory(inside, mode & 0o7777)
    try:
        if stat.S_ISLNK(mode):
            return cpio.link(inside, str(path.readlink()))
        return cpio.file(inside, path.read_bytes(), mode & 0o7777)
    except OSError as e:
        raise UserError(f"--add {path}: {e.strerror}") from e
