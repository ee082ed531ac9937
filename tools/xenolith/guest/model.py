# SPDX-License-Identifier: Apache-2.0
"""What a guest is made of on this machine, and what dom0 is told about it: xl.cfg(5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xenolith.errors import UserError
from xenolith.system.placement import MIB

NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,16}")
"""A guest's name is a file's name, and with a disk's number at most 19 bytes long: a virtio disk's
serial number has 20. All digits would be a domain's number for xl."""
TAKEN = "Domain-0"
DISKS = 10
"""At most: the number in a disk's name has one digit."""
ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
"""Of xl.cfg's strings [libxlu_cfg.c]; its escapes by number do not work, octal ones are decimal."""

Value = str | int | list[str]
"""Of a setting."""


@dataclass(frozen=True)
class Guest:
    """A guest ready to be given to a dom0. Raises UserError for a name that cannot be used."""

    name: str
    config: str
    """Text of the xl.cfg; its paths are dom0's."""
    files: dict[str, Path] = field(default_factory=dict)
    """Name to file on this machine; in dom0 it is `file_path(guest, name)`."""
    disks: tuple[Path, ...] = ()
    """Raw images on this machine; in dom0 the K-th is `disk_path(guest, K)`."""

    def __post_init__(self) -> None:
        check_name(self.name)
        for name in self.files:
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
                raise UserError(f"guest {self.name}: {name!r} cannot be a file's name", 2)
        if len(self.disks) > DISKS:
            raise UserError(
                f"guest {self.name} has {len(self.disks)} disks, at most {DISKS} can be", 2
            )


def check_name(name: str) -> str:
    """`name`, if a guest can be called so. Raises UserError."""
    if not NAME.fullmatch(name) or name == TAKEN:
        raise UserError(
            f"a guest cannot be called {name!r}: a letter, then up to 16 letters, digits, '.', '_' "
            f"or '-', and not {TAKEN}",
            2,
        )
    return name


def host_name(guest: str) -> str:
    """What a guest's system is called, if nobody says: the guest's name, as a host may have it."""
    return re.sub(r"[^A-Za-z0-9]+", "-", guest).strip("-")


def check_disk_size(size: int) -> None:
    """Refuse bytes that a disk cannot have. Raises UserError."""
    if size % MIB:
        raise UserError("--size: a disk is a whole number of MiB", 2)


def file_path(guest: str, name: str) -> str:
    """Where dom0 has a file of a guest."""
    return f"/guests/{guest}/{name}"


def disk_path(guest: str, number: int) -> str:
    """The link by which dom0 has a disk of a guest, counted from 0."""
    return f"/dev/xenolith/{guest}-{number}"


def config_text(settings: Mapping[str, Value], about: str = "") -> str:
    """An xl.cfg. `about`: lines of a comment at its head. Raises UserError for odd characters."""
    comment = "".join(f"# {line}".rstrip() + "\n" for line in about.splitlines())
    return comment + "".join(f"{key} = {_value(key, value)}\n" for key, value in settings.items())


def _value(key: str, value: Value) -> str:
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return quote(value, key)
    return f"[ {', '.join(quote(item, key) for item in value)} ]" if value else "[ ]"


def quote(text: str, key: str = "config") -> str:
    """A string as xl.cfg has it; `key` is for the error. Raises UserError."""
    quoted = "".join(ESCAPES.get(letter, letter) for letter in text)
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in quoted):
        raise UserError(f"{key}: {text!r} has characters that no xl.cfg can carry", 2)
    return f'"{quoted}"'
