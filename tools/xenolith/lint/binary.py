# SPDX-License-Identifier: Apache-2.0
"""Properties of the linked image."""

from __future__ import annotations

import re
import struct
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from xenolith.build.image import Sizes

MAX_IMAGE = 256 << 10
MAX_CODE = 192 << 10
"""Bytes of text and rodata, with what every board of the port needs."""

PF_X, PF_W = 1, 2

ERET = 0xD69F03E0
# What may follow: dsb nsh + isb, or dsb sy + isb, or sb where the CPU has it.
STOPS = {(0xD503379F, 0xD5033FDF), (0xD5033F9F, 0xD5033FDF)}
SB = 0xD50330FF


def check_limits(sizes: Sizes) -> list[str]:
    """The image's size limits."""
    findings = []
    if sizes.flat > MAX_IMAGE:
        findings.append(f"image has {sizes.flat} bytes, at most {MAX_IMAGE}")
    if sizes.text + sizes.rodata > MAX_CODE:
        findings.append(
            f"text and rodata have {sizes.text + sizes.rodata} bytes, at most {MAX_CODE}"
        )
    return findings


def check_write_xor_execute(elf: Path) -> list[str]:
    """No segment and no section is both writable and executable."""
    findings = []
    with elf.open("rb") as file:
        parsed = ELFFile(file)
        for number, segment in enumerate(parsed.iter_segments("PT_LOAD")):
            if segment["p_flags"] & PF_X and segment["p_flags"] & PF_W:
                findings.append(f"{elf.name}: segment {number} is writable and executable")
        for section in parsed.iter_sections():
            if section["sh_flags"] & 1 and section["sh_flags"] & 4:
                findings.append(f"{elf.name}: section {section.name} is writable and executable")
    return findings


def check_erets(address: int, code: bytes) -> list[str]:
    """Every `eret` in AArch64 code at `address` is followed by a speculation barrier."""
    words = (*struct.unpack(f"<{len(code) // 4}I", code[: len(code) & ~3]), 0, 0)
    findings = []
    for index in range(len(words) - 2):
        after = words[index + 1 : index + 3]
        if words[index] == ERET and after[0] != SB and after not in STOPS:
            findings.append(f"eret at {address + 4 * index:#x}: no dsb nsh; isb behind it")
    return findings


def functions(elf: Path) -> frozenset[str]:
    """Names of all functions in an ELF file."""
    with elf.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        symbols = table.iter_symbols() if isinstance(table, SymbolTableSection) else ()
        return frozenset(s.name for s in symbols if s["st_info"]["type"] == "STT_FUNC")


def executable(elf: Path) -> list[tuple[int, bytes]]:
    """(address, contents) of every executable section."""
    with elf.open("rb") as file:
        return [
            (section["sh_addr"], section.data())
            for section in ELFFile(file).iter_sections()
            if section["sh_flags"] & 4 and section["sh_size"]
        ]


# Their operands include bare addresses, which may look like registers (b0).
_JUMP = re.compile(r"\t(?:b|bl|b\.\w+|cbn?z|tbn?z|adrp?)\t")

# An operand of objdump's listing that is a SIMD, vector or floating-point register.
_FP = {
    "arm64": re.compile(
        r"\t[a-z][\w.]*\t.*?(?<![\w.#])(?:[bhsdqv](?:[12]?\d|3[01])(?:\.\w+)?)(?![\w])"
    ),
    "riscv": re.compile(r"\t[a-z][\w.]*\t.*?(?<!\w)(?:f[ast]\d+|v(?:[12]?\d|3[01]))(?!\w)"),
}


def check_no_fp(source: str, listing: str, arch: str) -> list[str]:
    """Instructions with SIMD or floating-point registers in a disassembly of compiled C."""
    return [
        f"{source}: {line.strip()}"
        for line in listing.splitlines()
        if not _JUMP.search(line) and _FP[arch].search(re.sub(r"//.*|<.*?>", "", line))
    ]
