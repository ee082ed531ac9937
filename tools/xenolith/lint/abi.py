# SPDX-License-Identifier: Apache-2.0
"""Two sets of guest ABI headers, compared as a compiler for the target sees them.

Both sets are compiled apart with debug information; types, fields and constants are taken from
what comes out, so nothing is listed by hand. What only the published side has is not compared; a
field or a constant of ours that it does not know is a difference.
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from elftools.dwarf.die import DIE
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from xenolith.build import toolchain
from xenolith.errors import UserError

COMPOSITE = ("DW_TAG_structure_type", "DW_TAG_union_type")
TRANSPARENT = ("DW_TAG_typedef", "DW_TAG_const_type", "DW_TAG_volatile_type")


@dataclass(frozen=True)
class Place:
    """Where a field lies: bytes, and for plain integers whether they are signed."""

    offset: int
    size: int
    signed: bool | None


@dataclass
class Abi:
    """One set of headers, compiled."""

    sizes: dict[str, int] = field(default_factory=dict)
    fields: dict[str, Place] = field(default_factory=dict)
    """By path, `struct evtchn_status.u.interdomain.dom`."""
    constants: dict[str, int] = field(default_factory=dict)


def _strip(die: DIE) -> DIE:
    while die.tag in TRANSPARENT:
        die = die.get_DIE_from_attribute("DW_AT_type")
    return die


def _bounds(die: DIE) -> int:
    """Elements of an array of any number of dimensions; 0 for a flexible one."""
    count = 1
    for child in die.iter_children():
        if "DW_AT_count" in child.attributes:
            count *= int(child.attributes["DW_AT_count"].value)
        else:
            bound = child.attributes.get("DW_AT_upper_bound")
            count *= int(bound.value) + 1 if bound else 0
    return count


def _size(die: DIE) -> int:
    die = _strip(die)
    if die.tag == "DW_TAG_array_type":
        return _bounds(die) * _size(die.get_DIE_from_attribute("DW_AT_type"))
    if die.tag == "DW_TAG_pointer_type":
        return 8
    return int(die.attributes["DW_AT_byte_size"].value)


def _signed(die: DIE) -> bool | None:
    """None for anything but an integer: handles are unions on one side, integers on the other."""
    die = _strip(die)
    if die.tag != "DW_TAG_base_type":
        return None
    return int(die.attributes["DW_AT_encoding"].value) in (5, 6)  # DW_ATE_signed, _signed_char


def _walk(die: DIE, path: str, base: int) -> Iterator[tuple[str, Place]]:
    """The fields below a structure; unnamed members add nothing to the path."""
    for child in _strip(die).iter_children():
        if child.tag != "DW_TAG_member":
            continue
        kind = child.get_DIE_from_attribute("DW_AT_type")
        where = child.attributes.get("DW_AT_data_member_location")
        offset = base + (int(where.value) if where else 0)
        name = child.attributes.get("DW_AT_name")
        below = f"{path}.{name.value.decode()}" if name else path
        if name:
            yield below, Place(offset, _size(kind), _signed(kind))
        if _strip(kind).tag in COMPOSITE:
            yield from _walk(kind, below, offset)


def _read_types(elf: ELFFile, abi: Abi) -> None:
    for unit in elf.get_dwarf_info().iter_CUs():
        for die in unit.iter_DIEs():
            if "DW_AT_declaration" in die.attributes or "DW_AT_name" not in die.attributes:
                continue
            name = die.attributes["DW_AT_name"].value.decode()
            if die.tag in COMPOSITE:
                name = f"{'struct' if die.tag == COMPOSITE[0] else 'union'} {name}"
                abi.sizes[name] = _size(die)
                abi.fields.update(_walk(die, name, 0))
            elif die.tag == "DW_TAG_typedef" and "DW_AT_type" in die.attributes:
                abi.sizes[name] = _size(die)


def _read_constants(elf: ELFFile) -> dict[str, int]:
    """The values of the variables that `_program` made."""
    found = {}
    table = elf.get_section_by_name(".symtab")
    assert isinstance(table, SymbolTableSection)
    for symbol in table.iter_symbols():
        if symbol.name.startswith("value_of_"):
            section = elf.get_section(symbol["st_shndx"])
            zero = section["sh_type"] == "SHT_NOBITS"
            data = bytes(8) if zero else section.data()
            at = 0 if zero else symbol["st_value"] - section["sh_addr"]
            found[symbol.name.removeprefix("value_of_")] = struct.unpack_from("<q", data, at)[0]
    return found


class Compared(NamedTuple):
    """How many things both sides have."""

    types: int
    fields: int
    constants: int


class Compiler:
    """Compiles one set of headers, found below `root` as <public/...>."""

    def __init__(
        self, arch: str, root: Path, work: Path, headers: list[str], extra: Sequence[Path] = ()
    ) -> None:
        tools = toolchain.find("gcc", arch) or toolchain.require("clang", arch)
        includes = [f"-I{path}" for path in (root, *extra)]
        # Published headers use GNU C, and show more to the tools.
        self.command = [*tools.cc, "-std=gnu11", "-ffreestanding", "-D__XEN_TOOLS__", *includes]
        self.linker = [*tools.ld, "-m", toolchain.EMULATIONS[arch], "-static", "-e", "0"]
        self.work = work
        self.head = "#include <stdint.h>\n" + "".join(f"#include <{h}>\n" for h in headers)

    def run(self, text: str, *options: str) -> bytes:
        """What the compiler prints; UserError when it complains."""
        source = self.work / "abi.c"
        source.write_text(self.head + text)
        return self._call([*self.command, *options, str(source)])

    def _call(self, command: list[str]) -> bytes:
        done = subprocess.run(command, capture_output=True, check=False, cwd=self.work)
        if done.returncode != 0:
            raise UserError(f"headers do not compile: {done.stderr.decode()}")
        return done.stdout

    def macros(self) -> set[str]:
        """Names of the macros with a value and without arguments."""
        found = set()
        for line in self.run("", "-E", "-dM").decode().splitlines():
            _, name, *value = line.split(maxsplit=2)
            if value and "(" not in name:
                found.add(name)
        return found

    def enumerators(self, elf: ELFFile) -> set[str]:
        """Names of all enumeration constants."""
        names = set()
        for unit in elf.get_dwarf_info().iter_CUs():
            for die in unit.iter_DIEs():
                if die.tag == "DW_TAG_enumerator":
                    names.add(die.attributes["DW_AT_name"].value.decode())
        return names

    def compile(self, text: str) -> ELFFile:
        """The headers and `text`, linked: pyelftools knows no relocations of RISC-V."""
        part, target = self.work / "abi.o", self.work / "abi.elf"
        self.run(text, "-g", "-fno-eliminate-unused-debug-types", "-O0", "-c", "-o", str(part))
        self._call([*self.linker, "-o", str(target), str(part)])
        return ELFFile(target.open("rb"))

    def names(self) -> set[str]:
        """Names of all constants of the headers, those of the compiler left out."""
        own = {name for name in self.macros() if not name.startswith("__") or "HYPER" in name}
        bare = Compiler.__new__(Compiler)
        bare.command, bare.work, bare.head = self.command, self.work, "#include <stdint.h>\n"
        return (own - bare.macros()) | self.enumerators(self.compile(""))

    def abi(self, constants: set[str]) -> Abi:
        """Everything about the headers; `constants` are the names to evaluate."""
        lines = [f"const long long value_of_{n} = (long long)({n});\n" for n in sorted(constants)]
        elf = self.compile("".join(lines))
        abi = Abi(constants=_read_constants(elf))
        _read_types(elf, abi)
        return abi


def compare(
    ours: Compiler, theirs: Compiler, ours_only: Collection[str] = ()
) -> tuple[list[str], Compared]:
    """Differences, and how much was compared. `ours_only`: constants that only we have."""
    our_names, their_names = ours.names(), theirs.names()
    both = our_names & their_names
    a, b = ours.abi(both), theirs.abi(both)
    problems = [f"{n}: not in the published headers" for n in our_names - both - set(ours_only)]
    sizes = a.sizes.keys() & b.sizes.keys()
    problems += [
        f"sizeof {name}: {a.sizes[name]}, published {b.sizes[name]}"
        for name in sizes
        if a.sizes[name] != b.sizes[name]
    ]
    known = [path for path in a.fields if path.split(".")[0] in b.sizes]
    problems += [f"{p}: no such published field" for p in known if p not in b.fields]
    fields = a.fields.keys() & b.fields.keys()
    for path in fields:
        x, y = a.fields[path], b.fields[path]
        differ = x.signed != y.signed and None not in (x.signed, y.signed)
        if (x.offset, x.size) != (y.offset, y.size) or differ:
            problems.append(f"{path}: {x}, published {y}")
    problems += [
        f"{n}: {a.constants[n]:#x}, published {b.constants[n]:#x}"
        for n in both
        if a.constants[n] != b.constants[n]
    ]
    return sorted(problems), Compared(len(sizes), len(fields), len(both))
