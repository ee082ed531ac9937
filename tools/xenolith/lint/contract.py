# SPDX-License-Identifier: Apache-2.0
"""The contract between core and ports, checked on symbols of object files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from xenolith.lint.files import without_strings

# Parts of the core that a port may call besides the upcalls of <xen/trap.h>.
LIBRARY = (
    *("xen/lib/", "xen/dt/", "xen/base/", "xen/mm/", "xen/irq/", "xen/time/", "xen/drivers/"),
    *("xen/vdev/", "xen/boot/cmdline"),
)

# Entry points that only the linker script, firmware or hardware know.
ENTRIES = {"_start"}


@dataclass(frozen=True)
class Object:
    """An object file's global symbols; `source` is the path it was compiled from."""

    source: str
    defined: frozenset[str]
    undefined: frozenset[str]


def read_object(path: Path, source: str) -> Object:
    """The symbols of an ELF object file."""
    defined: set[str] = set()
    undefined: set[str] = set()
    with path.open("rb") as file:
        for section in ELFFile(file).iter_sections():
            if not isinstance(section, SymbolTableSection):
                continue
            for symbol in section.iter_symbols():
                if symbol["st_info"]["bind"] == "STB_LOCAL" or not symbol.name:
                    continue
                known = symbol["st_shndx"] != "SHN_UNDEF"
                (defined if known else undefined).add(symbol.name)
    return Object(source, frozenset(defined), frozenset(undefined))


_PROTOTYPE = re.compile(r"\b(\w+)\s*\([^;{}]*?\)[^;{}]*;", re.DOTALL)
_VARIABLE = re.compile(r"^extern\b[^;(]*?\b(\w+)(?:\[[^\]]*\])*\s*;", re.MULTILINE)
_NO_NAMES = {"__attribute__", "__printf", "__aligned", "__section", "sizeof", "_Static_assert"}


def declared(header: str) -> tuple[set[str], set[str]]:
    """(functions and variables to link with, functions that are `static inline`)."""
    code = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*", "", without_strings(header), flags=re.MULTILINE)
    code = _drop_bodies(code)
    linked: set[str] = set(_VARIABLE.findall(code))
    inline: set[str] = set()
    for statement in code.split(";"):
        match = _PROTOTYPE.search(statement + ";")
        if not match or match[1] in _NO_NAMES or "typedef" in statement:
            continue
        before = statement[: statement.find(match[1])]
        (inline if re.search(r"\bstatic\s+inline\b", before) else linked).add(match[1])
    return linked, inline


def _drop_bodies(code: str) -> str:
    """Code with everything between braces removed, innermost first."""
    previous = ""
    while previous != code:
        # An inline function's body ends its declaration; a struct's is followed by `;` itself.
        previous, code = code, re.sub(r"(\)\s*)\{[^{}]*\}", r"\1;", code)
        code = re.sub(r"\{[^{}]*\}", "", code)
    return code


def _symbols(objects: Iterable[Object], kind: str) -> set[str]:
    found: set[str] = set()
    for one in objects:
        found |= one.defined if kind == "defined" else one.undefined
    return found


def check_port(
    core: list[Object], port: list[Object], contract: set[str], backing: set[str]
) -> list[str]:
    """Functions the contract promises, all defined; nothing else used; nothing else left over.

    `backing`: what the port's inline halves of contract headers declare for their own use; the core
    refers to it through them.
    """
    # Names with __ are what the compiler calls for operations that the machine lacks.
    defined = {name for name in _symbols(port, "defined") if not name.startswith("__")}
    findings = [f"{name}: declared in <arch/...>, not defined" for name in contract - defined]
    used = _symbols(core, "undefined") & defined
    strange = used - contract - backing
    findings += [f"{name}: the core uses it, no <arch/...> header has it" for name in strange]
    inside = _symbols(port, "undefined")
    idle = defined - contract - used - inside - ENTRIES
    findings += [f"{name}: global in the port, used in its file only: static" for name in idle]
    return sorted(findings)


_ELSEWHERE = re.compile(r"/\*[^/]*?for ports too:([\w\s,*]+)\*/")


def upcalls(trap_header: str) -> set[str]:
    """What <xen/trap.h> declares, and what its comment `..., for ports too: name name` lists."""
    linked, _ = declared(trap_header)
    listed = " ".join(_ELSEWHERE.findall(trap_header))
    return linked | set(re.findall(r"\w+", listed))


def check_upcalls(core: list[Object], port: list[Object], upcalls: set[str]) -> list[str]:
    """A port calls the upcalls and the library, nothing else of the core."""
    owners = {name: one.source for one in core for name in one.defined}
    findings = []
    for one in port:
        for name in sorted(one.undefined & owners.keys()):
            if name not in upcalls and not owners[name].startswith(LIBRARY):
                findings.append(
                    f"{one.source}: calls {name} of {owners[name]}: not in <xen/trap.h>"
                )
    return findings


def check_weak(path: Path, source: str) -> list[str]:
    """No weak symbols: a missing function is a link error, not a surprise."""
    with path.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        symbols = table.iter_symbols() if isinstance(table, SymbolTableSection) else ()
        weak = [s.name for s in symbols if s["st_info"]["bind"] == "STB_WEAK"]
    return [f"{source}: weak symbol {name}" for name in weak]
