# SPDX-License-Identifier: Apache-2.0
"""A machine that a file describes, system.toml or an ImageBuilder config: for U-Boot, or to run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from xenolith.boards import Board
from xenolith.errors import UserError
from xenolith.system import imagebuilder, toml
from xenolith.system.model import Lines, System
from xenolith.system.spec import Spec
from xenolith.uboot import inputs, script

Files = dict[str, Path]
"""Name in the description to the file."""

FOR_UBOOT = ("memory", "prefix", "load", "hypervisor_load", "extra", "extra_file", "bitstream")
"""Keys that say something to U-Boot only."""


def load(board: Board, path: Path, folder: Path | None) -> tuple[Spec, Files]:
    """What the file says, and its files, which are in `folder` or beside it. Raises UserError."""
    if path.suffix == ".toml":
        spec = toml.load(path)
    else:
        spec = imagebuilder.load(path, board.arch, board.console)
    names = [*(name for _, name in spec.files()), *spec.aux, spec.extra_file]
    return spec, {name: (folder or path.parent) / name for name in names if name}


def system(
    board: Board, spec: Spec, files: Files, *, smp: int, memory: int
) -> tuple[System, list[str]]:
    """The machine for a run, `memory` in MiB, and what of the description has no part in it.

    Raises UserError.
    """
    found = inputs.read(inputs.Request(board, spec, files, script.CARD))
    if spec.dom0 is None:
        raise UserError("--config: no dom0 in it; a run starts guests by their dom0 only", 2)
    ramdisk = files[spec.dom0.ramdisk] if spec.dom0.ramdisk else None
    made = System(
        board,
        files[spec.hypervisor],
        files[spec.dom0.kernel],
        ramdisk,
        smp,
        memory,
        lines=Lines(spec.arguments, spec.dom0.arguments),
    )
    return made, [*found.notes, *_left_out(board, spec)]


def _left_out(board: Board, spec: Spec) -> Iterator[str]:
    """What QEMU's machine does without."""
    trees = [name for name in (spec.device_tree, *spec.overlays) if name]
    if trees:
        yield f"{', '.join(trees)}: QEMU's {board.name} has a device tree of its own"
    if spec.guests:
        yield f"{', '.join(guest.name for guest in spec.guests)}: not loaded, make them with `xl`"
    for key in ("pools", "static_heap", "policy", "hidden_devices"):
        if getattr(spec, key):
            yield f"{key}: a run does not put it into QEMU's device tree"
    words = [key for key in FOR_UBOOT if getattr(spec, key)]
    if words:
        yield f"{', '.join(words)}: for U-Boot, which has no part in a run"
