# SPDX-License-Identifier: Apache-2.0
"""What a user adds to a run: files in dom0, disks, guests, a shared folder, QEMU's options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from xenolith.boards import Board
from xenolith.dom0 import cpio
from xenolith.errors import UserError
from xenolith.guest.given import Given
from xenolith.guest.model import Guest, file_path
from xenolith.lab import added, disks
from xenolith.lab.added import Added
from xenolith.lab.disks import Disk, Share

ON_DISK = "xenolith/root"


@dataclass(frozen=True)
class Extras:
    """All of it, checked."""

    added: tuple[Added, ...] = ()
    disks: tuple[Disk, ...] = ()
    guests: tuple[Given, ...] = ()
    share: Share | None = None
    arguments: tuple[str, ...] = ()
    """QEMU's, as they are."""
    root_links: Mapping[str, str] | None = None
    """Where dom0's root is a disk: the links to folders in it, target by path."""

    @property
    def needs_files(self) -> bool:
        """True if dom0 must find something that is no device."""
        return bool(self.added or self.guests or self.share)

    @property
    def all_disks(self) -> tuple[Disk, ...]:
        """The machine's: the user's own come first."""
        return (*self.disks, *(disk for guest in self.guests for disk in guest.disks))

    @property
    def size(self) -> int:
        """Bytes of all files."""
        added_bytes = sum(part.size for part in self.added)
        return added_bytes + sum(guest.size for guest in self.guests)

    def devices(self, board: Board) -> list[str]:
        """QEMU's options."""
        return [*disks.options(board, self.all_disks, self.share), *self.arguments]

    def entries(self, initramfs: bytes) -> list[cpio.Entry]:
        """Files for the archive behind dom0's initramfs. Raises UserError.

        Those for a root on a disk are in a folder, which that initramfs copies [card/init.sh].
        """
        told, found = [], []
        if self.share:
            told.append(cpio.file(f"xenolith/{disks.TAG}", b""))
        if self.guests:
            names = "".join(f"{guest.name}\n" for guest in self.guests)
            told.append(cpio.file("xenolith/guests", names.encode()))
        for given in self.guests:
            found += _guest(given.guest) if given.guest else []
        if self.added:
            known = added.links(initramfs) if self.root_links is None else self.root_links
            found += added.entries(self.added, known)
        if self.root_links is not None:
            found = [replace(entry, path=f"{ON_DISK}/{entry.path}") for entry in found]
        return [*told, *found]


def _guest(guest: Guest) -> list[cpio.Entry]:
    """A guest's config and files. Raises UserError."""
    found = [cpio.file(f"etc/xen/{guest.name}.cfg", guest.config.encode())]
    for name, path in guest.files.items():
        try:
            data = path.read_bytes()
        except OSError as e:
            raise UserError(f"guest {guest.name}: {path}: {e.strerror}") from e
        found.append(cpio.file(file_path(guest.name, name)[1:], data))
    return found


NOTHING = Extras()
