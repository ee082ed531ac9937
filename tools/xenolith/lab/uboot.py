# SPDX-License-Identifier: Apache-2.0
"""Debian's U-Boot for the machines that QEMU plays."""

from __future__ import annotations

from pathlib import Path

from xenolith.boards import Board
from xenolith.dom0 import debian
from xenolith.errors import UserError

SUITE = "trixie"
BUILDS = {
    "arm64": ("qemu_arm64", ("-bios",)),
    "riscv": ("qemu-riscv64_smode", ("-kernel",)),
}
"""By port: which build, and the option that starts it (on RISC-V after OpenSBI)."""


def options(board: Board, folder: Path) -> list[str]:
    """QEMU's options for U-Boot, unpacked into `folder`. Raises UserError."""
    if board.family != "qemu-virt":
        raise UserError(f"{board.name}: Debian's u-boot-qemu is for QEMU's virt machines", 2)
    build, flags = BUILDS[board.arch]
    (deb,) = debian.download(["u-boot-qemu"], SUITE, "amd64")
    path = f"usr/lib/u-boot/{build}/u-boot.bin"
    unpacked = debian.unpack(deb, folder, lambda found: found == path)
    return [*flags, str(unpacked / path)]
