"""The guest ABI headers against the published ones of Debian's libxen-dev, for the arm64 target.

Both sets are compiled apart with debug information; types, fields and constants are taken from the
object files, so nothing is listed by hand. What only one side has is not compared, but a field or a
constant of ours that the published headers do not know is an error unless it stands in OURS_ONLY.
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pytest
from elftools.dwarf.die import DIE
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from xenolith import ROOT
from xenolith.build import toolchain
from xenolith.dom0 import debian, recipe

ARCH = "arm64"
PUBLIC = ROOT / "xen" / "include" / "public"
PORT = ROOT / "arch" / ARCH / "include"

OURS_ONLY = {
    "MEMOP_EXTENT_SHIFT",  # in Xen's memory.c
    "MEMOP_CMD_MASK",
    "XEN_EVTCHN_WORDS",  # written out as an expression there
    "XEN_EINTR",  # for the hypervisor's own eyes there
    "XEN_ERESTART",
    # Function-like macros there.
    *(f"{owner}_SMCCC_UID_{word}" for owner in ("XEN", "SSSC") for word in range(4)),
}
"""Constants that the published headers do not have by that name."""

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
            data = bytes(8) if section["sh_type"] == "SHT_NOBITS" else section.data()
            at = 0 if section["sh_type"] == "SHT_NOBITS" else symbol["st_value"]
            found[symbol.name.removeprefix("value_of_")] = struct.unpack_from("<q", data, at)[0]
    return found


class Compared(NamedTuple):
    """How many things both sides have."""

    types: int
    fields: int
    constants: int


class Compiler:
    """Compiles one set of headers, found below `root` as <public/...>."""

    def __init__(self, root: Path, work: Path, headers: list[str], extra: list[Path]) -> None:
        tools = toolchain.find("gcc", ARCH) or toolchain.require("clang", ARCH)
        includes = [f"-I{path}" for path in (root, *extra)]
        # Published headers use GNU C, and show more to the tools.
        self.command = [*tools.cc, "-std=gnu11", "-ffreestanding", "-D__XEN_TOOLS__", *includes]
        self.work = work
        self.head = "#include <stdint.h>\n" + "".join(f"#include <{h}>\n" for h in headers)

    def run(self, text: str, *options: str) -> bytes:
        """What the compiler prints; it fails the test when it complains."""
        source = self.work / "abi.c"
        source.write_text(self.head + text)
        done = subprocess.run(
            [*self.command, *options, str(source)], capture_output=True, check=False, cwd=self.work
        )
        assert done.returncode == 0, done.stderr.decode()
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
        """The object file of the headers and `text`."""
        target = self.work / "abi.o"
        self.run(text, "-g", "-fno-eliminate-unused-debug-types", "-O0", "-c", "-o", str(target))
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


def compare(ours: Compiler, theirs: Compiler) -> tuple[list[str], Compared]:
    """Differences, and how much was compared."""
    our_names, their_names = ours.names(), theirs.names()
    both = our_names & their_names
    a, b = ours.abi(both), theirs.abi(both)
    problems = [f"{n}: not in the published headers" for n in our_names - both - OURS_ONLY]
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


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which <public/...> are the published headers."""
    deb = debian.download(["libxen-dev"], recipe.load().suite, ARCH)[0]
    root = tmp_path_factory.mktemp("published")
    debian.unpack(deb, root, lambda path: path.startswith("usr/include/xen/"))
    (root / "public").symlink_to("usr/include/xen")
    return root


def _pair(ours: Path, published: Path, work: Path) -> tuple[Compiler, Compiler]:
    names = sorted(f"public/{p.relative_to(PUBLIC)}" for p in PUBLIC.rglob("*.h"))
    shared = [name for name in names if (published / name).exists()]
    assert set(names) - set(shared) == {"public/types.h"}
    for side in ("ours", "theirs"):
        (work / side).mkdir()
    return (
        Compiler(ours, work / "ours", names, [PORT]),
        Compiler(published, work / "theirs", shared, []),
    )


def test_headers_are_those_of_xen(published: Path, tmp_path: Path) -> None:
    """Zero differences, over a number of things that only grows."""
    problems, count = compare(*_pair(PUBLIC.parent, published, tmp_path))
    print(f"\ncompared {count.types} types, {count.fields} fields, {count.constants} constants")
    assert problems == []
    assert count.types > 150
    assert count.fields > 900
    assert count.constants > 650


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("sched.h: uint32_t reason; -> uint64_t reason;", "sizeof struct sched_shutdown"),
        ("xen.h: uint8_t pad0; -> uint8_t pad1;", "no such published field"),
        ("grant_table.h: int16_t status; -> uint16_t status;", "signed=False"),
        ("errno.h: XEN_ENOSYS 38 -> XEN_ENOSYS 39", "XEN_ENOSYS: 0x27, published 0x26"),
        ("vcpu.h: VCPUOP_up 1 -> VCPUOP_upp 1", "VCPUOP_upp: not in the published"),
    ],
)
def test_a_difference_is_found(
    published: Path, tmp_path: Path, change: str, complaint: str
) -> None:
    """The comparison can fail: a copy of our headers with one mistake."""
    header, old, new = re.split(": | -> ", change)
    copy = tmp_path / "copy"
    shutil.copytree(PUBLIC, copy / "public")
    # The headers line their values up.
    text = re.sub(r" +", " ", (copy / "public" / header).read_text())
    assert old in text
    (copy / "public" / header).write_text(text.replace(old, new))
    problems, _ = compare(*_pair(copy, published, tmp_path))
    assert any(complaint in problem for problem in problems), problems
