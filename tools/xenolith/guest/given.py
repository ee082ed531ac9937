# SPDX-License-Identifier: Apache-2.0
"""A guest that a run gives to dom0: one of ours by its name, or an xl.cfg of this machine.

The files that an xl.cfg names are looked for on this machine: beside it, as `guest make` writes
them, or by their path. What is in folders that dom0 has, or is not here, is dom0's, and xl's to
complain about.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from xenolith.errors import UserError
from xenolith.guest.model import Guest, check_name, disk_path, file_path, quote
from xenolith.lab import disks
from xenolith.lab.disks import Disk
from xenolith.system import kernel

DEMO, DEBIAN = "demo", "debian"
"""Guests of ours: dom0 has the first one already, the second one is made."""
SUFFIX = ".cfg"
DOM0 = ("/boot", "/dev", "/etc/xen", "/var/lib/xen")
"""Folders in which a config means dom0's files, also if this machine has one of that name."""
STRING = re.compile(r"\"([^\"\n]*)\"|'([^'\n]*)'")
COMMENT = re.compile(rf"({STRING.pattern})|#[^\n]*")
"""A comment, or a string, in which none begins."""
SETTING = re.compile(
    rf"^\s*(kernel|ramdisk|device_tree|disk)\s*\+?=\s*"
    rf"(\[(?:[^\]\"']|{STRING.pattern})*\]|{STRING.pattern})",
    re.MULTILINE,
)
"""A setting that names files [xl.cfg(5)]."""
PREFIX = re.compile(r"target=|(?:(?:raw|qcow2?|vhd|tapdisk|tap2?|aio|ioemu|file|phy):)*")
"""What may stand before a disk's file; behind one of the old words no format does, unless it has a
key [libxlu_disk_l.l]."""
NAME = re.compile(r"^\s*name\s*=\s*[\"']([^\"'\n]*)[\"']", re.MULTILINE)
FORMATS = (disks.QCOW2, "qcow", "vhd", "qed")
"""Of a disk that is not raw [xl-disk-configuration(5)]."""
READ_ONLY = {"r", "ro", "access=r", "access=ro", "devtype=cdrom", "cdrom"}


@dataclass(frozen=True)
class Given:
    """A guest, and its disks as the machine has them."""

    name: str
    guest: Guest | None = None
    """None: all of it is in dom0, or it is to be made."""
    disks: tuple[Disk, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of its files, which are in dom0's memory."""
        files = self.guest.files.values() if self.guest else ()
        return sum(path.stat().st_size for path in files)


@dataclass
class _Found:
    """What a config names, as it is read."""

    path: Path
    name: str
    arch: str
    files: dict[str, Path] = field(default_factory=dict)
    disks: list[Disk] = field(default_factory=list)


def given(guest: Guest) -> Given:
    """A guest that was made by us: its disks stay as they are, what it writes is lost."""
    return Given(
        guest.name,
        guest,
        tuple(
            replace(
                disks.opened(path, f"{guest.name}-{number}", f"guest {guest.name}", read_only=True),
                read_only=False,
                temporary=True,
            )
            for number, path in enumerate(guest.disks)
        ),
    )


def read(path: Path, arch: str) -> Given:
    """The guest of an xl.cfg; `arch`: the port it is for. Raises UserError."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as e:
        why = e.strerror if isinstance(e, OSError) else "it is no text"
        raise UserError(f"--guest {path}: {why}; name an xl.cfg", 2) from e
    # As long as the text.
    plain = COMMENT.sub(lambda found: found[1] or " " * len(found[0]), text)
    named = NAME.search(plain)
    if named is None:
        raise UserError(f'--guest {path}: it has no name; write a line: name = "{path.stem}"', 2)
    found = _Found(path, check_name(named[1]), arch)
    config, end = "", 0
    for start, stop, new in _changes(found, plain):
        config, end = config + text[end:start] + new, stop
    config += text[end:]
    guest = Guest(found.name, config, found.files, tuple(disk.path for disk in found.disks))
    return Given(found.name, guest, tuple(found.disks))


def _changes(found: _Found, plain: str) -> Iterator[tuple[int, int, str]]:
    """The strings that dom0 gets others for: begin, end, what is there then."""
    for setting in SETTING.finditer(plain):
        key = setting[1]
        change: Callable[[_Found, str, str], str] = _disk if key == "disk" else _file
        for string in STRING.finditer(plain, setting.start(2), setting.end(2)):
            text = string[1] or string[2] or ""
            new = change(found, key, text)
            if new != text:
                yield string.start(), string.end(), quote(new)


def _file(found: _Found, key: str, text: str) -> str:
    """What dom0 calls the file that the config calls `text`."""
    path = _here(found, key, text)
    if path is None:
        return text
    if found.files.get(path.name, path) != path:
        raise UserError(f"--guest {found.path}: two files are called {path.name}; rename one", 2)
    if key == "kernel":
        _check_kernel(found, path)
    found.files[path.name] = path
    return file_path(found.name, path.name)


def _check_kernel(found: _Found, path: Path) -> None:
    """Refuse a kernel that says that it is for something else; not all do say. Raises UserError."""
    try:
        arch = kernel.architecture(path)
    except OSError as e:
        raise UserError(f"--guest {found.path}: kernel {path}: {e.strerror}", 2) from e
    if arch and arch != found.arch:
        message = f"kernel {path} is for {arch}, the board is {found.arch}; take another one"
        raise UserError(f"--guest {found.path}: {message}", 2)


def _disk(found: _Found, key: str, text: str) -> str:
    """A disk's line, with a disk of the machine in the place of an image that is here."""
    words = [word.strip() for word in text.split(",")]
    at = next((n for n, word in enumerate(words) if word.startswith("target=")), 0)
    before = PREFIX.match(words[at])
    prefix = before[0] if before else ""
    path = _here(found, key, words[at].removeprefix(prefix))
    if path is None:
        return text
    number = len(found.disks)
    read_only = bool(READ_ONLY & set(words))
    what = f"--guest {found.path}: disk {path}"
    named = {word.removeprefix("format=") for word in (*words, *prefix.split(":"))}
    form = next((form for form in FORMATS if form in named), disks.RAW)
    if form not in (disks.RAW, disks.QCOW2):
        raise UserError(f"{what}: the format {form} cannot be; convert it to qcow2", 2)
    serial = f"{found.name}-{number}"
    found.disks.append(disks.opened(path, serial, what, form, read_only=read_only))
    words[at] = ("phy:" if prefix.endswith(":") else prefix) + disk_path(found.name, number)
    # QEMU unpacks what is packed.
    return ",".join(re.sub(r"^(format=)?qcow2$", r"\1raw", word) for word in words)


def _here(found: _Found, key: str, text: str) -> Path | None:
    """The file of this machine that a config means; None: it is dom0's. Raises UserError."""
    own = file_path(found.name, "")
    if text.startswith(own):
        path = found.path.parent / Path(text).name
        if not path.is_file():
            raise UserError(f"--guest {found.path}: {key}: there is no {path.name} beside it", 2)
        return path
    if any(Path(os.path.normpath(text)).is_relative_to(folder) for folder in DOM0):
        return None
    path = found.path.parent / text
    return path if text and path.is_file() else None
