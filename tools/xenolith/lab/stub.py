"""A few instructions that start an image as a boot loader does, for boots that QEMU's own loader
would refuse or repair: a device tree that is damaged, absent or somewhere else.
"""

from __future__ import annotations

import struct

from xenolith.errors import UserError


def jump(arch: str, entry: int, tree: int) -> bytes:
    """Machine code: the device tree's address in the first argument register, then to `entry`.

    Both addresses are below 4 GiB. Raises UserError for an architecture without a stub.
    """
    if arch != "arm64":
        raise UserError(f"no start code for {arch}", 2)
    words = [*_move(0, tree), *_move(4, entry)]
    words += [_movz(register, 0, 0) for register in (1, 2, 3)]
    words.append(0xD61F0000 | 4 << 5)  # br x4
    return struct.pack(f"<{len(words)}I", *words)


def _movz(register: int, value: int, half: int) -> int:
    return 0xD2800000 | half << 21 | value << 5 | register


def _move(register: int, value: int) -> list[int]:
    """movz, movk: a 32-bit value."""
    movk = 0xF2800000 | 1 << 21 | (value >> 16) << 5 | register
    return [_movz(register, value & 0xFFFF, 0), movk]
