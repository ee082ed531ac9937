# SPDX-License-Identifier: Apache-2.0
"""Puts the layers of an image on top of each other, as a table of paths: [image-spec, layer.md].

Nothing is unpacked on this machine: contents become numbered files, names stay names. So no link
and no path can lead anywhere, and owners, modes and device nodes need no rights.
"""

from __future__ import annotations

import stat
import tarfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from xenolith.card.tree import XATTR, Item, Tree
from xenolith.errors import UserError
from xenolith.guest import blob

ENTRIES = 500_000
"""Names in all layers."""
PATH, NAME = 4095, 255
"""Bytes."""
LINKS = 40
"""Symbolic links on the way to one file, as in Linux."""
DEPTH = 500
"""Folders in each other."""
STEPS = 50_000_000
"""From folder to folder, for all names, and to each file that is to be hidden: half a minute."""
WHITEOUT, OPAQUE, AUFS = ".wh.", ".wh..wh..opq", ".wh..wh."
CAPABILITY = "security.capability"
LATEST = (1 << 32) - 1
"""A time, an owner: what ext4's fields of 32 bits hold."""
KINDS = {
    tarfile.DIRTYPE: stat.S_IFDIR,
    tarfile.SYMTYPE: stat.S_IFLNK,
    tarfile.FIFOTYPE: stat.S_IFIFO,
}
DEVICES = (tarfile.CHRTYPE, tarfile.BLKTYPE)


@dataclass
class Node:
    """A file that one or more names stand for; a folder knows what is in it."""

    item: Item
    children: dict[str, Node] = field(default_factory=dict)
    layer: int = 0
    """That it, or the last thing said of it, is from."""

    @property
    def is_folder(self) -> bool:
        """A directory."""
        return stat.S_ISDIR(self.item.mode)


