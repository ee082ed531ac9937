# SPDX-License-Identifier: Apache-2.0
"""Puts a card image together: partition table, boot partition, root; complete or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from xenolith import progress
from xenolith.boards import Board
from xenolith.card import (
    boot,
    ext4,
    fat,
    kernel,
    layout,
    mbr,
    packages,
    recipe,
    rootfs,
    stage,
    tree,
)
from xenolith.card.login import Login
from xenolith.card.tree import Tree
from xenolith.dom0 import cache, cpio
from xenolith.dom0 import image as dom0_image
from xenolith.dom0 import recipe as dom0_recipe
from xenolith.dom0.image import Dom0
from xenolith.errors import UserError
from xenolith.package import xentools
from xenolith.system.placement import MIB

BOOT_LABEL, ROOT_LABEL = "BOOT", "dom0"


@dataclass(frozen=True)
class Request:
    """What the user wants on a card. `size`: of the image in bytes, None: as small as it can be."""

    board: Board
    hypervisor: Path
    hypervisor_line: str
    dom0_line: str
    """Without root=, which only this module knows."""
    hostname: str = "dom0"
    login: Login = field(default_factory=Login)
    packages: tuple[str, ...] = ()
    size: int | None = None
    minimal: bool = False
    trusted: bool = False
    overlay: bytes = b""
    """An archive behind the initramfs: commands for a dom0 of busybox (xenolith.lab.protocol)."""

    def identity(self, *more: str) -> bytes:
        """Bytes that name the card's disk and file systems: the same for the same wishes."""
        words = [self.board.name, self.hypervisor_line, self.dom0_line, self.hostname]
        words += [self.login.user, *self.login.keys, *self.packages, str(self.minimal), *more]
        return hashlib.sha256("\0".join(words).encode()).digest()


@dataclass(frozen=True)
class Made:
    """What was written. `content`: bytes that are not zero, about."""

    path: Path
    layout: layout.Layout
    content: int
    identifier: int


@dataclass(frozen=True)
class _Parts:
    """All that an image is made of."""

    shape: layout.Layout
    boot: dict[str, bytes]
    root: Tree
    identity: bytes
    seconds: int


def _identifier(identity: bytes) -> int:
    """The disk's, which is not 0."""
    return int.from_bytes(identity[:4], "little") | 1


def build(request: Request, out: Path) -> Made:
    """Write the image. Raises UserError; then `out` is as it was."""
    boot.facts(request.board)
    arch = request.board.debian_arch
    linux = kernel.of_dom0(arch)
    dom0 = dom0_image.build(arch)
    usual = dom0.core.read_bytes()
    identity = request.identity(linux.release)
    identifier = _identifier(identity)
    with _folder(out) as place:
        if request.minimal:
            found = _minimal(dom0, request.hostname, linux.seconds)
        else:
            found = _debian(request, linux, identifier, place)
            # The kernel and the initial file system of /etc/xen/demo.cfg.
            tree.put(found, _items(dom0.guests), linux.seconds)
        files = _boot_files(request, linux, usual, identifier)
        needs = ext4.space(found)
        total = sum(map(len, files.values()))
        shape = layout.plan(total, needs, request.size, minimal=request.minimal)
        with progress.step("writing the card image"):
            cache.require_space(out.parent, total + 2 * needs, "choose another --out")
            part = _write(_Parts(shape, files, found, identity, linux.seconds), place)
        content = part.stat().st_blocks * 512
        part.replace(out)
    return Made(out, shape, content, identifier)


def _boot_files(
    request: Request, linux: kernel.Kernel, usual: bytes, identifier: int
) -> dict[str, bytes]:
    root = f"root=PARTUUID={identifier:08x}-02{' rw' if request.minimal else ''}"
    return boot.files(
        request.board,
        request.hypervisor,
        linux,
        boot.initrd(usual, linux, request.overlay),
        boot.Lines(request.hypervisor_line, f"{request.dom0_line} {root}"),
        trusted=request.trusted,
    )


