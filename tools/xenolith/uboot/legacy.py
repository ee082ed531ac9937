# SPDX-License-Identifier: Apache-2.0
"""U-Boot's legacy image format, for boot scripts and for a hypervisor that `bootm` starts.

A header of 64 bytes, big-endian, then for a script: the length of its text, a zero that ends the
list of lengths, and the text. Source: U-Boot, include/image.h and doc/usage/cmd/source.rst; the
bytes are those that `mkimage -T script -C none` writes.
"""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass

from xenolith.errors import UserError

MAGIC = 0x27051956
HEADER = struct.Struct(">7I4B32s")
LENGTHS = struct.Struct(">II")
OS_LINUX = 5
TYPE_KERNEL = 2
TYPE_SCRIPT = 6
COMPRESSION_NONE = 0
ARCHES = {"arm64": 22, "riscv": 26}
"""ih_arch by the port's name."""
NAME_SIZE = 32
MAX_SCRIPT = 1 << 20
"""Bytes of text; no board of ours has room for more at its script address."""


@dataclass(frozen=True)
class Script:
    """What an image holds. `load` is where it wants to be loaded; `source` does not look at it."""

    text: str
    arch: str
    load: int = 0
    name: str = ""
    time: int = 0


def now() -> int:
    """Seconds for ih_time: SOURCE_DATE_EPOCH, or 0, so that builds repeat. Raises UserError."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "0")
    if not text.isdecimal() or int(text) >= 1 << 32:
        raise UserError(f"SOURCE_DATE_EPOCH={text!r} is no number of seconds", 2)
    return int(text)


def pack(script: Script) -> bytes:
    """The image. Raises UserError for what the format cannot hold."""
    data = script.text.encode()
    name = script.name.encode()
    problems = {
        "the script is empty": not data,
        f"the script is longer than {MAX_SCRIPT >> 20} MiB": len(data) > MAX_SCRIPT,
        "the script has a NUL character, which U-Boot takes for its end": b"\0" in data,
        f"the name is longer than {NAME_SIZE} bytes": len(name) > NAME_SIZE,
        f"the load address {script.load:#x} does not fit in 32 bits": not 0
        <= script.load
        < 1 << 32,
        f"there is no U-Boot architecture for {script.arch!r}": script.arch not in ARCHES,
    }
    for text, wrong in problems.items():
        if wrong:
            raise UserError(f"U-Boot script: {text}")
    body = LENGTHS.pack(len(data), 0) + data
    return _image(TYPE_SCRIPT, body, script)


def pack_kernel(data: bytes, arch: str, load: int, name: str, time: int = 0) -> bytes:
    """A kernel as `bootm` wants it; it is moved to `load` and started there. Raises UserError."""
    if not 0 <= load < 1 << 32:
        raise UserError(f"{name}: the load address {load:#x} does not fit in bootm's 32 bits", 2)
    return _image(TYPE_KERNEL, data, Script("", arch, load, name[:NAME_SIZE], time))


def _image(kind: int, body: bytes, of: Script) -> bytes:
    """Header and body; the text of `of` does not matter."""

    def header(checksum: int) -> bytes:
        numbers = (of.time, len(body), of.load, of.load, zlib.crc32(body))
        kinds = (OS_LINUX, ARCHES[of.arch], kind, COMPRESSION_NONE)
        return HEADER.pack(MAGIC, checksum, *numbers, *kinds, of.name.encode())

    return header(zlib.crc32(header(0))) + body


def unpack(image: bytes) -> Script:
    """The script in an image, checked as U-Boot checks it. Raises UserError."""
    if len(image) < HEADER.size + LENGTHS.size:
        raise _bad(f"{len(image)} bytes are too few")
    magic, checksum, seconds, size, load, _, data_sum, _, arch, kind, _, name = HEADER.unpack_from(
        image
    )
    body = image[HEADER.size : HEADER.size + size]
    head = image[:4] + bytes(4) + image[8 : HEADER.size]
    names = {number: port for port, number in ARCHES.items()}
    if magic != MAGIC:
        raise _bad(f"wrong magic number {magic:#010x}; the text itself is no image")
    if zlib.crc32(head) != checksum:
        raise _bad("its header is damaged")
    if len(body) != size or zlib.crc32(body) != data_sum:
        raise _bad("it is truncated or damaged")
    if kind != TYPE_SCRIPT:
        raise _bad(f"it holds type {kind}, not a script")
    if arch not in names:
        raise _bad(f"it is for architecture {arch}")
    length, end = LENGTHS.unpack_from(body)
    text = body[LENGTHS.size : LENGTHS.size + length]
    if end != 0 or len(text) != length:
        raise _bad("it does not hold one script")
    title = name.rstrip(b"\0").decode("ascii", "replace")
    return Script(text.decode(errors="replace"), names[arch], load, title, seconds)


def _bad(why: str) -> UserError:
    return UserError(f"no U-Boot script image: {why}")
