# SPDX-License-Identifier: Apache-2.0
"""Flat images from ELF files, and what an ELF file occupies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile

from xenolith.errors import UserError

MAX_FLAT = 16 << 20
"""A flat image larger than this has its sections at unrelated addresses."""


def flatten(elf: Path) -> bytes:
    """The bytes of all loaded segments at their distance from the first; UserError on overlap."""
    with elf.open("rb") as file:
        segments = sorted(
            (s["p_paddr"], s.data())
            for s in ELFFile(file).iter_segments("PT_LOAD")
            if s["p_filesz"] > 0
        )
    if not segments:
        raise UserError(f"{elf.name}: nothing to load; does the linker script have an entry?")
    base = segments[0][0]
    image = bytearray()
    for address, data in segments:
        offset = address - base
        if offset < len(image) or offset + len(data) > MAX_FLAT:
            raise UserError(f"{elf.name}: a segment at {address:#x} overlaps or is far away")
        image += bytes(offset - len(image)) + data
    return bytes(image)


@dataclass(frozen=True)
class Sizes:
    """Bytes of an image: `flat` is the file to load, the rest are what it holds in memory."""

    flat: int
    text: int
    rodata: int
    data: int
    bss: int

    def line(self) -> str:
        """For people."""
        return (
            f"image {self.flat} bytes: text {self.text}, rodata {self.rodata}, "
            f"data {self.data}; bss {self.bss}"
        )


SHF_WRITE, SHF_ALLOC, SHF_EXEC = 1, 2, 4


def kind_of(flags: int, section_type: str) -> str:
    """Which of the four parts a section belongs to; empty if it is not loaded."""
    if not flags & SHF_ALLOC:
        return ""
    if section_type == "SHT_NOBITS":
        return "bss"
    if flags & SHF_EXEC:
        return "text"
    return "data" if flags & SHF_WRITE else "rodata"


def sizes(elf: Path) -> Sizes:
    """What an ELF file's sections add up to."""
    total = {"text": 0, "rodata": 0, "data": 0, "bss": 0}
    with elf.open("rb") as file:
        for section in ELFFile(file).iter_sections():
            kind = kind_of(section["sh_flags"], section["sh_type"])
            if kind:
                total[kind] += section["sh_size"]
    return Sizes(flat=len(flatten(elf)), **total)
