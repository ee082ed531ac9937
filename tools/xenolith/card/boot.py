# SPDX-License-Identifier: Apache-2.0
"""What the first partition of a card holds: firmware, U-Boot, its script, and what that loads."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xenolith import ROOT
from xenolith.boards import Board, Card
from xenolith.card.kernel import Kernel
from xenolith.card.recipe import FOLDER
from xenolith.dom0 import cpio, debian, recipe
from xenolith.errors import UserError
from xenolith.system import kernel as images
from xenolith.system.placement import MIB
from xenolith.system.spec import Dom0, Spec
from xenolith.uboot import inputs, legacy, plan, room, script
from xenolith.uboot.plan import File

HYPERVISOR, KERNEL, INITRD = "xenolith", "kernel.gz", "initrd.gz"
ROOMS = {KERNEL: 24 * MIB, INITRD: 96 * MIB}
"""Bytes of memory kept for files that grow when dom0 installs another kernel."""


@dataclass(frozen=True)
class Lines:
    """The command lines of hypervisor and dom0's kernel."""

    hypervisor: str
    dom0: str


def facts(board: Board) -> Card:
    """What the board's firmware wants. Raises UserError if it does not start from a card."""
    if board.card is None:
        from xenolith.boards import boards

        names = ", ".join(b.name for b in boards().values() if b.card)
        raise UserError(
            f"{board.name} does not start from a card image; boards that do: {names}. For U-Boot "
            f"on {board.name}: ./xenolith uboot --board {board.name}",
            2,
        )
    return board.card


def initrd(usual: bytes, linux: Kernel, overlay: bytes = b"") -> bytes:
    """dom0's usual initramfs with the start from a card before it.

    `usual`: gzip of a cpio archive with /init; `overlay`: a further archive.
    """
    init = next((e for e in cpio.unpack(usual) if e.path == "init"), None)
    if init is None:
        raise UserError("dom0's initramfs has no /init")
    entries = [
        cpio.file("init", (FOLDER / "init.sh").read_bytes(), 0o755),
        cpio.file("init.dom0", init.data, 0o755),
        *linux.modules(),
    ]
    return usual + cpio.compress(cpio.pack(entries)) + overlay


def takes_files(archive: bytes) -> bool:
    """True if such an initramfs, with nothing behind it, hands files of a run to the root."""
    try:
        return b"/xenolith/root" in gzip.decompress(archive)
    except (OSError, EOFError, zlib.error):
        return False


def firmware(board: Board, *, trusted: bool = False) -> dict[str, bytes]:
    """Firmware, U-Boot and their configuration by their names on the card. Raises UserError."""
    card = facts(board)
    folder = ROOT / "boards" / board.family
    found = {name: (folder / name).read_bytes() for name in card.texts}
    files = (*card.files, *(card.trusted if trusted else ()))
    if trusted:
        if not card.trusted:
            raise UserError(f"--tf-a: there is no Trusted Firmware for {board.name}", 2)
        name, comment = card.texts[0], f"#{card.trusted_line}\n".encode()
        if comment not in found[name]:
            raise UserError(f"{folder / name} has no line {comment.decode().strip()!r}")
        found[name] = found[name].replace(comment, comment[1:])
    for package in sorted({package for package, _, _ in files}):
        names = {path: name for other, path, name in files if other == package}
        (deb,) = debian.download([package], recipe.load().suite, board.debian_arch)
        for member in debian.members(deb, names.__contains__):
            found[names[member.path]] = member.data
        missing = [path for path, name in names.items() if name not in found]
        if missing:
            raise UserError(f"{deb.name} has no {missing[0]}")
    return found


def files(
    board: Board,
    hypervisor: Path,
    linux: Kernel,
    ramdisk: bytes,
    lines: Lines,
    *,
    trusted: bool = False,
) -> dict[str, bytes]:
    """All files of the partition. Raises UserError."""
    found = firmware(board, trusted=trusted)
    found |= {name: linux.tree(source) for source, name in facts(board).trees}
    found[HYPERVISOR] = _read(hypervisor)
    found[KERNEL] = linux.packed.read_bytes()
    found[INITRD] = ramdisk
    spec = Spec(HYPERVISOR, lines.hypervisor, Dom0(KERNEL, INITRD, lines.dom0))
    text = _script(board, spec, hypervisor, found)
    uboot = inputs.facts(board)
    image = legacy.Script(text, board.arch, uboot.script, "boot", linux.seconds)
    found["boot.source"] = text.encode()
    found["boot.scr"] = legacy.pack(image)
    return found


def _script(board: Board, spec: Spec, hypervisor: Path, found: Mapping[str, bytes]) -> str:
    """boot.scr as text: it takes the sizes of what it loads from the card."""
    header = images.read(hypervisor, board.arch, what="hypervisor", gzip=False)
    sizes = {name: File(max(len(found[name]), ROOMS.get(name, 0))) for _, name in spec.files()}
    sizes[HYPERVISOR] = inputs.hypervisor(len(found[HYPERVISOR]), header, spec.boot)
    placed = plan.make(
        spec,
        room.room(board, spec),
        sizes,
        script.CARD,
        firmware_tree=inputs.facts(board).tree,
        ask_sizes=True,
    )
    return script.text(placed.plan)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as e:
        raise UserError(f"hypervisor {path}: {e.strerror}") from e
