# SPDX-License-Identifier: Apache-2.0
"""Disks and a shared folder of a run: --disk IMG[,ro] and --share DIR[,ro], as QEMU takes them."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from xenolith.boards import Board
from xenolith.errors import UserError

SECTOR = 512
TAG = "share"
"""By this name dom0 finds the shared folder."""
READ_ONLY = ",ro"
RAW, QCOW2 = "raw", "qcow2"
"""Formats that a disk can have, by QEMU's names."""

FORMATS = {
    b"QFI\xfb": QCOW2,
    b"QED\0": "QED",
    b"KDMV": "VMDK",
    b"# Disk Descrip": "VMDK",
    b"vhdxfile": "VHDX",
    b"conectix": "VHD",
    b"<<< ": "VDI",
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"PK\3\4": "zip",
}
"""How images begin that are no raw disks. This only refuses: a guest decides how its raw disk
begins, and a qcow2 image can name any file of this machine as its contents."""
PACKED = {"gzip": "gunzip", "xz": "unxz", "zstd": "unzstd", "bzip2": "bunzip2", "zip": "unzip"}

WRITER = 101
"""QEMU holds a lock on this byte of an image that it writes to: 100 and the number of a permission
[QEMU, block/file-posix.c: RAW_LOCK_PERM_BASE; include/block/block-common.h: BLK_PERM_WRITE]."""
LOCK = "hhqqi4x"
"""struct flock of a 64-bit Linux."""


@dataclass(frozen=True)
class Disk:
    """An image. `serial`: what dom0 finds it by, at most 20 characters."""

    path: Path
    serial: str
    form: str = RAW
    read_only: bool = False
    temporary: bool = False
    """What is written is lost with the machine."""


@dataclass(frozen=True)
class Share:
    """A folder of this machine that dom0 sees as /share."""

    path: Path
    read_only: bool = False


def parse(text: str, number: int) -> Disk:
    """The value of the --disk of this number: qcow2 if its name says so, else raw.

    Raises UserError for what is no disk, or in use.
    """
    path, read_only = _split(text)
    form = QCOW2 if path.suffix == f".{QCOW2}" else RAW
    return opened(path, f"disk{number}", f"--disk {path}", form, read_only=read_only)


def opened(path: Path, serial: str, what: str, form: str = RAW, *, read_only: bool = False) -> Disk:
    """An image that can be a disk of a format that the user has chosen; `what` names it in errors.

    Raises UserError.
    """
    # A disk of this machine that is mounted, or part of something, cannot be opened like this.
    flags = (os.O_RDONLY if read_only else os.O_RDWR) | os.O_NONBLOCK
    try:
        if path.is_block_device():
            flags |= os.O_EXCL
        file = os.open(path, flags)
    except OSError as e:
        raise UserError(f"{what}: {e.strerror}{_remedy(e, path, read_only)}", 2) from e
    try:
        _check_content(file, path, what, form)
        _check_unused(file, path, what, read_only)
    finally:
        os.close(file)
    return Disk(path, serial, form, read_only)


def parse_share(text: str) -> Share:
    """The value of --share. Raises UserError."""
    path, read_only = _split(text)
    if not path.is_dir():
        raise UserError(f"--share {path}: no such folder; name one of this machine", 2)
    rights = os.R_OK | os.X_OK if read_only else os.R_OK | os.W_OK | os.X_OK
    if not os.access(path, rights):
        remedy = "choose another one" if read_only else f"write --share {path},ro"
        raise UserError(f"--share {path}: it cannot be written to; {remedy}", 2)
    return Share(path, read_only)


def _split(text: str) -> tuple[Path, bool]:
    """File and `,ro`, which may also be the end of a name."""
    read_only = text.endswith(READ_ONLY) and not Path(text).exists()
    return Path(text.removesuffix(READ_ONLY) if read_only else text), read_only


def _remedy(error: OSError, path: Path, read_only: bool) -> str:
    if isinstance(error, FileNotFoundError):
        return f"; make one: truncate -s 1G {path}"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        if read_only or not os.access(path, os.R_OK):
            return "; take one that you may read"
        return "; only to read: `,ro` behind it (--disk), access=ro (xl.cfg)"
    return "; take one that nobody uses" if path.is_block_device() else ""


