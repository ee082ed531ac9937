# SPDX-License-Identifier: Apache-2.0
"""Compilers, and the flags that make their output what the hypervisor needs. No processes here."""

from __future__ import annotations

import importlib.util
import shutil
from dataclasses import dataclass
from pathlib import Path

from xenolith.errors import UserError

KINDS = ("gcc", "clang")

WARNINGS = (
    "-Wall -Wextra -Werror -Wconversion -Wsign-conversion -Wshadow -Wcast-qual -Wundef -Wvla "
    "-Wstrict-prototypes -Wmissing-prototypes"
).split()

# Null checks stay: physical address 0 is memory. No strict aliasing: device trees and guest frames
# are read through typed pointers.
CODE = (
    "-std=gnu11 -ffreestanding -fno-pic -fno-pie -fno-common -fno-strict-aliasing "
    "-fno-delete-null-pointer-checks -fno-stack-protector -fno-asynchronous-unwind-tables "
    "-fno-unwind-tables -ffunction-sections -fdata-sections -g"
).split()

# No FP registers: they hold the guest's state. Strict alignment and plain atomics: code runs before
# the MMU is on, and libgcc's outlined atomics are not linked. On arm64 a panic's backtrace walks
# frame pointers; on RISC-V they would be a tenth of the code.
ARCH_FLAGS = {
    "arm64": (
        "-march=armv8-a -mtune=cortex-a72 -mcmodel=small -mgeneral-regs-only -mstrict-align "
        "-mno-outline-atomics -mbranch-protection=none -fno-omit-frame-pointer"
    ).split(),
    # The small data area would need gp, which is the guest's. So are t2-t6 (x7, x28-x31), which C
    # does without: then a trap need not save them.
    "riscv": (
        "-march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany -mstrict-align "
        "-msmall-data-limit=0 -fomit-frame-pointer "
        "-ffixed-x7 -ffixed-x28 -ffixed-x29 -ffixed-x30 -ffixed-x31"
    ).split(),
}


@dataclass(frozen=True)
class Levels:
    """A compiler's flags for a debug build, for most sources (size), for plan.HOT (speed)."""

    debug: str
    size: str
    speed: str


# GCC follows values less far at -Og and then warns of uses that cannot happen. Its padding costs
# more in size, and in instructions passed through, than it brings.
LEVELS = {
    "gcc": Levels(
        debug="-Og -Wno-maybe-uninitialized",
        size="-Os",
        speed="-O2 -fno-align-functions -fno-align-jumps -fno-align-loops",
    ),
    "clang": Levels(debug="-Og", size="-Oz", speed="-Os"),
}

TRIPLES = {
    "arm64": ("aarch64-linux-gnu", "aarch64-none-elf"),
    "riscv": ("riscv64-linux-gnu", "riscv64-none-elf"),
}
"""By port: GNU prefix, clang target."""

EMULATIONS = {"arm64": "aarch64elf", "riscv": "elf64lriscv"}

LINK = (
    "-nostdlib -static --no-dynamic-linker --gc-sections --build-id=sha1 --fatal-warnings "
    "-z max-page-size=4096 -z noexecstack"
).split()


@dataclass(frozen=True)
class Toolchain:
    """A compiler and a linker as the beginnings of command lines."""

    kind: str
    name: str
    cc: tuple[str, ...]
    ld: tuple[str, ...]

    def compile_flags(self, arch: str, *, debug: bool, root: str) -> list[str]:
        """Flags for C and assembly; `root` is the checkout, which must not show in the output.

        Optimised for size: most of the hypervisor runs seldom. plan.HOT names what runs often.
        """
        levels = LEVELS[self.kind]
        return [
            *CODE,
            *ARCH_FLAGS[arch],
            *WARNINGS,
            *(levels.debug if debug else levels.size).split(),
            f"-ffile-prefix-map={root}=.",
            f"-DXEN_DEBUG={int(debug)}",
        ]

    def link_flags(self, arch: str) -> list[str]:
        """Flags of the linker."""
        return ["-m", EMULATIONS[arch], *LINK]


def _gcc(arch: str) -> Toolchain | None:
    prefix = TRIPLES[arch][0]
    if not (shutil.which(f"{prefix}-gcc") and shutil.which(f"{prefix}-ld")):
        return None
    return Toolchain("gcc", f"{prefix}-gcc", (f"{prefix}-gcc",), (f"{prefix}-ld",))


def _clang(arch: str) -> Toolchain | None:
    if not (shutil.which("clang") and shutil.which("ld.lld")):
        return None
    return Toolchain("clang", "clang", ("clang", f"--target={TRIPLES[arch][1]}"), ("ld.lld",))


def _zig(arch: str) -> Toolchain | None:
    spec = importlib.util.find_spec("ziglang")
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0])
    zig = str(folder / "zig")
    # Clang itself rather than `zig cc`, which has its own idea of -mtune and of caching.
    headers = ("-nostdinc", "-isystem", str(folder / "lib/include"))
    hide = f"-ffile-prefix-map={folder}=ziglang"
    cc = (zig, "clang", f"--target={TRIPLES[arch][1]}", *headers, hide)
    return Toolchain("clang", "ziglang", cc, (zig, "ld.lld"))


def find(kind: str, arch: str) -> Toolchain | None:
    """The toolchain of that kind for a port, or None if this machine has none."""
    if kind not in KINDS:
        raise UserError(f"no toolchain {kind!r}; there are: {', '.join(KINDS)}", 2)
    return _gcc(arch) if kind == "gcc" else _clang(arch) or _zig(arch)


def require(kind: str, arch: str) -> Toolchain:
    """As `find`; UserError that says how to get it."""
    found = find(kind, arch)
    if found:
        return found
    if kind == "gcc":
        package = f"gcc-{TRIPLES[arch][0]}"
        raise UserError(
            f"{TRIPLES[arch][0]}-gcc not found: apt install {package}, or toolchain=clang"
        )
    raise UserError("no clang with ld.lld found: .venv/bin/pip install ziglang")
