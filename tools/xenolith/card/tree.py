# SPDX-License-Identifier: Apache-2.0
"""A file system as values: what a card's root holds, with owners that the builder need not have.

Contents of any size stay in files; nothing here needs root rights.
"""

from __future__ import annotations

import itertools
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from xenolith.errors import UserError

XATTR = "SCHILY.xattr."
"""How GNU tar names an extended attribute in a pax header."""
MERGED = ("bin", "lib", "lib64", "sbin")
"""Links into /usr: what a package has below them belongs there."""


@dataclass(frozen=True)
class Item:
    """One name. `mode` has type and permission bits, `mtime` is in seconds since 1970."""

    path: str
    """Without a leading slash; empty: the root directory."""
    mode: int
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    data: bytes | Path = b""
    """Content of a regular file, or the file on this machine that has it."""
    target: str = ""
    """Of a symbolic link; or the path of the file that this is a second name of."""
    device: tuple[int, int] = (0, 0)
    attributes: tuple[tuple[str, bytes], ...] = ()
    """Extended attributes, such as a program's capabilities."""

    @property
    def is_second_name(self) -> bool:
        """A hard link."""
        return stat.S_ISREG(self.mode) and bool(self.target)

    @property
    def size(self) -> int:
        """Bytes of content."""
        return len(self.data) if isinstance(self.data, bytes) else self.data.stat().st_size


Tree = dict[str, Item]


def directory(path: str, mode: int = 0o755, *, uid: int = 0, gid: int = 0) -> Item:
    """A directory."""
    return Item(path, stat.S_IFDIR | mode, uid, gid)


def file(path: str, data: bytes | str, mode: int = 0o644, *, uid: int = 0, gid: int = 0) -> Item:
    """A regular file."""
    content = data.encode() if isinstance(data, str) else data
    return Item(path, stat.S_IFREG | mode, uid, gid, data=content)


def link(path: str, target: str) -> Item:
    """A symbolic link."""
    return Item(path, stat.S_IFLNK | 0o777, target=target)


def put(tree: Tree, items: list[Item], mtime: int) -> None:
    """Add or replace items, dated `mtime`; parents that are missing become directories.

    Other names of a file that is replaced keep its content.
    """
    _hand_over(tree, {item.path for item in items})
    for item in items:
        for parent in reversed(PurePosixPath(item.path).parents[:-1]):
            tree.setdefault(str(parent), replace(directory(str(parent)), mtime=mtime))
        tree[item.path] = replace(item, mtime=mtime)


def drop(tree: Tree, *paths: str) -> None:
    """Remove names, and what is below them; other names of a file keep its content."""
    wanted = tuple(f"{path}/" for path in paths)
    names = {p for p in tree if p in paths or p.startswith(wanted)}
    _hand_over(tree, names)
    for name in names:
        del tree[name]


def _hand_over(tree: Tree, leaving: set[str]) -> None:
    """Of each file whose first name is leaving, the next one that stays becomes the first."""
    firsts = {name for name in leaving if name in tree and stat.S_ISREG(tree[name].mode)}
    heirs: dict[str, str] = {}
    for path, item in tree.items() if firsts else ():
        if not item.is_second_name or item.target not in firsts or path in leaving:
            continue
        if item.target in heirs:
            tree[path] = replace(item, target=heirs[item.target])
        else:
            heirs[item.target] = path
            tree[path] = replace(tree[item.target], path=path)


def text(tree: Tree, path: str) -> str:
    """The content of a text file. Raises UserError if there is none."""
    item = tree.get(path)
    if item is None or not stat.S_ISREG(item.mode):
        raise UserError(f"the root file system has no /{path}: its packages have changed")
    data = item.data if isinstance(item.data, bytes) else item.data.read_bytes()
    return data.decode(errors="replace")


def read_tar(tar: tarfile.TarFile, spool: Path, *, latest: int | None = None) -> Iterator[Item]:
    """The items of an archive; contents go to numbered files in `spool`.

    `latest`: times after it become it. Sockets are left out: they belong to running programs.
    """
    begin = len(list(spool.iterdir()))
    numbers = itertools.count(begin)
    for entry in tar:
        path = merged(entry.name)
        kind = _kind(entry)
        if not kind:
            continue
        mtime = int(entry.mtime) if latest is None else min(int(entry.mtime), latest)
        base = Item(path, kind | (entry.mode & 0o7777), entry.uid, entry.gid, max(mtime, 0))
        if entry.issym():
            yield replace(base, target=entry.linkname)
        elif entry.islnk():
            yield replace(base, target=merged(entry.linkname))
        elif entry.isreg():
            yield replace(
                base, data=_content(tar, entry, spool, numbers), attributes=_xattrs(entry)
            )
        elif entry.isdir():
            yield base
        else:
            yield replace(base, device=(entry.devmajor, entry.devminor))


def _kind(entry: tarfile.TarInfo) -> int:
    kinds = {
        tarfile.DIRTYPE: stat.S_IFDIR,
        tarfile.SYMTYPE: stat.S_IFLNK,
        tarfile.CHRTYPE: stat.S_IFCHR,
        tarfile.BLKTYPE: stat.S_IFBLK,
        tarfile.FIFOTYPE: stat.S_IFIFO,
        tarfile.LNKTYPE: stat.S_IFREG,
    }
    return stat.S_IFREG if entry.isreg() else kinds.get(entry.type, 0)


def _content(
    tar: tarfile.TarFile, entry: tarfile.TarInfo, spool: Path, numbers: Iterator[int]
) -> bytes | Path:
    source = tar.extractfile(entry)
    assert source is not None
    if entry.size == 0:
        return b""
    path = spool / f"{next(numbers):06}"
    with path.open("wb") as out:
        while chunk := source.read(1 << 20):
            out.write(chunk)
    return path


def _xattrs(entry: tarfile.TarInfo) -> tuple[tuple[str, bytes], ...]:
    return tuple(
        (name.removeprefix(XATTR), value.encode("utf-8", "surrogateescape"))
        for name, value in sorted(entry.pax_headers.items())
        if name.startswith(XATTR)
    )


def merged(name: str) -> str:
    """A path of a package in a system whose /bin, /lib and /sbin are links into /usr."""
    parts = PurePosixPath(name).parts
    if ".." in parts:
        raise UserError(f"an archive has the path {name!r}; delete it from the cache")
    parts = tuple(part for part in parts if part not in (".", "/"))
    if len(parts) > 1 and parts[0] in MERGED:
        parts = ("usr", *parts)
    return "/".join(parts)