def _check_content(file: int, path: Path, what: str, form: str) -> None:
    """Refuse what is no disk, or does not begin as one of this format. Raises UserError."""
    found = os.fstat(file)
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISBLK(found.st_mode)):
        raise UserError(f"{what}: neither a file nor a disk; name an image", 2)
    size = os.lseek(file, 0, os.SEEK_END)
    begin = os.pread(file, 16, 0)
    if size == 0:
        raise UserError(f"{what}: it is empty; give it a size: truncate -s 1G {path}", 2)
    like = next((name for magic, name in FORMATS.items() if begin.startswith(magic)), RAW)
    if like != form:
        raise UserError(f"{what}: {_mistaken(path, like)}", 2)
    if form == RAW and size % SECTOR:
        raise UserError(
            f"{what}: {size} bytes are no multiple of {SECTOR}: truncate -s %{SECTOR} {path}", 2
        )


def _mistaken(path: Path, like: str) -> str:
    """Why an image that begins like this cannot be a disk of another format."""
    if like in PACKED:
        return f"it is packed by {like}; unpack it first: {PACKED[like]}"
    if like == RAW:
        return "no qcow2 image; give a raw one another name (--disk), or format=raw (xl.cfg)"
    if like == QCOW2:
        return (
            "a raw disk that begins like a qcow2 image: if a guest has not written that, call it "
            "NAME.qcow2 (--disk), or write format=qcow2 (xl.cfg)"
        )
    return f"a {like} image; convert it: qemu-img convert -O qcow2 {path} NEW.qcow2"


def _check_unused(file: int, path: Path, what: str, read_only: bool) -> None:
    """Two writers, or one beside a reader, would destroy or misread it. Raises UserError."""
    # All of the file for a writer; for a reader the byte that another QEMU's writer has locked.
    start, length = (WRITER, 1) if read_only else (0, 0)
    wish = struct.pack(LOCK, fcntl.F_WRLCK, os.SEEK_SET, start, length, 0)
    kind = struct.unpack(LOCK, fcntl.fcntl(file, fcntl.F_GETLK, wish))[0]
    if kind != fcntl.F_UNLCK:
        raise UserError(f"{what}: another program uses it, perhaps QEMU; end that, or copy it", 2)
    for loop in sorted(Path("/sys/block").glob("loop*/loop/backing_file")):
        if Path(loop.read_text().strip()) == path.resolve():
            name = loop.parts[3]
            raise UserError(f"{what}: /dev/{name} uses it; first: losetup -d /dev/{name}", 2)


def check_distinct(disks: Sequence[Disk]) -> None:
    """Refuse one image as two disks, unless both only read it. Raises UserError."""
    for number, disk in enumerate(disks):
        for other in disks[:number]:
            shared = all(d.read_only or d.temporary for d in (disk, other))
            if disk.path.samefile(other.path) and not shared:
                raise UserError(f"{disk.path} is two disks; copy it, or write `,ro` at both", 2)


def check_board(board: Board, disks: Sequence[Disk], share: Share | None) -> None:
    """Refuse what QEMU's machine has no place for. Raises UserError."""
    places = board.qemu.virtio
    if share and not places:
        raise UserError(f"--share: QEMU's {board.name} has no virtio; use --add or --disk", 2)
    # One place is the network card's.
    most = places - 1 - (share is not None)
    if places and len(disks) > most:
        raise UserError(f"{len(disks)} disks: QEMU's {board.name} has places for {most}", 2)


def options(board: Board, disks: Sequence[Disk], share: Share | None) -> list[str]:
    """QEMU's options for them."""
    # The first disk is to be /dev/vda.
    order = reversed(disks) if board.qemu.last_first else disks
    found = [word for disk in order for word in _disk(board, disk)]
    if share:
        access = ",readonly=on" if share.read_only else ""
        # Files get this user's name and rights: nobody must be root for it.
        folder = f"path={_value(share.path)},security_model=none,multidevs=remap{access}"
        found += ["-fsdev", f"local,id={TAG},{folder}"]
        found += ["-device", f"virtio-9p-device,fsdev={TAG},mount_tag={TAG}"]
    return found


def _disk(board: Board, disk: Disk) -> Iterator[str]:
    access = ",read-only=on" if disk.read_only else ""
    access += ",snapshot=on" if disk.temporary else ""
    yield from (
        "-drive",
        f"if=none,id={disk.serial},format={disk.form},file={_value(disk.path)}{access}",
    )
    yield from ("-device", f"{board.qemu.disk},drive={disk.serial},serial={disk.serial}")


def _value(path: Path) -> str:
    """A path as the value of an option: absolute, a comma written twice."""
    return str(path.absolute()).replace(",", ",,")
