# SPDX-License-Identifier: Apache-2.0
"""Names in FAT folders: the short one every entry has, and the entries of a long one."""

from __future__ import annotations

import re
import struct

from xenolith.errors import UserError

LONG = struct.Struct("<B10sBBB12sH4s")
PER_ENTRY = 13
LONG_KIND = 0x0F
LAST = 0x40
SHORT = re.compile(r"([A-Z0-9!#$%&'()@^_`{}~-]{1,8})(?:\.([A-Z0-9!#$%&'()@^_`{}~-]{1,3}))?")
FORBIDDEN = re.compile(r'[\x00-\x1f"*/:<>?\\|]|[. ]\Z')


def short_name(name: str, taken: set[bytes]) -> bytes:
    """Eleven bytes that no other name of the folder has. Raises UserError for an unusable name."""
    if not 0 < len(name) <= 255 or FORBIDDEN.search(name) or not name.isascii():
        raise UserError(f"a file on a FAT partition cannot be called {name!r}", 2)
    # As Linux does it: the firmware's first stage may look at short names only.
    whole = SHORT.fullmatch(name.upper())
    if whole and _eleven(whole[1], whole[2] or "") not in taken:
        return _eleven(whole[1], whole[2] or "")
    stem, _, extension = name.upper().rpartition(".") if "." in name else (name.upper(), "", "")
    stem, extension = (re.sub(r"[^A-Z0-9_-]", "", part) for part in (stem, extension))
    for number in range(1, 1 << 20):
        tail = f"~{number}"
        found = _eleven(stem[: 8 - len(tail)] + tail, extension[:3])
        if found not in taken:
            return found
    raise UserError(f"too many names like {name!r} in one folder")


def _eleven(stem: str, extension: str) -> bytes:
    return stem.ljust(8).encode("ascii") + extension.ljust(3).encode("ascii")


def long_entries(name: str, short: bytes) -> list[bytes]:
    """The entries before the short one, last part of the name first; none for a short name."""
    if SHORT.fullmatch(name):
        return []
    units = name.encode("utf-16-le") + b"\0\0"
    if len(name) % PER_ENTRY == 0:
        units = units[:-2]
    parts = [units[at : at + 2 * PER_ENTRY] for at in range(0, len(units), 2 * PER_ENTRY)]
    checksum = 0
    for byte in short:
        checksum = ((checksum & 1) << 7 | checksum >> 1) + byte & 0xFF
    found = []
    for number, part in enumerate(parts, start=1):
        full = part.ljust(2 * PER_ENTRY, b"\xff")
        order = number | (LAST if number == len(parts) else 0)
        fields = (order, full[:10], LONG_KIND, 0, checksum, full[10:22], 0, full[22:])
        found.append(LONG.pack(*fields))
    return found[::-1]