class Layers:
    """The files of an image, layer by layer. `limit`: bytes of all contents."""

    def __init__(self, spool: Path, limit: int) -> None:
        self.root = Node(Item("", stat.S_IFDIR | 0o755))
        self.left_out = 0
        """Device nodes: /dev of a guest is its kernel's."""
        self._spool, self._limit = spool, limit
        self._bytes = self._entries = self._files = self._layer = self._steps = 0

    def add(self, archive: Path, what: str) -> None:
        """Put a layer on top. Raises UserError for what no layer should have."""
        self._layer += 1
        with (
            blob.reading(what),
            blob.BoundedFile(archive, "rb") as f,
            tarfile.open(fileobj=f, mode="r:") as tar,
        ):
            for entry in blob.entries(tar):
                self._entry(tar, entry, what)

    def _entry(self, tar: tarfile.TarFile, entry: tarfile.TarInfo, what: str) -> None:
        self._count(1)
        parts = _parts(entry.name, what)
        if not parts:
            if entry.isdir():
                self.root.item = self._item(entry, stat.S_IFDIR)
            return
        folder = self._folder(parts[:-1], what)
        name = parts[-1]
        if name.startswith(WHITEOUT):
            self._whiteout(folder, name, what)
        elif entry.type in DEVICES:
            self.left_out += 1
        elif entry.islnk():
            self._put(folder, name, self._linked(entry, what))
        elif entry.issym() and len(entry.linkname.encode("utf-8", "surrogateescape")) > PATH:
            raise UserError(f"{what}: the link {entry.name[:80]!r} is too long for a file system")
        elif entry.isreg() or entry.type in KINDS:
            self._put(folder, name, Node(self._content(tar, entry), layer=self._layer))

    def _count(self, number: int) -> None:
        self._entries += number
        if self._entries > ENTRIES:
            raise UserError(f"the image has more than {ENTRIES} names; no guest is made of that")

    def _step(self, what: str) -> None:
        self._steps += 1
        if self._steps > STEPS:
            raise UserError(f"{what}: folders in folders without end")

    def _item(self, entry: tarfile.TarInfo, kind: int) -> Item:
        """Everything but content and path."""
        attribute = entry.pax_headers.get(XATTR + CAPABILITY, "")
        value = attribute.encode("utf-8", "surrogateescape")[:64]
        return Item(
            "",
            kind | (entry.mode & 0o7777),
            uid=_owner(entry.uid),
            gid=_owner(entry.gid),
            mtime=min(max(int(entry.mtime), 0), LATEST),
            target=entry.linkname if kind == stat.S_IFLNK else "",
            attributes=((CAPABILITY, value),) if value and kind == stat.S_IFREG else (),
        )

    def _content(self, tar: tarfile.TarFile, entry: tarfile.TarInfo) -> Item:
        item = self._item(entry, KINDS.get(entry.type, stat.S_IFREG))
        if not stat.S_ISREG(item.mode) or not entry.size:
            return item
        self._bytes += entry.size
        if self._bytes > self._limit:
            raise UserError(
                f"the image holds more than {self._limit >> 20} MiB; a larger --size allows more"
            )
        path = self._spool / f"file-{self._files:06}"
        self._files += 1
        source = tar.extractfile(entry)
        assert source is not None
        with path.open("wb") as out:
            while data := source.read(blob.CHUNK):
                out.write(data)
        return replace(item, data=path)

    def _folder(self, parts: list[str], what: str) -> Node:
        """The folder of a path, through links of the image; what is missing is made."""
        waiting, trail = list(reversed(parts)), [self.root]
        links = 0
        while waiting:
            name = waiting.pop()
            self._step(what)
            if len(trail) > DEPTH:
                raise UserError(f"{what}: folders in folders without end")
            if name == "..":
                trail = trail[:-1] or trail
                continue
            node = trail[-1].children.get(name)
            if node is None:
                self._count(1)
                node = Node(Item("", stat.S_IFDIR | 0o755), layer=self._layer)
                trail[-1].children[name] = node
            elif stat.S_ISLNK(node.item.mode):
                links += 1
                if links > LINKS:
                    raise UserError(f"{what}: {'/'.join(parts)[:80]!r} goes round in links")
                trail = [self.root] if node.item.target.startswith("/") else trail
                waiting += reversed(_words(node.item.target))
                continue
            elif not node.is_folder:
                raise UserError(f"{what}: {'/'.join(parts)[:80]!r} leads through a file")
            trail.append(node)
        return trail[-1]

    def _whiteout(self, folder: Node, name: str, what: str) -> None:
        """Hide what lower layers have."""
        if name == OPAQUE:
            for child in list(folder.children):
                self._hide(folder, child, what)
        elif not name.startswith(AUFS):
            self._hide(folder, name.removeprefix(WHITEOUT), what)

    def _hide(self, folder: Node, name: str, what: str) -> None:
        """Of a folder that this layer has too, only what is older goes."""
        self._step(what)
        node = folder.children.get(name)
        if node is None:
            return
        for child in list(node.children):
            self._hide(node, child, what)
        if node.layer < self._layer and not node.children:
            del folder.children[name]

    def _linked(self, entry: tarfile.TarInfo, what: str) -> Node:
        """The file that a hard link is another name of."""
        parts = _parts(entry.linkname, what)
        node = self._folder(parts[:-1], what).children.get(parts[-1]) if parts else None
        if node is None or node.is_folder:
            raise UserError(f"{what}: {entry.name[:80]!r} is a link to a file that is not there")
        return node

    def _put(self, folder: Node, name: str, node: Node) -> None:
        old = folder.children.get(name)
        if old is not None and old.is_folder and node.is_folder:
            old.item, old.layer = node.item, self._layer
        else:
            folder.children[name] = node

    def tree(self) -> Tree:
        """What all layers make together."""
        found: Tree = {"": self.root.item}
        names: dict[int, str] = {}
        waiting = [("", self.root)]
        while waiting:
            folder, parent = waiting.pop()
            for name, node in sorted(parent.children.items()):
                path = f"{folder}/{name}" if folder else name
                first = names.setdefault(id(node), path)
                if first != path and stat.S_ISREG(node.item.mode):
                    found[path] = replace(node.item, path=path, data=b"", target=first)
                else:
                    found[path] = replace(node.item, path=path)
                if node.is_folder:
                    waiting.append((path, node))
        return found


def _owner(number: int) -> int:
    """A number that ext4 can hold; root for another one."""
    return number if 0 <= number < LATEST else 0


def _words(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _parts(path: str, what: str) -> list[str]:
    """The names of a path below the root. Raises UserError for one that leads out."""
    parts = _words(path)
    size = len(path.encode("utf-8", "surrogateescape"))
    if path.startswith("/") or ".." in parts:
        raise UserError(f"{what}: the path {path[:80]!r} leads out of the image")
    if size > PATH or any(len(p.encode("utf-8", "surrogateescape")) > NAME for p in parts):
        raise UserError(f"{what}: the path {path[:80]!r}... is too long for a file system")
    return parts
