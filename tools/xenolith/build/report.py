"""What an image is made of: bytes by section kind and source folder, lines of code."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

# "section address size file" of a GNU map, and lld's "address load size align file:(section)".
_GNU = re.compile(r"^ (\.\S+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+(\S+\.o)$", re.MULTILINE)
_LLD = re.compile(r"^\s*([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+)\s+\d+\s+(\S+\.o):\((\S+)\)$", re.M)

_NOT_LOADED = (".debug", ".comment", ".symtab", ".strtab", ".shstrtab", ".ARM.attributes")

KINDS = ("text", "rodata", "data", "bss")


def contributions(link_map: str) -> Iterator[tuple[str, str, int]]:
    """(object, input section, bytes) of everything a linker's map says was placed."""
    _, found, placed = link_map.partition("Linker script and memory map")
    if found:
        # A long section name stands alone on its line.
        joined = re.sub(r"^( \.\S+)\n\s+(?=0x)", r"\1 ", placed, flags=re.MULTILINE)
        for section, address, size, name in _GNU.findall(joined):
            if int(address, 16) and not section.startswith(_NOT_LOADED):
                yield name, section, int(size, 16)
    else:
        for address, size, name, section in _LLD.findall(link_map):
            if int(address, 16) and not section.startswith(_NOT_LOADED):
                yield name, section, int(size, 16)


def kind_of(section: str) -> str:
    """The part of the image an input section ends in, by the usual names."""
    for prefix, kind in ((".rodata", "rodata"), (".data", "data"), (".bss", "bss")):
        if section.startswith(prefix):
            return kind
    return "text"


def folder_of(path: str) -> str:
    """`xen/mm` or `arch/arm64/irq`: the part of the house a file is in."""
    parts = PurePosixPath(path).parts
    depth = 3 if parts and parts[0] == "arch" else 2
    return "/".join(parts[: min(depth, len(parts) - 1)])


def by_folder(link_map: str, objects: str) -> dict[str, Counter[str]]:
    """Bytes by source folder and kind; `objects` is the folder of the objects, as in the map."""
    table: dict[str, Counter[str]] = {}
    for name, section, size in contributions(link_map):
        source = name.removeprefix(f"{objects}/").removesuffix(".o")
        table.setdefault(folder_of(source), Counter())[kind_of(section)] += size
    return table


def code_lines(text: str) -> int:
    """Lines of C or assembly that are neither blank nor comment only."""
    bare = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), text, flags=re.DOTALL)
    lines = (re.sub(r"//.*", "", line).strip() for line in bare.splitlines())
    return sum(1 for line in lines if line)


def lines_by_folder(root: Path, sources: list[str]) -> Counter[str]:
    """Lines of code by folder, headers of the folder's include tree counted as their own."""
    table: Counter[str] = Counter()
    for name in sources:
        table[folder_of(name)] += code_lines((root / name).read_text())
    return table


def text(root: Path, sources: list[str], link_map: str, objects: str) -> str:
    """A table for people: a row per folder, the sum last."""
    lines, parts = lines_by_folder(root, sources), by_folder(link_map, objects)
    rows = [f"{'part':24} {'lines':>7} " + " ".join(f"{kind:>8}" for kind in KINDS)]
    total: Counter[str] = Counter()
    for folder in sorted(set(lines) | set(parts)):
        sizes = parts.get(folder, Counter())
        total.update(sizes)
        rows.append(_row(folder, lines[folder], sizes))
    rows.append(_row("all", lines.total(), total))
    return "\n".join(rows)


def _row(name: str, lines: int, sizes: Counter[str]) -> str:
    return f"{name:24} {lines:7} " + " ".join(f"{sizes[kind]:8}" for kind in KINDS)
