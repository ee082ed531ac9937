# SPDX-License-Identifier: Apache-2.0
"""Writes a FAT32 file system: pure functions, the same bytes every time.

Format: Microsoft's FAT32 File System Specification 1.03. Every file is in one piece, in the order
of names; each name that is not short and in capitals has a long one, which all readers know.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from xenolith.card.names import long_entries, short_name
from xenolith.errors import UserError

SECTOR = 512
RESERVED = 32
"""Sectors before the first table: boot sector, its copy, free-space information."""
BACKUP, INFO = 6, 1
LEAST = 65525
"""Clusters; with fewer the file system would be taken for FAT16."""
MOST = 0x0FFF_FFF5
END = 0x0FFF_FFFF
MEDIA = 0xF8
ROOT = 2
DIRECTORY, ARCHIVE, LABEL = 0x10, 0x20, 0x08
ENTRY = struct.Struct("<11sBBBHHHHHHHI")
BOOT = struct.Struct("<3s8sHBHBHHBHHHIIIHHIHH12sBBBI11s8s")
SMALLEST = (LEAST + 2) * SECTOR + 2 * 4 * LEAST + RESERVED * SECTOR + (1 << 16)
"""Bytes; below there is no FAT32."""

Pieces = list[tuple[int, bytes]]
"""What is not zero: offset in bytes, content."""


@dataclass(frozen=True)
class Format:
    """`size` in bytes; `serial`: 32 bits; `seconds`: the date of all files, UTC."""

    size: int
    label: str
    serial: int
    seconds: int


@dataclass
class _Folder:
    files: dict[str, bytes] = field(default_factory=dict)
    folders: dict[str, _Folder] = field(default_factory=dict)
    cluster: int = 0
    places: dict[str, int] = field(default_factory=dict)
    """First cluster of each file."""


@dataclass(frozen=True)
class _Geometry:
    per_cluster: int
    """Sectors."""
    table: int
    """Sectors of one table."""
    clusters: int

    @property
    def bytes_per_cluster(self) -> int:
        return self.per_cluster * SECTOR

    @property
    def data(self) -> int:
        """Offset of cluster 2, bytes."""
        return (RESERVED + 2 * self.table) * SECTOR


def pack(files: Mapping[str, bytes], form: Format) -> Pieces:
    """The file system that holds `files` by their paths. Raises UserError if they do not fit."""
    shape = _geometry(form.size)
    top = _folders(files)
    tables = [END & ~0xFF | MEDIA, END]
    pieces: Pieces = []
    _place(top, shape, tables, pieces)
    free = shape.clusters + 2 - len(tables)
    if free < 0:
        need = sum(map(len, files.values())) >> 20
        raise UserError(
            f"the boot partition of {form.size >> 20} MiB cannot hold {need} MiB of files", 2
        )
    _write_folders(top, top, form, shape, pieces)
    table = struct.pack(f"<{len(tables)}I", *tables)
    begin = RESERVED * SECTOR
    pieces += [(begin, table), (begin + shape.table * SECTOR, table)]
    boot, info = _boot_sector(form, shape), _info_sector(free, len(tables))
    for start in (0, BACKUP):
        pieces += [(start * SECTOR, boot), ((start + INFO) * SECTOR, info)]
    return sorted(pieces)


def _geometry(size: int) -> _Geometry:
    """The largest clusters that leave enough of them."""
    sectors = size // SECTOR
    for per_cluster in (64, 32, 16, 8, 4, 2, 1):
        # Each cluster takes its sectors and 4 bytes in each of two tables.
        clusters = (sectors - RESERVED) * SECTOR // (per_cluster * SECTOR + 8)
        table = -(-(clusters + 2) * 4 // SECTOR)
        clusters = min((sectors - RESERVED - 2 * table) // per_cluster, MOST)
        if clusters >= LEAST + 16:
            return _Geometry(per_cluster, table, clusters)
    raise UserError(
        f"a boot partition of {size >> 20} MiB is too small for FAT32; "
        f"at least {-(-SMALLEST >> 20)} MiB",
        2,
    )


def _folders(files: Mapping[str, bytes]) -> _Folder:
    top = _Folder()
    for path in sorted(files):
        *parents, name = PurePosixPath(path).parts
        at = top
        for parent in parents:
            at = at.folders.setdefault(parent, _Folder())
        at.files[name] = files[path]
    return top


def _place(folder: _Folder, shape: _Geometry, tables: list[int], pieces: Pieces) -> None:
    """Clusters for a folder, its files, then the folders in it."""
    # Each name has at most 21 entries, the folder itself two and the label one.
    names = [*folder.files, *folder.folders]
    length = sum(len(long_entries(name, b"")) + 1 for name in names) + 3
    folder.cluster = _chain(length * ENTRY.size, shape, tables)
    for name, data in folder.files.items():
        folder.places[name] = _chain(len(data), shape, tables) if data else 0
        if data:
            pieces.append((_offset(folder.places[name], shape), data))
    for inner in folder.folders.values():
        _place(inner, shape, tables, pieces)


def _chain(size: int, shape: _Geometry, tables: list[int]) -> int:
    """Clusters in one piece; the number of the first."""
    first = len(tables)
    count = -(-size // shape.bytes_per_cluster)
    tables += [*range(first + 1, first + count), END]
    return first


def _offset(cluster: int, shape: _Geometry) -> int:
    return shape.data + (cluster - ROOT) * shape.bytes_per_cluster


def _write_folders(
    folder: _Folder, parent: _Folder, form: Format, shape: _Geometry, pieces: Pieces
) -> None:
    entries = b""
    if folder is parent:
        entries += _entry(form.label.ljust(11).encode("ascii"), LABEL, 0, 0, form.seconds)
    else:
        above = 0 if parent.cluster == ROOT else parent.cluster
        entries += _entry(b".".ljust(11), DIRECTORY, folder.cluster, 0, form.seconds)
        entries += _entry(b"..".ljust(11), DIRECTORY, above, 0, form.seconds)
    taken: set[bytes] = set()
    for name, data in folder.files.items():
        long, short = _names(name, taken)
        entries += long + _entry(short, ARCHIVE, folder.places[name], len(data), form.seconds)
    for name, inner in folder.folders.items():
        long, short = _names(name, taken)
        entries += long + _entry(short, DIRECTORY, inner.cluster, 0, form.seconds)
        _write_folders(inner, folder, form, shape, pieces)
    pieces.append((_offset(folder.cluster, shape), entries))


def _names(name: str, taken: set[bytes]) -> tuple[bytes, bytes]:
    """The entries of a long name, and the short one, which is `taken` now."""
    short = short_name(name, taken)
    taken.add(short)
    return b"".join(long_entries(name, short)), short


def _entry(short: bytes, kind: int, cluster: int, size: int, seconds: int) -> bytes:
    t = time.gmtime(max(seconds, 315532800))  # there is nothing before 1980
    date = (min(t.tm_year, 2107) - 1980) << 9 | t.tm_mon << 5 | t.tm_mday
    clock = t.tm_hour << 11 | t.tm_min << 5 | t.tm_sec // 2
    high, low = divmod(cluster, 1 << 16)
    fields = (short, kind, 0, 0, clock, date, date, high, clock, date, low, size)
    return ENTRY.pack(*fields)


def _boot_sector(form: Format, shape: _Geometry) -> bytes:
    head = BOOT.pack(
        b"\xeb\x58\x90",
        b"MSWIN4.1",
        SECTOR,
        shape.per_cluster,
        RESERVED,
        2,
        0,
        0,
        MEDIA,
        0,
        32,
        64,
        0,
        form.size // SECTOR,
        shape.table,
        0,
        0,
        ROOT,
        INFO,
        BACKUP,
        bytes(12),
        0x80,
        0,
        0x29,
        form.serial,
        form.label.ljust(11).encode("ascii"),
        b"FAT32   ",
    )
    return head.ljust(510, b"\0") + b"\x55\xaa"


def _info_sector(free: int, following: int) -> bytes:
    middle = struct.pack("<III", 0x61417272, max(free, 0), following)
    return (b"RRaA" + bytes(480) + middle + bytes(12) + b"\x00\x00\x55\xaa").ljust(SECTOR, b"\0")
