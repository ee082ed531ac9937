# SPDX-License-Identifier: Apache-2.0
"""Addresses of the hypervisor to function, file and line, from the ELF file's symbols and DWARF."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile

# An address of a backtrace: [<0000a00000201234>], with or without 0x.
_ADDRESS = re.compile(r"\[<(?:0x)?([0-9a-fA-F]{4,16})>\]")
# The program counter is exact; every other address of a backtrace is the one after a call.
_EXACT = re.compile(r"\((?:PC|pc)\)|\b(?:PC|pc|ELR|sepc)\b")


class Symbols:
    """The symbols of one ELF file; its line table is read when first needed."""

    def __init__(self, elf: Path) -> None:
        self.elf = elf
        with elf.open("rb") as file:
            parsed = ELFFile(file)
            self._functions = sorted(_functions(parsed))
            self._text = sorted(_executable(parsed))
            self.build_id = _build_id(parsed)
        self._starts = [start for start, _, _ in self._functions]
        self._lines: list[tuple[int, str]] | None = None

    def contains(self, address: int) -> bool:
        """True if the address is in the image's code."""
        return any(start <= address < end for start, end in self._text)

    def function(self, address: int) -> str:
        """`name+0x1c`; empty if no function covers the address."""
        index = bisect_right(self._starts, address) - 1
        if index < 0:
            return ""
        start, size, name = self._functions[index]
        # Assembly labels have no size: they reach to the next symbol.
        if size and address >= start + size:
            return ""
        return f"{name}+{address - start:#x}"

    def line(self, address: int) -> str:
        """`xen/mm/p2m.c:120`; empty if the line table does not cover the address."""
        if self._lines is None:
            with self.elf.open("rb") as file:
                self._lines = sorted(_lines(ELFFile(file)), key=lambda entry: entry[0])
        index = bisect_right(self._lines, address, key=lambda entry: entry[0]) - 1
        return self._lines[index][1] if index >= 0 else ""

    def where(self, address: int, *, after_call: bool = False) -> str:
        """`name+0x1c xen/mm/p2m.c:120`; empty outside the code.

        `after_call`: the address is a return address, so the line is that of the call before it.
        """
        looked_up = address - 1 if after_call else address
        if not self.contains(looked_up):
            return ""
        name = self.function(looked_up)
        if after_call and name:
            head, _, offset = name.rpartition("+")
            name = f"{head}+{int(offset, 16) + 1:#x}"
        return " ".join(part for part in (name, self.line(looked_up)) if part)

    def annotate(self, text: str) -> str:
        """A console line with the place of each backtrace address put behind it."""

        def replace(match: re.Match[str]) -> str:
            exact = bool(_EXACT.search(text))
            place = self.where(int(match[1], 16), after_call=not exact)
            return f"{match[0]} {place}" if place else match[0]

        return _ADDRESS.sub(replace, text)


def _functions(elf: ELFFile) -> Iterator[tuple[int, int, str]]:
    table: Any = elf.get_section_by_name(".symtab")
    for symbol in table.iter_symbols() if table else ():
        kind = symbol["st_info"]["type"]
        code = kind == "STT_FUNC" or (kind == "STT_NOTYPE" and symbol["st_shndx"] != "SHN_ABS")
        # $x and $d mark code and data for disassemblers.
        if code and symbol["st_value"] and not symbol.name.startswith("$"):
            yield symbol["st_value"], symbol["st_size"], symbol.name


def _executable(elf: ELFFile) -> Iterator[tuple[int, int]]:
    for section in elf.iter_sections():
        if section["sh_flags"] & 4:
            yield section["sh_addr"], section["sh_addr"] + section["sh_size"]


def _build_id(elf: ELFFile) -> str:
    section: Any = elf.get_section_by_name(".note.gnu.build-id")
    for note in section.iter_notes() if section else ():
        if note["n_type"] == "NT_GNU_BUILD_ID":
            return str(note["n_desc"])
    return ""


def _lines(elf: ELFFile) -> Iterator[tuple[int, str]]:
    """(address, `file:line`), and (address, "") where a sequence ends."""
    if not elf.has_dwarf_info():
        return
    dwarf = elf.get_dwarf_info()
    for unit in dwarf.iter_CUs():
        program = dwarf.line_program_for_CU(unit)
        if program is None:
            continue
        names = _file_names(program.header, unit.header["version"])
        for entry in program.get_entries():
            state = entry.state
            if state is not None:
                place = f"{names(state.file)}:{state.line}"
                yield state.address, "" if state.end_sequence else place


def _file_names(header: Any, version: int) -> Any:
    """A function from a line program's file number to a path."""
    folders, files = header["include_directory"], header["file_entry"]
    # Before DWARF 5, file numbers start at 1 and folder 0 is the compilation folder.
    shift = 0 if version >= 5 else 1

    def name(number: int) -> str:
        entry = files[number - shift]
        index = entry["dir_index"] - shift
        folder = _text(folders[index]) if index >= 0 else "."
        path = f"{folder}/{_text(entry.name)}" if folder not in ("", ".") else _text(entry.name)
        return path.removeprefix("./")

    return name


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
