# SPDX-License-Identifier: Apache-2.0
"""What dom0 gives its guests: its own kernel, and an initial file system that starts a disk.

Both are behind dom0's other files in an archive without compression: they are compressed already,
and dom0's kernel has to copy them only.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable

from xenolith.dom0 import cpio, initramfs
from xenolith.dom0.cpio import Entry
from xenolith.dom0.initramfs import Files

KERNEL = "boot/vmlinuz"
INITRD = "boot/guest-initrd.gz"
GROUP = "guest"
"""The folder of modules in the guest's archive."""


def archive(
    kernel: bytes, files: Files, modules: Iterable[str], scripts: dict[str, bytes]
) -> bytes:
    """The archive with both; without a kernel it is empty.

    `modules`: of that kernel; `scripts`: files of tools/dom0 by path. Raises UserError.
    """
    if not kernel:
        return cpio.pack([])
    small = cpio.compress(cpio.pack(_initrd(files, tuple(modules), scripts)))
    # What xl can unpack; the last level gains 0.3 % in three times the time.
    packed = gzip.compress(kernel, compresslevel=6, mtime=0)
    return cpio.pack([cpio.file(KERNEL, packed), cpio.file(INITRD, small)])


def _initrd(files: Files, modules: tuple[str, ...], scripts: dict[str, bytes]) -> list[Entry]:
    folders = "bin demo/bin demo/dev demo/proc demo/root demo/run demo/sys demo/tmp dev".split()
    found = [cpio.directory(name) for name in folders]
    found += [cpio.character_device("dev/console", 5, 1), cpio.character_device("dev/null", 1, 3)]
    found.append(cpio.file("bin/busybox", initramfs.follow(files, "usr/bin/busybox").data, 0o755))
    found.append(cpio.file("init", scripts["guest/init.sh"], 0o755))
    found += [
        cpio.link("demo/sbin", "bin"),
        cpio.file("demo/etc/inittab", scripts["guest/inittab"]),
        cpio.file("demo/etc/profile", scripts["guest/profile"]),
        cpio.file("demo/etc/rc.sh", scripts["guest/rc.sh"], 0o755),
        cpio.file("demo/etc/udhcpc.sh", scripts["udhcpc.sh"], 0o755),
        cpio.file("demo/etc/passwd", initramfs.ETC["etc/passwd"].encode()),
        cpio.file("demo/etc/group", initramfs.ETC["etc/group"].encode()),
    ]
    return found + initramfs.modules({GROUP: modules}, files)
