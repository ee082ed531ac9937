# SPDX-License-Identifier: Apache-2.0
"""Writes a guest's files beside each other: all of them or none."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xenolith.errors import UserError
from xenolith.guest.model import Guest, disk_path, file_path

CHUNK = 1 << 20


def check(out: Path) -> None:
    """Refuse what cannot be the name of a disk image."""
    if out.is_dir():
        raise UserError(f"--out {out} is a folder; name a file in it, as in app.img", 2)
    if out.suffix in ("", ".cfg", ".kernel", ".initrd"):
        raise UserError(f"--out {out}: the disk's name ends in .img; others go beside it", 2)


@contextmanager
def folder(out: Path) -> Iterator[Path]:
    """An empty folder beside `out`, gone at the end; full disks and such become a UserError."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".guest-", dir=out.parent) as name:
            yield Path(name)
    except OSError as e:
        if e.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(f"disk full: no room for the guest in {out.parent}; make some") from e
        where = e.filename or out
        raise UserError(f"{where}: {e.strerror}; choose another --out") from e


def write(guest: Guest, out: Path) -> list[Path]:
    """The disk is `out`; kernel, initrd and xl.cfg have its name and other endings.

    The config expects them in dom0 below `file_path(guest)`. Gives their paths, config first.
    Raises UserError; then none of them is new.
    """
    check(out)
    (disk,) = guest.disks
    named = {out.with_suffix(f".{name}"): path for name, path in guest.files.items()}
    config = out.with_suffix(".cfg")
    with folder(out) as place:
        for path, source in named.items():
            shutil.copyfile(source, place / path.name)
        _copy(disk, place / out.name)
        (place / config.name).write_text(_moved(guest, out))
        for path in (out, *named, config):
            (place / path.name).replace(path)
    return [config, out, *named]


def _moved(guest: Guest, out: Path) -> str:
    """The config for files with their new names."""
    text = guest.config
    for name in guest.files:
        new = file_path(guest.name, out.with_suffix(f".{name}").name)
        text = text.replace(f'"{file_path(guest.name, name)}"', f'"{new}"')
    text = text.replace(f'"{disk_path(guest.name, 0)},', f'"{file_path(guest.name, out.name)},')
    return f"# Put the files beside this one into {file_path(guest.name, '')} of dom0.\n{text}"


def _copy(source: Path, target: Path) -> None:
    """Copy a file without filling its holes."""
    with source.open("rb") as old, target.open("wb") as new:
        size = os.fstat(old.fileno()).st_size
        new.truncate(size)
        at = 0
        while at < size:
            try:
                at = os.lseek(old.fileno(), at, os.SEEK_DATA)
            except OSError:
                return
            end = os.lseek(old.fileno(), at, os.SEEK_HOLE)
            while at < end:
                data = os.pread(old.fileno(), min(CHUNK, end - at), at)
                os.pwrite(new.fileno(), data, at)
                at += len(data)
