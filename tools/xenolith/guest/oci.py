# SPDX-License-Identifier: Apache-2.0
"""Makes a guest of an OCI image: its files on a disk, its program started by an initrd of ours.

The image's own files stay as they are but for what a container's host provides too: names of hosts
and name servers, and the folders that file systems of the kernel are mounted on.
"""

from __future__ import annotations

import hashlib
import shlex
import uuid
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from xenolith import progress
from xenolith.card import ext4, tree
from xenolith.card.login import check_hostname
from xenolith.card.tree import Tree
from xenolith.dom0 import cache, cpio
from xenolith.dom0.cpio import Entry
from xenolith.errors import UserError
from xenolith.guest import archive, kernel, layers, model, program
from xenolith.guest.archive import Image, Source
from xenolith.guest.kernel import FOLDER, INITRD, KERNEL, Kernel
from xenolith.guest.model import Guest
from xenolith.guest.program import Program
from xenolith.system.placement import MIB

LIMIT = 4 << 30
"""Bytes that an image may unpack to, unless the disk shall be larger."""
DISK, SPOOL = "disk.img", "spool"
TOOLS = "/dev/.guest/busybox"
"""Where app.sh puts it for the program's start."""
ABOUT = """The program of an OCI image: xl create -c FILE; Ctrl-] leaves the console.
The guest ends with its program: `poweroff` for status 0, `reboot` for another one, which the
console shows. `xl shutdown` asks the program to end, and ends it after ten seconds.
"""
MOUNTS = ("dev", "proc", "sys")


@dataclass(frozen=True)
class Wishes:
    """What a user decides. `size`: of the disk in bytes, 0: what the image needs and some more.

    Raises UserError for what cannot be.
    """

    name: str
    hostname: str = ""
    """Empty: the guest's name."""
    image: str = ""
    """Which one, if there are several."""
    arguments: tuple[str, ...] = ()
    """Instead of the image's."""
    size: int = 0
    memory: int = 256
    """MiB."""

    def __post_init__(self) -> None:
        model.check_name(self.name)
        check_hostname(self.hostname or model.host_name(self.name))
        model.check_disk_size(self.size)


@dataclass(frozen=True)
class Opened:
    """An image that was read and fits the wishes."""

    wishes: Wishes
    arch: str
    image: Image
    files: Tree
    program: Program


def read(arch: str, path: Path, wishes: Wishes, place: Path) -> Opened:
    """The image, unpacked to `place`, an empty folder. It needs no program but zstd.

    `path`: an OCI layout, as a folder or an archive, or what `docker save` writes.
    `arch`: Debian's name of an architecture, which is OCI's. Raises UserError.
    """
    spool = place / SPOOL
    spool.mkdir()
    with progress.step(f"reading {path.name}"):
        files, image = _read(path, arch, wishes, spool)
        started = program.read(image.config, files, wishes.arguments)
    return Opened(wishes, arch, image, files, started)


def make(opened: Opened, place: Path) -> Guest:
    """The guest of an image that was read to the same `place`. Raises UserError."""
    wishes = opened.wishes
    hostname = wishes.hostname or model.host_name(wishes.name)
    linux = kernel.prepare(opened.arch)
    _provide(opened.files, hostname)
    with progress.step("writing the guest's disk"):
        _write(opened.files, opened.image, wishes, place / DISK, place / SPOOL)
    initrd = linux.initrd(_starter(hostname, opened.program))
    cache.write_atomic(place / INITRD, initrd)
    return _guest(wishes, linux, opened.image, place)


def _read(path: Path, arch: str, wishes: Wishes, spool: Path) -> tuple[Tree, Image]:
    """The files and the configuration of an image."""
    limit = max(LIMIT, wishes.size)
    with closing(Source(path, spool, limit)) as source:
        image = archive.choose(source, arch, wishes.image)
        files = layers.Layers(spool, limit)
        for number in range(len(image.layers)):
            plain = image.unpacked(number, limit)
            files.add(plain, f"layer {number + 1} of {path}")
            plain.unlink()
    if files.left_out:
        progress.note(f"left out: {files.left_out} device nodes; a guest's kernel makes its own")
    return files.tree(), image


def _provide(found: Tree, hostname: str) -> None:
    """What a container's host provides. A link in its place would lead elsewhere."""
    for name in ("etc", *MOUNTS):
        if name not in found or not _is_folder(found, name):
            tree.drop(found, name)
            tree.put(found, [tree.directory(name)], 0)
    names = f"127.0.0.1 localhost\n127.0.1.1 {hostname}\n::1 localhost\n"
    items = [
        tree.file("etc/hostname", f"{hostname}\n"),
        tree.file("etc/hosts", names),
        tree.file("etc/resolv.conf", ""),
    ]
    tree.drop(found, *(item.path for item in items))
    tree.put(found, items, 0)


def _is_folder(found: Tree, name: str) -> bool:
    return found[name].mode >> 12 == 0o04


def _write(found: Tree, image: Image, wishes: Wishes, disk: Path, spool: Path) -> None:
    needs = ext4.space(found)
    size = wishes.size or -(-(needs * 5 // 4 + 64 * MIB) // (16 * MIB)) * 16 * MIB
    if needs > size:
        raise UserError(f"--size: this image needs {-(-needs // MIB)}M or more", 2)
    cache.require_space(disk.parent, needs, "choose another --out")
    digests = "".join(digest for _, digest in image.layers)
    identity = hashlib.sha256(f"{wishes!r}{digests}".encode()).digest()
    name = str(uuid.UUID(bytes=identity[:16], version=4))
    seconds = max(item.mtime for item in found.values())
    ext4.write(found, disk, size, ext4.Format("guest", name, seconds), spool)


def _starter(hostname: str, started: Program) -> list[Entry]:
    """What init.sh finds in the initrd for this image."""
    facts = f"name={shlex.quote(hostname)}\nuid={started.uid}\nsignal={started.signal}\n"
    stop = (FOLDER / "stop.sh").read_bytes()
    return [
        cpio.file("guest/app", facts.encode()),
        cpio.file("guest/app.sh", (FOLDER / "app.sh").read_bytes()),
        cpio.file("guest/command", started.script(TOOLS).encode()),
        cpio.file("guest/udhcpc.sh", (FOLDER / "udhcpc.sh").read_bytes(), 0o755),
        cpio.file("sbin/poweroff", stop, 0o755),
        cpio.file("sbin/reboot", stop, 0o755),
        cpio.directory("etc"),
    ]


def _guest(wishes: Wishes, linux: Kernel, image: Image, place: Path) -> Guest:
    settings = kernel.settings(wishes.name, wishes.memory, "rw quiet panic=5")
    settings |= {"on_poweroff": "destroy", "on_reboot": "destroy", "on_crash": "destroy"}
    about = f'{ABOUT}on_reboot = "restart" starts a program again that has failed.\n'
    ports = (image.config.get("config") or {}).get("ExposedPorts")
    names = sorted(ports) if isinstance(ports, dict) else []
    listed = ", ".join(name for name in names if name.isprintable())
    about += f"Ports that it says it serves: {listed}.\n" if listed else ""
    files = {KERNEL: linux.image, INITRD: place / INITRD}
    return Guest(wishes.name, model.config_text(settings, about), files, (place / DISK,))
