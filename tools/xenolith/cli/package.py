# SPDX-License-Identifier: Apache-2.0
"""`xenolith package`: the hypervisor as a Debian package."""

from __future__ import annotations

import argparse
import gzip
import importlib.metadata
import os
from datetime import datetime
from pathlib import Path

from xenolith import ROOT
from xenolith.boards import find
from xenolith.build import host, info, make
from xenolith.build.needs import BUILD
from xenolith.dom0 import cache
from xenolith.errors import UserError
from xenolith.package import bootscript, deb, plan
from xenolith.progress import note
from xenolith.uboot import legacy

BOARDS = {"arm64": "rpi4"}
"""Debian's architecture to the board it is built for. The image runs on the others of the port,
too: a board's own code goes by what the device tree says."""

REFUSED = {
    "riscv64": "Debian's kernel for riscv64 cannot be dom0 and Debian has no Xen tools for it: an "
    "installed package could not boot anything; use ./xenolith uboot --board qemu-virt-riscv64"
}
TEMPLATES = ROOT / "tools" / "package"

NOTES = """\
Install it on a Raspberry Pi 4 or a U-Boot machine with Debian: apt install ./FILE.deb. Its boot
files are then kept up to date with the kernel; apt remove makes the machine boot as before.
The ELF file with symbols is written beside the package, for backtraces.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.epilog = NOTES
    add = parser.add_argument
    add("--arch", default="arm64", help="Debian's architecture (default arm64)")
    add("--out", type=Path, metavar="DIR", help="folder for it (default build/BOARD)")


def run(args: argparse.Namespace) -> int:
    """Builds the hypervisor, packs it, names the files."""
    if args.arch in REFUSED:
        raise UserError(REFUSED[args.arch], 2)
    if args.arch not in BOARDS:
        raise UserError(f"no package for {args.arch!r}; there is one for: {', '.join(BOARDS)}", 2)
    board = find(BOARDS[args.arch])
    bootscript.check_board(board)
    host.ensure(board, BUILD)
    built = make.build(board, host.ensure_toolchain(board))
    package = plan.make(_build(board.arch, args.arch, built.image), _templates())
    out = args.out or built.folder
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise UserError(f"cannot make the folder {out}: {e.strerror}; choose another --out") from e
    name = f"{plan.NAME}-{args.arch}"
    symbols = gzip.compress(built.elf.read_bytes(), 9, mtime=0)
    print(cache.write_atomic(out / f"{name}.deb", deb.build(package)))
    print(cache.write_atomic(out / f"{name}.elf.gz", symbols))
    note(f"{package.name} {package.version}; on the machine: apt install ./{name}.deb")
    return 0


def _build(arch: str, debian_arch: str, image: Path) -> plan.Build:
    date, change = info.changeset(ROOT)
    if os.environ.get("SOURCE_DATE_EPOCH") or date == "unknown":
        time = legacy.now()
    else:
        time = int(datetime.fromisoformat(date).timestamp())
    version = plan.version(importlib.metadata.version("xenolith"), date, change)
    return plan.Build(arch, debian_arch, image.read_bytes(), version, change, time)


def _templates() -> dict[str, str]:
    return {name: (TEMPLATES / name).read_text() for name in plan.TEMPLATES}
