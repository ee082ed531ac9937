# SPDX-License-Identifier: Apache-2.0
"""Recognises kernel images before anything is booted with them."""

from __future__ import annotations

import contextlib
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from xenolith.errors import UserError

HEADER_SIZE = 64
MAGICS = {b"ARM\x64": "arm64", b"RSC\x05": "riscv"}
"""Word at offset 56 to the name of the port.

Linux, Documentation/arch/arm64/booting.rst and Documentation/arch/riscv/boot-image-header.rst.
"""
MACHINES = {183: "arm64", 243: "riscv"}
"""e_machine of an ELF file [ELF gABI 4.1]."""
ANYWHERE = 1 << 3
"""Flag of an arm64 image; RISC-V has none: U-Boot moves every image there."""
MAX_IMAGE = 1 << 30
XEN_GUEST = b"xen,xen"
"""The compatible string by which a Linux with CONFIG_XEN finds out that it runs on Xen."""


@dataclass(frozen=True)
class Image:
    """What the header of a kernel image says; sizes and offsets in bytes."""

    arch: str
    text_offset: int
    memory_size: int
    """Memory the image occupies once started, with bss."""
    file_size: int
    """Size of the image in memory before it is started: of the file, or unpacked."""
    packed_size: int | None = None
    """Size of the gzip file; None if not compressed."""

    anywhere: bool = True
    """False if it runs at `text_offset` from the start of RAM only, where booti moves it."""
    xen: bool = True
    """False if it cannot be a guest that knows Xen; for Linux: CONFIG_XEN is off."""

    @property
    def module_size(self) -> int:
        """Size of the file as it is loaded."""
        return self.file_size if self.packed_size is None else self.packed_size


def read(path: Path, arch: str, *, what: str = "kernel", gzip: bool = True) -> Image:
    """The header of a kernel file for `arch` (the port's name). Raises UserError saying what to do.

    `gzip`: a compressed image will do.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as e:
        raise UserError(f"{what} {path} does not exist") from e
    except OSError as e:
        raise UserError(f"{what} {path}: {e.strerror}") from e
    return parse(data, arch, f"{what} {path}", gzip=gzip)


def parse(data: bytes, arch: str, label: str, *, gzip: bool = True) -> Image:
    """The same for data; `label` names it in messages."""
    packed = None
    if data[:2] == b"\x1f\x8b" and gzip:
        packed = len(data)
        data = _gunzip(data, label)
    if len(data) < HEADER_SIZE:
        raise UserError(f"{label} is truncated: {len(data)} bytes are less than a header")
    text_offset, image_size, flags = struct.unpack_from("<QQQ", data, 8)
    found = MAGICS.get(data[56:60])
    if found is None:
        kind = "an ELF file" if data[:4] == b"\x7fELF" else f"starting with {data[:4].hex()}"
        raise UserError(f"{label} is no {arch} Image ({kind}); use the flat Image or a gzip of it")
    if found != arch:
        raise UserError(f"{label} is for {found}, the board is {arch}")
    if image_size > MAX_IMAGE or text_offset > MAX_IMAGE:
        raise UserError(f"{label}: its header claims {image_size} bytes; the file is damaged")
    _check_length(data, image_size, label)
    knows_xen = b"Linux version" not in data or XEN_GUEST in data
    size = max(image_size, len(data))
    anywhere = found == "arm64" and bool(flags & ANYWHERE)
    return Image(arch, text_offset, size, len(data), packed, anywhere, knows_xen)


def architecture(path: Path) -> str:
    """The port for which a file is a kernel, by its header; empty if it does not say.

    Raises OSError.
    """
    with path.open("rb") as f:
        data = f.read(1 << 16)
    if data[:2] == b"\x1f\x8b":
        with contextlib.suppress(zlib.error):
            data = zlib.decompressobj(wbits=31).decompress(data, HEADER_SIZE)
    if data[:5] == b"\x7fELF\2":
        return MACHINES.get(int.from_bytes(data[18:20], "little"), "another machine")
    return MAGICS.get(data[56:60], "")


def _check_length(data: bytes, image_size: int, label: str) -> None:
    """Tell a truncated file by the PE header's section table, which Linux images carry."""
    pe = struct.unpack_from("<I", data, 60)[0]
    if data[:2] != b"MZ" or pe + 24 > len(data) or data[pe : pe + 4] != b"PE\0\0":
        return
    sections, optional = struct.unpack_from("<H12xH", data, pe + 6)
    table = pe + 24 + optional
    for number in range(sections):
        at = table + 40 * number
        if at + 40 > len(data):
            break
        size, offset = struct.unpack_from("<II", data, at + 16)
        if offset + size > len(data) and offset + size <= max(image_size, MAX_IMAGE):
            raise UserError(
                f"{label} is truncated: {len(data)} bytes, its header tells of {offset + size}"
            )


def _gunzip(data: bytes, label: str) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        out = unpacker.decompress(data, MAX_IMAGE)
    except zlib.error as e:
        raise UserError(f"{label} is a damaged gzip file: {e}") from e
    if not unpacker.eof:
        raise UserError(f"{label} is a truncated gzip file, or unpacks to more than 1 GiB")
    return out
