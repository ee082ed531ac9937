# SPDX-License-Identifier: Apache-2.0
"""The images of --disk: their formats, and which of them cannot be disks."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from pathlib import Path

import pytest

from xenolith.errors import UserError
from xenolith.lab import disks


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "a,b.img"
    path.write_bytes(bytes(1 << 20))
    return path


def refused(value: str, message: str) -> None:
    """It is refused with one line."""
    with pytest.raises(UserError) as caught:
        disks.parse(value, 0)
    assert message in caught.value.message and "\n" not in caught.value.message
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("begin", "message"),
    [
        (b"", "it is empty; give it a size: truncate -s 1G"),
        (b"x" * 513, "513 bytes are no multiple of 512: truncate -s %512"),
        (b"\x1f\x8b\x08\0", "it is packed by gzip; unpack it first: gunzip"),
        (b"QFI\xfb" + bytes(508), "a raw disk that begins like a qcow2 image: if a guest has not"),
        (b"KDMV\1\0\0\0", "a VMDK image; convert it: qemu-img convert -O qcow2"),
        (b"conectix", "a VHD image"),
    ],
)
def test_images_that_are_no_disks(tmp_path: Path, begin: bytes, message: str) -> None:
    path = tmp_path / "image"
    path.write_bytes(begin)
    refused(str(path), f"--disk {path}: {message}")


def test_a_disk_that_is_not_there(tmp_path: Path) -> None:
    refused(str(tmp_path / "no"), "No such file or directory; make one: truncate")
    refused(str(tmp_path), "Is a directory")
    refused("/dev/null", "neither a file nor a disk")


def test_the_name_says_the_format(image: Path) -> None:
    other = image.rename(image.with_suffix(".qcow2"))
    refused(str(other), "no qcow2 image; give a raw one another name")


@pytest.mark.parametrize(
    ("access", "readable", "message"),
    [
        ("", True, "only to read: `,ro` behind it (--disk), access=ro (xl.cfg)"),
        ("", False, "take one that you may read"),
        (",ro", True, "take one that you may read"),
    ],
)
def test_a_disk_that_may_not_be_opened(
    image: Path, monkeypatch: pytest.MonkeyPatch, access: str, readable: bool, message: str
) -> None:
    def denied(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    monkeypatch.setattr(os, "access", lambda *_: readable)
    refused(f"{image}{access}", f"--disk {image}: Permission denied; {message}")


def _lock(path: Path, start: int, length: int) -> int:
    """A lock as QEMU holds it, of an open file; the descriptor."""
    ofd_setlk = 37
    file = os.open(path, os.O_RDWR)
    fcntl.fcntl(
        file, ofd_setlk, struct.pack(disks.LOCK, fcntl.F_RDLCK, os.SEEK_SET, start, length, 0)
    )
    return file


def test_a_disk_in_use(image: Path) -> None:
    reader = _lock(image, 100, 1)
    refused(str(image), "another program uses it, perhaps QEMU")
    assert disks.parse(f"{image},ro", 0), "two may read"
    writer = _lock(image, disks.WRITER, 1)
    refused(f"{image},ro", "another program uses it")
    os.close(reader)
    os.close(writer)
    assert disks.parse(str(image), 0) == disks.Disk(image, "disk0")
