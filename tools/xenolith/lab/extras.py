# SPDX-License-Identifier: Apache-2.0
"""What a user adds to a run: files in dom0, disks, a shared folder, QEMU's own options."""

from __future__ import annotations

from dataclasses import dataclass

from xenolith.boards import Board
from xenolith.dom0 import cpio
from xenolith.lab import added, disks
from xenolith.lab.added import Added
from xenolith.lab.disks import Disk, Share


@dataclass(frozen=True)
class Extras:
    """All of it, checked."""

    added: tuple[Added, ...] = ()
    disks: tuple[Disk, ...] = ()
    share: Share | None = None
    arguments: tuple[str, ...] = ()
    """QEMU's, as they are."""

    def devices(self, board: Board) -> list[str]:
        """QEMU's options."""
        return [*disks.options(board, self.disks, self.share), *self.arguments]

    def entries(self, initramfs: bytes) -> list[cpio.Entry]:
        """Files for the archive behind dom0's initramfs. Raises UserError."""
        found = []
        if self.share:
            found.append(cpio.file(f"xenolith/{disks.TAG}", b""))
        if self.added:
            found += added.entries(self.added, added.links(initramfs))
        return found


NOTHING = Extras()
