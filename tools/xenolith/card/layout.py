# SPDX-License-Identifier: Apache-2.0
"""Where the partitions of a card image begin and end: pure functions."""

from __future__ import annotations

from dataclasses import dataclass

from xenolith.card import fat, mbr
from xenolith.card.mbr import Partition
from xenolith.errors import UserError
from xenolith.system.placement import MIB

ALIGN = 4 * MIB
"""What cards erase at a time: nothing shares such a piece with another partition."""
BOOT = 256 * MIB
"""Room for two kernels with Debian's initramfs while one replaces the other."""
FREE = 128 * MIB
"""Of a root that grows at the first boot: enough until then."""


@dataclass(frozen=True)
class Layout:
    """All sizes in bytes."""

    size: int
    boot: Partition
    root: Partition

    @property
    def is_power_of_two(self) -> bool:
        """QEMU's SD cards must be."""
        return self.size & (self.size - 1) == 0


def plan(boot_files: int, root_needs: int, size: int | None, *, minimal: bool = False) -> Layout:
    """Places both partitions. Raises UserError if `size` is too small for what they hold.

    Without `size` the image is the next power of two: such a card QEMU takes, too.
    """
    least = _up(max(fat.SMALLEST, boot_files + boot_files // 8))
    boot = least if minimal else max(BOOT, least)
    needs = _up(root_needs) if minimal else _up(root_needs + FREE)
    smallest = ALIGN + boot + needs
    if size is None:
        size = 1 << (smallest - 1).bit_length()
    if size % ALIGN:
        raise UserError(f"--size: {size} bytes is not a multiple of {ALIGN // MIB} MiB", 2)
    if size < smallest:
        raise UserError(
            f"--size {size // MIB}M is too small: this needs {smallest // MIB}M "
            f"(boot {boot // MIB}, root {needs // MIB} MiB)",
            2,
        )
    first = Partition(mbr.FAT32, ALIGN, boot, bootable=True)
    return Layout(size, first, Partition(mbr.LINUX, ALIGN + boot, size - ALIGN - boot))


def _up(size: int) -> int:
    return -(-size // ALIGN) * ALIGN
