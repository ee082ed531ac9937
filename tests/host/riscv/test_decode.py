# SPDX-License-Identifier: Apache-2.0
"""Loads and stores as the RISC-V port decodes them, against the GNU disassembler."""

from __future__ import annotations

import random
import re
import struct
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

SANITIZE = "-fsanitize=address,undefined -fno-sanitize-recover=all".split()
FLAGS = (
    "-std=gnu11 -O1 -g -Wall -Wextra -Werror -Ixen/include -Iarch/riscv/include"
).split() + SANITIZE
SOURCES = ("tests/host/riscv/decode.c", "arch/riscv/vcpu/decode.c")

SIZES = {"b": 1, "h": 2, "w": 4, "d": 8}
ACCESS = re.compile(r"(?:c\.)?(?P<kind>[ls])(?P<size>[bhwd])(?P<unsigned>u?)(?:sp)?")
LINE = re.compile(r"\s*[0-9a-f]+:\s+([0-9a-f]+)\s+(\S+)(?:\s+(\S+))?")

Decode = Callable[[Iterable[str]], list[str]]


@pytest.fixture(scope="module")
def decode(host_compiler: Any) -> Decode:
    """Answers of decode.c to lines `i<instruction>` or `h<htinst>`."""
    objects = host_compiler.compile_all(SOURCES, "gcc", FLAGS)
    program: Path = host_compiler.link("riscv-decode", objects, "gcc", SANITIZE)

    def run(lines: Iterable[str]) -> list[str]:
        done = subprocess.run(
            [program], input="\n".join(lines), capture_output=True, text=True, check=True
        )
        return done.stdout.splitlines()

    return run


def disassemble(code: bytes, folder: Path) -> list[tuple[int, str]]:
    """Each instruction with the answer that decode.c must give, in the order of the code."""
    file = folder / "code"
    file.write_bytes(code)
    command = [
        "riscv64-linux-gnu-objdump",
        "-D",
        "-b",
        "binary",
        "-m",
        "riscv:rv64",
        "-M",
        "no-aliases,numeric",
        str(file),
    ]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = [m for m in map(LINE.match, text.splitlines()) if m]
    return [(int(m[1], 16), expected(len(m[1]) // 2, m[2], m[3] or "")) for m in found]


def expected(length: int, name: str, operands: str) -> str:
    """The answer for an instruction as objdump writes it."""
    access = ACCESS.fullmatch(name)
    register = re.match(r"x(\d+),", operands)
    if not access or not register:
        return "-"
    if length == 2 and access["kind"] == "l" and register[1] == "0":
        return "-"  # reserved
    write = access["kind"] == "s"
    sign = not write and not access["unsigned"]
    return f"{SIZES[access['size']]} {register[1]} {length} {write:d} {sign:d}"


def zcb(insn: int) -> str | None:
    """The same for a load or store of Zcb, which binutils before 2.41 do not know."""
    if insn & 3 != 0 or insn >> 13 != 4:
        return None
    register, bit6 = 8 + (insn >> 2 & 7), insn >> 6 & 1
    return {
        0: f"1 {register} 2 0 0",
        1: f"2 {register} 2 0 {bit6}",
        2: f"1 {register} 2 1 0",
        3: "-" if bit6 else f"2 {register} 2 1 0",
    }.get(insn >> 10 & 7, "-")


def compare(rows: list[tuple[int, str]], answers: list[str]) -> None:
    """Fails with the first instructions that differ."""
    assert len(rows) == len(answers)
    wrong = [
        f"{insn:#x}: {answer}, expected {want}"
        for (insn, want), answer in zip(rows, answers, strict=True)
        if answer != want
    ]
    assert not wrong, wrong[:20]


def test_all_compressed(decode: Decode, tmp_path: Path) -> None:
    """Every 16-bit encoding there is; the high half of the word does not matter."""
    insns = [n for n in range(1 << 16) if n & 3 != 3]
    rows = disassemble(struct.pack(f"<{len(insns)}H", *insns), tmp_path)
    assert [insn for insn, _ in rows] == insns
    rows = [(insn, zcb(insn) or want) for insn, want in rows]
    assert sum(want != "-" for _, want in rows) > 10000
    compare(rows, decode(f"i{insn:x}" for insn in insns))
    compare(rows, decode(f"i{0xFFFF0000 | insn:x}" for insn in insns))


def test_random_words(decode: Decode, tmp_path: Path) -> None:
    """32-bit words, half of them with the opcode of a load or store."""
    rng = random.Random(1)
    opcodes = [0x03, 0x23, 0x07, 0x27, 0x2F, 0x73]
    insns = [rng.getrandbits(25) << 7 | rng.choice(opcodes) for _ in range(60000)]
    # Longer instructions have bits 4:2 set: the disassembler would lose its step.
    others = [rng.getrandbits(32) | 3 for _ in range(60000)]
    insns += [n for n in others if n & 0x1C != 0x1C]
    rows = disassemble(struct.pack(f"<{len(insns)}I", *insns), tmp_path)
    assert [insn for insn, _ in rows] == insns
    compare(rows, decode(f"i{insn:x}" for insn in insns))


def test_every_field_of_loads_and_stores(decode: Decode, tmp_path: Path) -> None:
    """All registers and all funct3, with some offsets."""
    insns = [
        opcode | a << 7 | kind << 12 | base << 15 | b << 20
        for opcode in (0x03, 0x23)
        for kind in range(8)
        for a in range(32)
        for b in range(32)
        for base in (0, 2, 31)
    ]
    rows = disassemble(struct.pack(f"<{len(insns)}I", *insns), tmp_path)
    compare(rows, decode(f"i{insn:x}" for insn in insns))


@pytest.mark.parametrize(
    ("htinst", "answer"),
    [
        (0x0000_0000, "-"),
        (0x0000_2000, "-"),  # the first stage read its tables
        (0x0000_3020, "-"),  # or wrote to them
        (0x0000_2503, "4 10 4 0 1"),  # lw a0
        (0x0000_2501, "4 10 2 0 1"),  # c.lw a0
        (0x0000_B523, "-"),  # sd x0, 1 byte behind the start of the access
        (0x00B0_3023, "8 11 4 1 0"),  # sd a1
        (0x00B0_3021, "8 11 2 1 0"),  # c.sd a1
        (0x00B1_3023, "-"),  # 2 bytes behind the start
        (0x0000_7503, "-"),  # no such load
        (0x0000_3507, "-"),  # fld
        (0x0005_202F, "-"),  # amoadd.w
    ],
)
def test_htinst(decode: Decode, htinst: int, answer: str) -> None:
    """Transformed instructions, the pseudo-instructions, and nothing at all."""
    assert decode([f"h{htinst:x}"]) == [answer]
