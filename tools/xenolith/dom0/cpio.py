# SPDX-License-Identifier: Apache-2.0
"""Writes initramfs archives (cpio "newc"): reproducible, device nodes without root rights.

Format: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
"""

from __future__ import annotations

import gzip
import stat
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

TRAILER = "TRAILER!!!"
MAGIC = b"070701"
HEADER = 110


@dataclass(frozen=True)
class Entry:
    """One file of an archive, owned by root, dated 1970.

    `mode` has type and permission bits; `data` is the content, or a link's target; `device` is
    (major, minor) of a device node.
    """

    path: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def directory(path: str, mode: int = 0o755) -> Entry:
    """A directory; its parents are added by `pack`."""
    return Entry(path, stat.S_IFDIR | mode)


def file(path: str, data: bytes, mode: int = 0o644) -> Entry:
    """A regular file."""
    return Entry(path, stat.S_IFREG | mode, data)


def link(path: str, target: str) -> Entry:
    """A symbolic link."""
    return Entry(path, stat.S_IFLNK | 0o777, target.encode())


def character_device(path: str, major: int, minor: int, mode: int = 0o600) -> Entry:
    """A character device node."""
    return Entry(path, stat.S_IFCHR | mode, device=(major, minor))


def pack(entries: Iterable[Entry]) -> bytes:
    """The archive of `entries`, sorted, parents first; ValueError for a path given twice."""
    table: dict[str, Entry] = {}
    for entry in entries:
        path = str(PurePosixPath(entry.path))
        if path.startswith(("/", "..")) or path in table:
            raise ValueError(f"cpio: bad or repeated path {entry.path!r}")
        table[path] = entry
    for path in list(table):
        for parent in PurePosixPath(path).parents:
            if str(parent) != "." and str(parent) not in table:
                table[str(parent)] = directory(str(parent))
    out = bytearray()
    for number, path in enumerate(sorted(table), start=1):
        out += _record(number, path, table[path])
    return bytes(out + _record(0, TRAILER, Entry(TRAILER, 0)))


def _record(inode: int, path: str, entry: Entry) -> bytes:
    name = path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    fields = (inode, entry.mode, 0, 0, links, 0, len(entry.data), 0, 0, *entry.device, len(name), 0)
    head = MAGIC + b"".join(b"%08x" % field for field in fields) + name
    return _padded(head) + _padded(entry.data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def compress(archive: bytes) -> bytes:
    """gzip without a time stamp, padded so that another archive may follow."""
    return _padded(gzip.compress(archive, compresslevel=6, mtime=0))


def unpack(data: bytes) -> list[Entry]:
    """The entries of an archive, perhaps with gzip. ValueError if it is damaged."""
    try:
        data = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    except (OSError, EOFError, zlib.error) as e:
        raise ValueError(f"cpio: {e}") from e
    found: list[Entry] = []
    at = 0
    while True:
        fields = _fields(data, at)
        mode, size, name_size = fields[1], fields[6], fields[11]
        begin = at + HEADER
        name = data[begin : begin + name_size - 1].decode(errors="surrogateescape")
        content = begin + name_size + -(begin + name_size) % 4
        at = content + size + -size % 4
        if name == TRAILER:
            return found
        if content + size > len(data):
            raise ValueError(f"cpio: {name} is cut off")
        found.append(Entry(name, mode, data[content : content + size], (fields[9], fields[10])))


def _fields(data: bytes, at: int) -> list[int]:
    head = data[at : at + HEADER]
    if len(head) < HEADER or not head.startswith(MAGIC):
        raise ValueError("cpio: no entry where one should be")
    return [int(head[i : i + 8], 16) for i in range(len(MAGIC), HEADER, 8)]
