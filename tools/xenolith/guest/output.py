# SPDX-License-Identifier: Apache-2.0
"""Writes a guest's files beside each other: all of them or none."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from xenolith.errors import FULL, UserError
from xenolith.guest.model import Guest, disk_path, file_path

CHUNK = 1 << 20
LENGTH = 100
NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LENGTH - 1}}}")
"""Of a disk: it is a word in a list of xl.cfg that commas divide."""
ENDINGS = (".cfg", ".kernel", ".initrd")
"""Of what is written beside the disk."""


def check(out: Path, given: Path | None = None) -> None:
    """Refuse what cannot be the name of a new disk image, or what is there. `given`: the input."""
    name = out.name
    if out.is_dir():
        raise UserError(f"--out {out} is a folder; name a file in it, as in app.img", 2)
    if not NAME.fullmatch(name):
        raise UserError(
            f"--out: a disk cannot be called {name[:80]!r}: a letter or a digit, then up to "
            f"{LENGTH - 1} letters, digits, '.', '_' or '-'",
            2,
        )
    if out.suffix in ("", *ENDINGS):
        raise UserError(f"--out {out}: the disk's name ends in .img; others go beside it", 2)
    for path in (out, *(out.with_suffix(ending) for ending in ENDINGS)):
        if given is not None and path.exists() and given.exists() and path.samefile(given):
            raise UserError(f"--out {out}: {path} is the image to read; choose another --out", 2)
        if os.path.lexists(path):
            raise UserError(f"{path} is there already; delete it, or choose another --out", 2)


@contextmanager
def folder(out: Path) -> Iterator[Path]:
    """An empty folder beside `out`, gone at the end; so are, after an error, parents of `out` that
    were not there. What the system refuses about either becomes a UserError."""
    missing = [path for path in out.absolute().parents if not path.exists()]
    try:
        with ExitStack() as stack:
            try:
                out.parent.mkdir(parents=True, exist_ok=True)
                made = tempfile.TemporaryDirectory(prefix=".guest-", dir=out.parent)
                place = Path(stack.enter_context(made))
            except OSError as e:
                raise _refused(e, out) from e
            try:
                yield place
            except OSError as e:
                if _is_about(e, place):
                    raise _refused(e, out) from e
                raise
    except BaseException:
        _remove(missing)
        raise


def _is_about(error: OSError, place: Path) -> bool:
    """Whether it is a file below `place`, or one without a name that found no room."""
    if error.filename is None:
        return error.errno in FULL
    names = (error.filename, error.filename2)
    return any(isinstance(name, str) and Path(name).is_relative_to(place) for name in names)


def _refused(error: OSError, out: Path) -> UserError:
    if error.errno in FULL:
        return UserError(f"disk full: no room for the guest in {out.parent}; make some")
    return UserError(f"{error.filename or out}: {error.strerror}; choose another --out")


def _remove(folders: list[Path]) -> None:
    """Remove those of some folders that are empty; the innermost comes first."""
    for path in folders:
        with suppress(OSError):
            path.rmdir()


def write(guest: Guest, out: Path) -> list[Path]:
    """The disk is `out`; kernel, initrd and xl.cfg have its name and other endings.

    The config expects them in dom0 below `file_path(guest)`. Gives their paths, config first.
    Raises UserError, also if one of them is there; then none of them is new.
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
        _move(place, [out, *named, config])
    return [config, out, *named]


def _move(place: Path, paths: list[Path]) -> None:
    """Give files their names, of which somebody may have taken one since `check`."""
    with ExitStack() as undo:
        for path in paths:
            try:
                path.touch(exist_ok=False)
            except FileExistsError as e:
                raise UserError(f"{path} is there by now; choose another --out") from e
            undo.callback(path.unlink)
        for path in paths:
            (place / path.name).replace(path)
        undo.pop_all()


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
