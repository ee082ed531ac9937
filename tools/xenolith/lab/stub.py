"""A few instructions that start an image as a boot loader does, for boots that QEMU's own loader
would refuse or repair: a device tree that is damaged, absent or somewhere else.
"""

from __future__ import annotations

import struct


def jump(arch: str, entry: int, tree: int) -> bytes:
    """Machine code: the device tree's address in the register for it, then to `entry`.

    Both addresses are below 4 GiB. On RISC-V the hart id stays as the firmware gave it.
    """
    return {"arm64": _jump_arm64, "riscv": _jump_riscv}[arch](entry, tree)


def _jump_arm64(entry: int, tree: int) -> bytes:
    words = [*_move(0, tree), *_move(4, entry)]
    words += [_movz(register, 0, 0) for register in (1, 2, 3)]
    words.append(0xD61F0000 | 4 << 5)  # br x4
    return struct.pack(f"<{len(words)}I", *words)


def _jump_riscv(entry: int, tree: int) -> bytes:
    """Loads both from behind the code: auipc t0, 0; lwu t1, 16(t0); lwu a1, 20(t0); jr t1."""
    words = [0x0000_0297, 0x0102_E303, 0x0142_E583, 0x0003_0067, entry, tree]
    return struct.pack(f"<{len(words)}I", *words)


def _movz(register: int, value: int, half: int) -> int:
    return 0xD2800000 | half << 21 | value << 5 | register


def _move(register: int, value: int) -> list[int]:
    """movz, movk: a 32-bit value."""
    movk = 0xF2800000 | 1 << 21 | (value >> 16) << 5 | register
    return [_movz(register, value & 0xFFFF, 0), movk]
