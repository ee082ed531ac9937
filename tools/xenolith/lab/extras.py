# SPDX-License-Identifier: Apache-2.0
"""What a user adds to a run: disks, a shared folder, QEMU's own options."""

from __future__ import annotations

from dataclasses import dataclass

from xenolith.boards import Board
from xenolith.dom0 import cpio
from xenolith.lab import disks
from xenolith.lab.disks import Disk, Share


@dataclass(frozen=True)
class Extras:
    """All of it, checked."""

    disks: tuple[Disk, ...] = ()
    share: Share | None = None
    arguments: tuple[str, ...] = ()
    """QEMU's, as they are."""

    def devices(self, board: Board) -> list[str]:
        """QEMU's options."""
        return [*disks.options(board, self.disks, self.share), *self.arguments]

    def entries(self) -> list[cpio.Entry]:
        """Files for the archive behind dom0's initramfs."""
        return [cpio.file(f"xenolith/{disks.TAG}", b"")] if self.share else []


NOTHING = Extras()
