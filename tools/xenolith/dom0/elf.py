# SPDX-License-Identifier: Apache-2.0
"""What the initramfs needs to know of ELF files: libraries of a program, modules of a module."""

from __future__ import annotations

import io
import lzma
from collections.abc import Callable, Iterable

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from xenolith.errors import UserError


def needed(name: str, data: bytes) -> list[str]:
    """Sonames that an ELF file is linked against; empty for anything that is not ELF."""
    if not data.startswith(b"\x7fELF"):
        return []
    try:
        dynamic = ELFFile(io.BytesIO(data)).get_section_by_name(".dynamic")
        if not isinstance(dynamic, DynamicSection):
            return []
        return [str(vars(tag)["needed"]) for tag in dynamic.iter_tags("DT_NEEDED")]
    except ELFError as e:
        raise UserError(f"{name}: {e}") from e


def module_info(name: str, data: bytes) -> dict[str, str]:
    """The .modinfo of a kernel module; the last value of a repeated key."""
    return dict(_module_lines(name, data))


def aliases(name: str, data: bytes) -> list[str]:
    """Other names of a kernel module, by which the kernel asks for it."""
    return [value for key, value in _module_lines(name, data) if key == "alias"]


def _module_lines(name: str, data: bytes) -> list[tuple[str, str]]:
    try:
        section = ELFFile(io.BytesIO(data)).get_section_by_name(".modinfo")
        text = section.data().decode(errors="replace") if section else ""
    except ELFError as e:
        raise UserError(f"kernel module {name}: {e}") from e
    pairs = (line.partition("=") for line in text.split("\0") if "=" in line)
    return [(key, value) for key, _, value in pairs]


def wished(info: dict[str, str]) -> list[str]:
    """What a module would like to find loaded: `softdep=pre: a b post: c` gives a and b.

    These are often functions that are built in, and no modules.
    """
    words = info.get("softdep", "").partition("pre:")[2].partition("post:")[0].split()
    return [word.replace("_", "-") for word in words]


def decompress_module(name: str, data: bytes) -> bytes:
    """A kernel module as the kernel loads it (Debian compresses them with xz)."""
    try:
        return lzma.decompress(data) if data.startswith(b"\xfd7zXZ") else data
    except lzma.LZMAError as e:
        raise UserError(f"kernel module {name} is damaged: {e}") from e


def load_order(wanted: Iterable[str], depends: Callable[[str], list[str]]) -> list[str]:
    """`wanted` and what `depends` says they need, each once, dependencies first."""
    order: list[str] = []
    visiting: set[str] = set()

    def visit(name: str) -> None:
        if name in order or name in visiting:
            return
        visiting.add(name)
        for other in depends(name):
            visit(other)
        order.append(name)

    for name in wanted:
        visit(name)
    return order
