# SPDX-License-Identifier: Apache-2.0
"""The partition table in a disk's first sector, written and read; pure functions.

Format: the classic one of PC BIOSes, as U-Boot (disk/part_dos.c), Linux (block/partitions/msdos.c)
and the Pi's firmware read it. Addresses as cylinder, head and sector are marked unusable: nobody
reads them any more.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from xenolith.errors import UserError

SECTOR = 512
SIGNATURE = b"\x55\xaa"
ENTRY = struct.Struct("<B3sB3sII")
TABLE = 446
IDENTIFIER = 440
FAT32 = 0x0C
LINUX = 0x83
NO_CHS = b"\xfe\xff\xff"


@dataclass(frozen=True)
class Partition:
    """`start` and `size` in bytes."""

    kind: int
    start: int
    size: int
    bootable: bool = False


def pack(partitions: Sequence[Partition], identifier: int) -> bytes:
    """The sector. `identifier`: 32 bits, the disk's name in PARTUUID. Raises UserError."""
    if len(partitions) > 4:
        raise UserError("a partition table of this kind has four entries")
    table = b""
    for part in partitions:
        if part.start % SECTOR or part.size % SECTOR:
            raise UserError("a partition begins and ends with a sector")
        first, count = part.start // SECTOR, part.size // SECTOR
        if first + count > 1 << 32:
            raise UserError("the image is larger than 2 TiB, which its partition table cannot say")
        flag = 0x80 if part.bootable else 0
        table += ENTRY.pack(flag, NO_CHS, part.kind, NO_CHS, first, count)
    head = bytes(IDENTIFIER) + struct.pack("<IH", identifier, 0)
    return head + table.ljust(64, b"\0") + SIGNATURE


def parse(sector: bytes) -> tuple[int, list[Partition]]:
    """Identifier and partitions. Raises UserError if it is no partition table."""
    if len(sector) < SECTOR or sector[510:512] != SIGNATURE:
        raise UserError("no partition table: it does not end with 55 aa")
    (identifier,) = struct.unpack_from("<I", sector, IDENTIFIER)
    found = []
    for number in range(4):
        flag, _, kind, _, first, count = ENTRY.unpack_from(sector, TABLE + number * ENTRY.size)
        if kind and count:
            found.append(Partition(kind, first * SECTOR, count * SECTOR, bool(flag & 0x80)))
    return identifier, found
