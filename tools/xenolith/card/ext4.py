# SPDX-License-Identifier: Apache-2.0
"""Writes an ext4 file system with e2fsprogs, without root rights and always the same.

`mke2fs -d` takes owners and times of change from a directory, in the order in which that gives its
names; so it is told nothing, and debugfs puts in one name after the other. Version 1.47.0 and
later behave the same.
"""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from xenolith.card.tree import Item, Tree
from xenolith.errors import UserError, printable

BLOCK = 4096
INODE = 256
JOURNAL = 16 << 20
"""Bytes of the journal; a small file system gets what mke2fs likes."""
FEATURES = "has_journal,extent,64bit,flex_bg,metadata_csum,dir_nlink,extra_isize,resize_inode"
GROW_TO = 1 << 40
"""Bytes; as large the file system can grow without being made anew."""
LINE = 8000
"""Bytes of a command; debugfs reads 8192 at once."""
QUIET = ("debugfs ", "Allocated inode: ", "mke2fs ")


@dataclass(frozen=True)
class Format:
    """What the file system is called. `seconds`: the time at which all of it happens."""

    label: str
    uuid: str
    seconds: int


def space(tree: Tree) -> int:
    """Bytes of a file system that holds a tree, with a reserve for what lies between."""
    files = [item for item in tree.values() if not item.is_second_name]
    content = sum(-(-item.size // BLOCK) * BLOCK for item in files if stat.S_ISREG(item.mode))
    folders = sum(BLOCK for item in files if stat.S_ISDIR(item.mode))
    return int((content + folders + len(tree) * (INODE + 64)) * 1.04) + (4 << 20)


def commands(tree: Tree, contents: dict[str, Path]) -> Iterator[str]:
    """What debugfs must be told, line by line. `contents`: files with the data, by path."""
    links: dict[str, int] = {}
    for item in tree.values():
        if item.is_second_name:
            links[item.target] = links.get(item.target, 1) + 1
    here = ""
    for path in _in_order(tree):
        item, place = tree[path], PurePosixPath(path)
        folder = "" if str(place.parent) == "." else str(place.parent)
        if path and folder != here:
            yield f"cd {quote('/' + folder)}"
            here = folder
        yield from _make(item, place.name, contents)
        if item.is_second_name:
            continue
        yield from _inode(item, links.get(path, 1))


def _in_order(tree: Tree) -> list[str]:
    """Parents before children, names of one folder together, second names last."""

    def key(path: str) -> tuple[bool, tuple[str, ...], str]:
        parts = PurePosixPath(path).parts
        return (tree[path].is_second_name, parts[:-1], path)

    return sorted(tree, key=key)


def _make(item: Item, name: str, contents: dict[str, Path]) -> Iterator[str]:
    kind = stat.S_IFMT(item.mode)
    if not item.path:
        return
    if item.is_second_name:
        yield f"ln {quote('/' + item.target)} {quote(name)}"
    elif kind == stat.S_IFDIR:
        if item.path != "lost+found":
            yield f"mkdir {quote(name)}"
    elif kind == stat.S_IFREG:
        yield f"write {quote(str(contents[item.path]))} {quote(name)}"
    elif kind == stat.S_IFLNK:
        yield f"symlink {quote(name)} {quote(item.target)}"
    elif kind == stat.S_IFIFO:
        yield f"mknod {quote(name)} p"
    else:
        letter = "c" if kind == stat.S_IFCHR else "b"
        yield f"mknod {quote(name)} {letter} {item.device[0]} {item.device[1]}"


def _inode(item: Item, links: int) -> Iterator[str]:
    name = quote(f"/{item.path}")
    if not stat.S_ISLNK(item.mode):
        yield f"sif {name} mode 0{item.mode:o}"
    if item.uid:
        yield f"sif {name} uid {item.uid}"
    if item.gid:
        yield f"sif {name} gid {item.gid}"
    yield f"sif {name} mtime @{item.mtime}"
    if links > 1:
        yield f"sif {name} links_count {links}"
    for attribute, value in item.attributes:
        escaped = "".join(f"\\x{byte:02x}" for byte in value)
        yield f"ea_set {name} {attribute} {quote(escaped)}"


def quote(word: str) -> str:
    """A word as debugfs's command line wants it. Raises UserError for what no quoting can carry."""
    if any(letter in word for letter in "\n\r\0"):
        raise UserError(f"a file cannot be called {word[:80]!r} in an image")
    return '"' + word.replace('"', '""') + '"'


def write(tree: Tree, image: Path, size: int, form: Format, spool: Path) -> None:
    """Make `image`, `size` bytes. Raises UserError if something does not fit."""
    blocks = size // BLOCK
    needed = space(tree)
    if needed > size:
        raise UserError(f"a root file system of {size >> 20} MiB cannot hold {needed >> 20} MiB", 2)
    with image.open("wb") as f:
        f.truncate(blocks * BLOCK)
    journal = ["-J", f"size={JOURNAL >> 20}"] if size >= 32 * JOURNAL else []
    resize = f"resize={GROW_TO // BLOCK}"
    options = f"hash_seed={form.uuid},lazy_itable_init=0,lazy_journal_init=0,nodiscard,{resize}"
    inodes = max(len(tree) * 5 // 4, size // 32768) + 64
    make = ["mke2fs", "-q", "-F", "-t", "ext4", "-b", str(BLOCK), "-I", str(INODE), "-m", "1"]
    make += [
        "-O",
        f"none,ext_attr,filetype,sparse_super,large_file,dir_index,{FEATURES}",
        "-E",
        options,
    ]
    make += ["-N", str(inodes), "-U", form.uuid, "-L", form.label, *journal]
    _run([*make, str(image), str(blocks)], form.seconds)
    contents = _contents(tree, spool)
    script = spool / "debugfs"
    with script.open("wb") as f:
        for line in commands(tree, contents):
            # A name that is no UTF-8 came as tarfile reads it.
            f.write(_checked(line.encode("utf-8", "surrogateescape")) + b"\n")
    _run(["debugfs", "-w", "-f", str(script), str(image)], form.seconds)
    _run(["e2fsck", "-fn", str(image)], form.seconds)


def _checked(line: bytes) -> bytes:
    """A line for debugfs, which would take the rest of a longer one for its next command."""
    if len(line) > LINE:
        raise UserError(f"a name or an attribute is too long for an image: {line[:60]!r}...")
    return line


def _contents(tree: Tree, spool: Path) -> dict[str, Path]:
    """A file for each content."""
    found = {}
    for number, (path, item) in enumerate(sorted(tree.items())):
        if isinstance(item.data, Path):
            found[path] = item.data
        elif stat.S_ISREG(item.mode) and not item.is_second_name:
            found[path] = spool / f"small-{number:06}"
            found[path].write_bytes(item.data)
    return found


def _run(command: list[str], seconds: int) -> None:
    """Run a program of e2fsprogs; UserError with its first complaint."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    env = {**os.environ, "PATH": path, "LC_ALL": "C", "E2FSPROGS_FAKE_TIME": str(seconds)}
    env["SOURCE_DATE_EPOCH"] = str(seconds)
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", env=env, check=False
        )
    except FileNotFoundError as e:
        raise UserError(f"{command[0]} not found; apt install e2fsprogs") from e
    said = [line for line in done.stderr.splitlines() if line and not line.startswith(QUIET)]
    said = [line for line in said if not line.startswith("e2fsck ")]
    if done.returncode != 0 or said:
        first = (said or done.stdout.strip().splitlines() or ["no reason given"])[0]
        raise UserError(f"{shlex.join(command[:3])}: {printable(first)}")
