# SPDX-License-Identifier: Apache-2.0
"""The guests of the rows: kernels of some words, with the 64 bytes of header that xl knows.

`idle` waits for ever; `end` shuts down with a reason of <public/sched.h> that is its last word.
Both take no time to load, so that many can be created in an emulated machine.
"""

from __future__ import annotations

import struct

HEADER = 64
SIZE = 4096
"""Bytes of memory that the header asks for."""
REASONS = {"poweroff": 0, "reboot": 1, "crash": 3, "watchdog": 4, "soft-reset": 5}

ARM64_IDLE = (
    0xD503207F,  # 1: wfi
    0x17FFFFFF,  # b 1b
)
ARM64_END = (
    0xD28003B0,  # mov x16, #29       sched_op
    0xD2800040,  # mov x0, #2         SCHEDOP_shutdown
    0x10000061,  # adr x1, reason
    0xD401D422,  # hvc #0xea1
    0x14000000,  # b .
)
RISCV_IDLE = (
    0x10500073,  # 1: wfi
    0xFFDFF06F,  # j 1b
)
RISCV_END = (
    0x01D00813,  # li a6, 29          sched_op
    0x00200593,  # li a1, 2           SCHEDOP_shutdown
    0x0A0008B7,  # lui a7, 0xa000
    0x00788893,  # addi a7, a7, 7     XEN_SBI_EXT_HYPERCALL
    0x00000617,  # auipc a2, 0
    0x01060613,  # addi a2, a2, 16    reason
    0x00000073,  # ecall
    0x0000006F,  # j .
)

CODE = {"arm64": (ARM64_IDLE, ARM64_END), "riscv": (RISCV_IDLE, RISCV_END)}


def _header(arch: str) -> bytes:
    if arch == "arm64":
        jump = 0x14000000 | HEADER // 4  # b begin
        return struct.pack("<2I6Q4sI", jump, 0, 0, SIZE, 0xA, 0, 0, 0, b"ARM\x64", 0)
    jump = 0x0400006F  # j begin
    where = 0x200000  # from the start of RAM
    magic = (b"RISCV\0\0\0", b"RSC\x05")
    return struct.pack("<2I3QIIQ8s4sI", jump, 0x13, where, SIZE, 0, 2, 0, 0, *magic, 0)


def images(arch: str) -> dict[str, bytes]:
    """By name: `idle`, and one that ends for each of REASONS."""
    idle, end = CODE[arch]
    header = _header(arch)
    made = {"idle": header + struct.pack(f"<{len(idle)}I", *idle)}
    for name, reason in REASONS.items():
        made[name] = header + struct.pack(f"<{len(end) + 1}I", *end, reason)
    return made