@contextmanager
def _folder(out: Path) -> Iterator[Path]:
    """A folder beside `out`, gone at the end."""
    if out.is_dir():
        raise UserError(f"--out {out} is a folder; name a file in it", 2)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".card-", dir=out.parent) as name:
            (Path(name) / "spool").mkdir()
            yield Path(name)
    except OSError as e:
        if e.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(f"disk full: no room for the image in {out.parent}; make some") from e
        raise UserError(f"cannot write {out}: {e.strerror}; choose another --out") from e


def _items(archive: Path) -> list[tree.Item]:
    """What is in an archive of dom0's."""
    return [
        tree.Item(
            entry.path,
            entry.mode,
            data=b"" if stat.S_ISLNK(entry.mode) else entry.data,
            target=entry.data.decode() if stat.S_ISLNK(entry.mode) else "",
            device=entry.device,
        )
        for entry in cpio.unpack(archive.read_bytes())
    ]


def _minimal(dom0: Dom0, hostname: str, seconds: int) -> Tree:
    """The root of a dom0 of busybox: what is in its initramfs."""
    found: Tree = {"": replace(tree.directory(""), mtime=seconds)}
    items = [*_items(dom0.core), *_items(dom0.guests)]
    more = [
        tree.file("etc/hostname", f"{hostname}\n"),
        tree.link("sbin/init", "../init"),
        tree.directory("xenolith"),
    ]
    tree.put(found, [*items, *more], seconds)
    return found


def _debian(request: Request, linux: kernel.Kernel, identifier: int, place: Path) -> Tree:
    """The root of a Debian dom0."""
    rules, suite, arch = recipe.load(), dom0_recipe.load().suite, linux.arch
    asked = {*rules.packages, *rules.more.get(arch, ()), *request.packages}
    needs = {*asked, *xentools.DEPENDS} if linux.is_ours else asked
    chosen = packages.solve(sorted(needs), suite, arch)
    if linux.is_ours:
        asked.add(xentools.NAME)
        tools = xentools.package(arch, linux.seconds)
        chosen.append(packages.Package(xentools.NAME, tools, essential=False))
    found = stage.read(stage.root(chosen, rules, linux), place / "spool", linux.seconds)
    listed = rootfs.sources_list(suite)
    choice = rootfs.Choice(
        request.hostname, request.login, identifier, listed, debian_kernel=not linux.is_ours
    )
    rootfs.finish(found, choice, rootfs.files(), chosen, asked)
    return found


def _write(parts: _Parts, place: Path) -> Path:
    """The image, in `place`."""
    shape, identity = parts.shape, parts.identity
    root, part = place / "root", place / "image"
    name = str(uuid.UUID(bytes=identity[8:24], version=4))
    form = ext4.Format(ROOT_LABEL, name, parts.seconds)
    ext4.write(parts.root, root, shape.root.size, form, place / "spool")
    serial = int.from_bytes(identity[4:8], "little")
    boot_form = fat.Format(shape.boot.size, BOOT_LABEL, serial, parts.seconds)
    pieces = fat.pack(parts.boot, boot_form)
    with part.open("wb") as image:
        image.truncate(shape.size)
        image.write(mbr.pack([shape.boot, shape.root], _identifier(identity)))
        for offset, data in pieces:
            image.seek(shape.boot.start + offset)
            image.write(data)
        image.flush()
        _copy(root, image.fileno(), shape.root.start)
        os.fsync(image.fileno())
    return part


def _copy(source: Path, target: int, offset: int) -> None:
    """Copy what is not a hole."""
    with source.open("rb") as f:
        at = 0
        while True:
            try:
                at = os.lseek(f.fileno(), at, os.SEEK_DATA)
            except OSError:
                return
            end = os.lseek(f.fileno(), at, os.SEEK_HOLE)
            while at < end:
                data = os.pread(f.fileno(), min(MIB, end - at), at)
                if data.strip(b"\0"):
                    os.pwrite(target, data, offset + at)
                at += len(data)
