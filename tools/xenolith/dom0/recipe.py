# SPDX-License-Identifier: Apache-2.0
"""Reads tools/dom0/*.toml: which packages, programs and modules a dom0 is made of."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xenolith import ROOT
from xenolith.errors import UserError

DEFAULT = ROOT / "tools" / "dom0" / "debian.toml"


@dataclass(frozen=True)
class Recipe:
    """The content of a recipe; paths are relative to the root of the file system."""

    suite: str
    packages: tuple[str, ...]
    xen_packages: tuple[str, ...]
    """The Xen tools, where Debian builds them."""
    from_source: tuple[str, ...]
    """Architectures whose kernel and Xen tools are built from source."""
    tools: str
    programs: tuple[str, ...]
    xenstore: tuple[str, ...]
    system: tuple[str, ...]
    """Programs of Debian that stay where they are."""
    hotplug: str
    """The folder of Xen's hotplug scripts."""
    libraries: tuple[str, ...]
    modules: tuple[str, ...]
    """Xen's drivers."""
    drivers: dict[str, dict[str, tuple[str, ...]]]
    """Architecture to `compatible` of a machine to the modules of its devices."""
    on_demand: dict[str, tuple[str, ...]]
    """Architecture to modules that are loaded when they are first used."""
    guest: dict[str, tuple[str, ...]]
    """Architecture to modules that a guest with dom0's kernel loads."""
    kernel: dict[str, tuple[str, str]]
    """Architecture to (meta package, pattern of the kernel package's name)."""
    xen: dict[str, tuple[str, str]]
    """Architecture to (package, path of Xen's image in it)."""

    def is_built(self, arch: str) -> bool:
        """True if kernel and Xen tools for an architecture are built from source."""
        return arch in self.from_source

    def has_xen(self, arch: str) -> bool:
        """True if Debian has real Xen for an architecture."""
        return arch in self.xen

    def for_arch(self, table: dict[str, tuple[str, str]], arch: str) -> tuple[str, str]:
        """The row of `kernel` or `xen` for an architecture. Raises UserError."""
        if arch not in table:
            raise UserError(f"no Debian dom0 for {arch}; there is one for: {', '.join(table)}", 2)
        return table[arch]


def load(path: Path = DEFAULT) -> Recipe:
    """The recipe in a file. Raises UserError that names the file and the key."""
    try:
        raw = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as e:
        raise UserError(f"{path}: {e}") from e
    unknown = set(raw) - set(Recipe.__dataclass_fields__)
    missing = set(Recipe.__dataclass_fields__) - set(raw)
    if unknown or missing:
        raise UserError(f"{path}: unknown or missing keys: {', '.join(sorted(unknown | missing))}")
    try:
        return Recipe(**{key: _value(key, value) for key, value in raw.items()})
    except ValueError as e:
        raise UserError(f"{path}: {e}") from e


MODULES = ("on_demand", "guest")
"""Tables whose rows are lists of modules."""


def _value(key: str, value: Any) -> Any:
    if isinstance(value, list):
        return tuple(str(item) for item in value)
    if isinstance(value, dict):
        if key in MODULES:
            return _groups(value)
        if all(isinstance(row, dict) for row in value.values()):
            return {str(arch): _groups(row) for arch, row in value.items()}
        if any(len(row) != 2 for row in value.values()):
            raise ValueError("a table's rows are [name, pattern or path]")
        return {str(arch): (str(row[0]), str(row[1])) for arch, row in value.items()}
    return str(value)


def _groups(table: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Lists of modules by `compatible`, which becomes a folder's name, or by architecture."""
    for name, modules in table.items():
        if "/" in name or not isinstance(modules, list):
            raise ValueError(f"{name!r} is no `compatible` or architecture with a list of modules")
    return {name: tuple(str(module) for module in modules) for name, modules in table.items()}
