"""Writes what a boot needs: files where the boot loader finds them, scripts as text and image."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from xenolith.boards import Board, Uboot
from xenolith.dom0 import cache
from xenolith.dt import blob
from xenolith.errors import UserError
from xenolith.system import kernel
from xenolith.system.placement import Region
from xenolith.system.spec import Spec
from xenolith.uboot import legacy, plan, script
from xenolith.uboot.plan import File, Placed, Room
from xenolith.uboot.script import Source

SCRIPT_ROOM = 1 << 20


@dataclass(frozen=True)
class Request:
    """What to write where."""

    board: Board
    spec: Spec
    files: Mapping[str, Path]
    """Name in the Spec to the file."""
    source: Source
    first: Source | None = None
    """Where the card's boot.scr finds boot2.scr; None: boot.scr does all itself."""
    ask_sizes: bool = False


def facts(board: Board) -> Uboot:
    """The board's U-Boot. Raises UserError if it has none."""
    if board.uboot is None:
        raise UserError(f"{board.name} is not booted by U-Boot", 2)
    return board.uboot


def room(board: Board, spec: Spec) -> Room:
    """The memory that scripts may use."""
    uboot = facts(board)
    ram = Region("RAM for files", uboot.start, uboot.end - uboot.start)
    if spec.memory:
        start = max(ram.start, spec.memory.base)
        end = min(ram.end, spec.memory.base + spec.memory.size)
        if end <= start:
            raise UserError(
                f"memory {spec.memory.base:#x}-{spec.memory.base + spec.memory.size - 1:#x} has "
                f"nothing of what {board.name} leaves free: {ram}",
                2,
            )
        ram = Region(ram.name, start, end - start)
    used = Region("the script", uboot.script, SCRIPT_ROOM)
    return Room(ram, [used] if used.overlaps(ram) else [])


def make(request: Request) -> Placed:
    """Everything placed. Raises UserError for a file that is missing or not what it should be."""
    spec, board = request.spec, request.board
    return plan.make(
        spec,
        room(board, spec),
        {name: _file(request, what, name) for what, name in spec.files()},
        request.source,
        firmware_tree=facts(board).tree,
        cpus=_cpus(request),
        ask_sizes=request.ask_sizes,
    )


def _file(request: Request, what: str, name: str) -> File:
    path = request.files[name]
    try:
        size = path.stat().st_size
    except OSError as e:
        raise UserError(f"{what}: {path}: {e.strerror}") from e
    if not path.is_file() or size == 0:
        raise UserError(f"{what}: {path} is empty or no file")
    if what == "hypervisor":
        image = kernel.read(path, request.board.arch, what=what, gzip=False)
        return File(size, image.memory_size)
    if what.endswith("kernel"):
        kernel.read(path, request.board.arch, what=what)
    if "tree" in what or what.startswith("overlay"):
        blob.parse(path.read_bytes())
    return File(size)


def _cpus(request: Request) -> dict[str, int]:
    """CPU nodes with a phandle, by name, in the Spec's device tree."""
    if not request.spec.device_tree or not request.spec.pools:
        return {}
    tree: Any = blob.parse(request.files[request.spec.device_tree].read_bytes())
    if not tree.exist_node("/cpus"):
        return {}
    nodes = {node.name: blob.get_bytes(node, "phandle") for node in tree.get_node("/cpus").nodes}
    return {name: int.from_bytes(value, "big") for name, value in nodes.items() if value}


def write(request: Request, placed: Placed, out: Path) -> list[Path]:
    """Write the bundle into `out`; returns what was written. No file is half there."""
    uboot, port = facts(request.board), request.board.arch
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise UserError(f"cannot make the folder {out}: {e.strerror}; choose another --out") from e
    written = [_copy(request.files[name], _target(out, name)) for _, name in request.spec.files()]
    text = script.text(placed.plan)
    names = ["boot"]
    texts = [text]
    if request.first:
        names = ["boot", "boot2"]
        second = uboot.script + SCRIPT_ROOM // 2
        texts = [script.first_stage(request.first, second, "boot2.scr"), text]
    for name, content in zip(names, texts, strict=True):
        image = legacy.pack(legacy.Script(content, port, uboot.script, name, legacy.now()))
        if len(image) > SCRIPT_ROOM // 2:
            raise UserError(f"{name}.scr is larger than {SCRIPT_ROOM >> 11} KiB")
        written.append(cache.write_atomic(out / f"{name}.source", content.encode()))
        written.append(cache.write_atomic(out / f"{name}.scr", image))
    return written


def _target(out: Path, name: str) -> Path:
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise UserError(f"{name}: a boot loader's file name is relative and has no `..`", 2)
    return out / name


def _copy(source: Path, target: Path) -> Path:
    if target.exists() and target.samefile(source):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        shutil.copyfile(source, part)
        part.replace(target)
    except OSError as e:
        part.unlink(missing_ok=True)
        raise UserError(f"cannot write {target}: {e.strerror}") from e
    return target
