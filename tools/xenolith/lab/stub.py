# SPDX-License-Identifier: Apache-2.0
"""A few instructions that start an image as a boot loader does, for boots that QEMU's own loader
would refuse or repair: a device tree that is damaged, absent or somewhere else. And kernels that do
nothing, right or wrong.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class Idle:
    """A kernel of one page: an Image header and a branch to itself."""

    magic: bytes
    loop: bytes
    machine: int
    """In a PE header."""
    other: bytes
    """Another architecture's magic."""

    def image(self, *, size: int = 0x10000, magic: bytes = b"") -> bytes:
        """The file; `size` is what its header says it occupies in memory."""
        head = self.loop + bytes(4) + struct.pack("<QQQ", 0, size, 0) + bytes(24)
        head += (magic or self.magic) + bytes(4)
        return head + bytes(0x1000 - len(head))

    def cut_image(self) -> bytes:
        """The same with a PE header, one of whose sections ends behind the file."""
        pe = struct.pack("<IHHIIIHH", 0x4550, self.machine, 1, 0, 0, 0, 0, 0)
        section = struct.pack("<8sIIII", b".text", MIB, 0x1000, MIB, 0x1000) + bytes(16)
        head = self.image()[:60] + struct.pack("<I", 64) + pe + section
        return head + bytes(0x1000 - len(head))


IDLE = {
    "arm64": Idle(b"ARM\x64", b"\0\0\0\x14", 0xAA64, b"RSC\x05"),
    "riscv": Idle(b"RSC\x05", b"\x6f\0\0\0", 0x5064, b"ARM\x64"),
}
"""By port. Headers: Linux, Documentation/arch/{arm64/booting,riscv/boot-image-header}.rst."""


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


CSRS = {
    0x3B0: (1 << 54) - 1,  # pmpaddr0: everything
    0x3A0: 0x1F,  # pmpcfg0: read, write, execute
    0x302: 0xF0B509,  # medeleg and mideleg as OpenSBI has them
    0x303: 0x1666,
    0x306: 0xFFFF_FFFF,  # mcounteren
    0x30A: 0xE000_0000_0000_00F0,  # menvcfg: Sstc, Svpbmt, Svadu, cache blocks
    0x30C: 0xFFFF_FFFF_FFFF_FFFF,  # mstateen0
    0x300: 1 << 11,  # mstatus: mret goes to HS-mode
}
MTVEC, MEPC, MHARTID = 0x305, 0x341, 0xF14
T0, T1, A0, A1 = 5, 6, 10, 11
AUIPC_T0, MRET = 0x0000_0297, 0x3020_0073


def deaf_firmware(entry: int, tree: int) -> bytes:
    """RISC-V firmware that starts `entry` and then refuses every SBI call [RVPRIV 3.1].

    It is entered at its first byte, in machine mode, wherever it lies.
    """
    values = [*CSRS.values(), entry, tree]
    registers = [*CSRS, MEPC]
    count = 2 * len(registers) + 8
    handler = [_addi(A0, 0, -2), _csrr(A1, MEPC), _addi(A1, A1, 4), _csrw(MEPC, A1)]
    handler += [_addi(A1, 0, 0), MRET]
    pool = (4 * (count + len(handler)) + 7) // 8 * 8
    code = [AUIPC_T0, _addi(T1, T0, 4 * count), _csrw(MTVEC, T1)]
    for number, register in enumerate(registers):
        code += [_ld(T1, T0, pool + 8 * number), _csrw(register, T1)]
    code += [_csrr(A0, MHARTID), _ld(A1, T0, pool + 8 * len(registers)), MRET]
    code += [MRET] * (count - len(code))
    words = struct.pack(f"<{count + len(handler)}I", *code, *handler)
    return words.ljust(pool, b"\0") + struct.pack(f"<{len(values)}Q", *values)


def _addi(rd: int, rs: int, value: int) -> int:
    return (value & 0xFFF) << 20 | rs << 15 | rd << 7 | 0x13


def _ld(rd: int, rs: int, offset: int) -> int:
    return offset << 20 | rs << 15 | 3 << 12 | rd << 7 | 0x03


def _csrw(register: int, rs: int) -> int:
    return register << 20 | rs << 15 | 1 << 12 | 0x73


def _csrr(rd: int, register: int) -> int:
    return register << 20 | 2 << 12 | rd << 7 | 0x73


def _movz(register: int, value: int, half: int) -> int:
    return 0xD2800000 | half << 21 | value << 5 | register


def _move(register: int, value: int) -> list[int]:
    """movz, movk: a 32-bit value."""
    movk = 0xF2800000 | 1 << 21 | (value >> 16) << 5 | register
    return [_movz(register, value & 0xFFFF, 0), movk]
