# SPDX-License-Identifier: Apache-2.0
"""What an image is made of: bytes by section kind and source folder, lines of code."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from elftools.elf.elffile import ELFFile

from xenolith.build.image import kind_of

# "section address size file" of a GNU map, and lld's "address load size align file:(section)".
_GNU = re.compile(r"^ (\.\S+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+(\S+\.o)$", re.MULTILINE)
_LLD = re.compile(r"^\s*([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+)\s+\d+\s+(\S+\.o):\((\S+)\)$", re.M)

KINDS = ("text", "rodata", "data", "bss")


def contributions(link_map: str) -> Iterator[tuple[str, int, int]]:
    """(object, address, bytes) of everything a linker's map says was placed."""
    _, found, text = link_map.partition("Linker script and memory map")
    if found:
        # A long section name stands alone on its line.
        joined = re.sub(r"^( \.\S+)\n\s+(?=0x)", r"\1 ", text, flags=re.MULTILINE)
        entries = [(name, where, size) for _, where, size, name in _GNU.findall(joined)]
    else:
        entries = [(name, where, size) for where, size, name, _ in _LLD.findall(link_map)]
    for name, where, size in entries:
        yield name, int(where, 16), int(size, 16)


Ranges = list[tuple[int, int, str]]


def placed(elf: Path) -> Ranges:
    """(start, end, part of the image) of every loaded section."""
    with elf.open("rb") as file:
        sections = list(ELFFile(file).iter_sections())
        ranges = [
            (s["sh_addr"], s["sh_addr"] + s["sh_size"], kind_of(s["sh_flags"], s["sh_type"]))
            for s in sections
        ]
    return [entry for entry in ranges if entry[2]]


def folder_of(path: str) -> str:
    """`xen/mm` or `arch/arm64/irq`: the part of the house a file is in."""
    parts = PurePosixPath(path).parts
    depth = 3 if parts and parts[0] == "arch" else 2
    return "/".join(parts[: min(depth, len(parts) - 1)])


def by_folder(ranges: Ranges, link_map: str, objects: str) -> dict[str, Counter[str]]:
    """Bytes by source folder and kind; `objects` is the objects' folder, as in the map."""
    table: dict[str, Counter[str]] = {}
    for name, address, size in contributions(link_map):
        source = name.removeprefix(f"{objects}/").removesuffix(".o")
        for start, end, kind in ranges:
            if start <= address < end:
                table.setdefault(folder_of(source), Counter())[kind] += size
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


def text(root: Path, sources: list[str], elf: Path, link_map: str, objects: str) -> str:
    """A table for people: a row per folder, the sum last."""
    lines, parts = lines_by_folder(root, sources), by_folder(placed(elf), link_map, objects)
    rows = [f"{'part':24} {'lines':>7} " + " ".join(f"{kind:>8}" for kind in KINDS)]
    total: Counter[str] = Counter()
    for folder in sorted(set(lines) | set(parts)):
        sizes = parts.get(folder, Counter())
        total.update(sizes)
        rows.append(_row(folder, lines[folder], sizes))
    for name, prefix in (("core", "xen/"), ("port", "arch/")):
        inside = [folder for folder in {*lines, *parts} if folder.startswith(prefix)]
        sums = sum((parts.get(folder, Counter()) for folder in inside), Counter[str]())
        rows.append(_row(name, sum(lines[folder] for folder in inside), sums))
    rows.append(_row("all", lines.total(), total))
    return "\n".join(rows)


def _row(name: str, lines: int, sizes: Counter[str]) -> str:
    return f"{name:24} {lines:7} " + " ".join(f"{sizes[kind]:8}" for kind in KINDS)
