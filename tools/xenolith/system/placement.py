# SPDX-License-Identifier: Apache-2.0
"""Where things lie in memory: pure functions that choose addresses and find overlaps."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from xenolith.errors import UserError

MIB = 1 << 20
IMAGE_ALIGN = 2 * MIB
"""Image files start at a multiple of this (Linux, Documentation/arch/arm64/booting.rst)."""


@dataclass(frozen=True)
class Region:
    """A named piece of physical memory, in bytes."""

    name: str
    start: int
    size: int

    @property
    def end(self) -> int:
        """The first address after it."""
        return self.start + self.size

    def overlaps(self, other: Region) -> bool:
        """True if both share an address."""
        return self.start < other.end and other.start < self.end

    def __str__(self) -> str:
        return f"{self.name} at {self.start:#x}-{self.end - 1:#x}"


@dataclass(frozen=True)
class Want:
    """Something to be placed: at `start` or, if that is taken, above."""

    name: str
    start: int
    size: int
    align: int = IMAGE_ALIGN


def place(
    ram: Region, taken: Sequence[Region], wants: Sequence[Want], remedy: str = "use more --memory"
) -> list[Region]:
    """An address for each of `wants`, in order, inside `ram`, clear of `taken` and each other.

    Raises UserError that names what does not fit, and the remedy.
    """
    occupied = list(taken)
    placed = []
    for want in wants:
        region = _first_fit(want, occupied)
        if region.end > ram.end or region.start < ram.start:
            raise UserError(
                f"{want.name} ({-(-want.size // MIB)} MiB) does not fit into memory: it would end "
                f"at {region.end:#x}, {ram.name} ends at {ram.end:#x}; {remedy}"
            )
        occupied.append(region)
        placed.append(region)
    return placed


def _first_fit(want: Want, occupied: Sequence[Region]) -> Region:
    start = -(-want.start // want.align) * want.align
    for other in sorted(occupied, key=lambda r: r.start):
        if Region(want.name, start, want.size).overlaps(other):
            start = -(-other.end // want.align) * want.align
    return Region(want.name, start, want.size)


def check(ram: Region, regions: Sequence[Region]) -> None:
    """Raise UserError if a region is empty, outside `ram` or overlaps another one."""
    for region in regions:
        if region.size <= 0:
            raise UserError(f"{region.name} is empty")
        if region.start < ram.start or region.end > ram.end:
            raise UserError(f"{region} lies outside RAM ({ram.start:#x}-{ram.end - 1:#x})")
    ordered = sorted(regions, key=lambda r: r.start)
    for low, high in itertools.pairwise(ordered):
        if low.overlaps(high):
            raise UserError(f"{low} overlaps {high}; move one of them")
