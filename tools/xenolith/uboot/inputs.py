# SPDX-License-Identifier: Apache-2.0
"""What a bundle is made of: its files, looked at before anything is written."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from xenolith.boards import Board, Uboot
from xenolith.dt import address, blob, passthrough
from xenolith.errors import UserError
from xenolith.system import boot, kernel
from xenolith.system.spec import Guest, Spec
from xenolith.uboot import legacy
from xenolith.uboot.plan import File
from xenolith.uboot.script import Source

OURS = b"Xenolith, Xen version"
"""In the image of this hypervisor, not in Xen's."""
GICV2 = ("arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a7-gic", "arm,cortex-a9-gic")
GICV3 = "arm,gic-v3"
CHUNK = 1 << 20
OPTIONS = {"arm64": "CONFIG_XEN_DOM0", "riscv": "tools/dom0's patches and CONFIG_XEN"}


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
    fit: bool = False
    """All files in one FIT image."""
    finished: bool = False
    """The device tree is edited here."""

    def __post_init__(self) -> None:
        if self.finished and not self.spec.device_tree:
            raise UserError(
                "a finished device tree is made of a file: name one (device_tree, DEVICE_TREE), or "
                "leave out --finished-tree",
                2,
            )
        if self.ask_sizes and (self.finished or self.fit or self.spec.outputs.tree):
            raise UserError(
                "--ask-sizes: a FIT image and a finished tree hold the sizes; choose one", 2
            )
        if self.fit and self.spec.boot == "bootm":
            raise UserError("BOOT_CMD bootm: with a FIT image booti does it; choose one", 2)


@dataclass(frozen=True)
class Inputs:
    """The request with all files known."""

    spec: Spec
    """With a passthrough tree for every guest that has devices."""
    sizes: dict[str, File]
    made: dict[str, bytes] = field(default_factory=dict)
    """Files that are not the user's, by name."""
    tree: Any = None
    """The device tree, if it is a file."""
    extra: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def facts(board: Board) -> Uboot:
    """The board's U-Boot. Raises UserError if it has none."""
    if board.uboot is None:
        raise UserError(f"{board.name} is not booted by U-Boot", 2)
    return board.uboot


def read(request: Request) -> Inputs:
    """Looks at every file. Raises UserError for one that is missing or not what it should be."""
    spec, notes = request.spec, list(request.spec.notes)
    tree = _tree(request) if spec.device_tree else None
    made: dict[str, bytes] = {}
    sizes = {name: _file(request, what, name, notes) for what, name in spec.files()}
    spec = replace(
        spec, guests=tuple(_with_devices(g, spec, tree, made, notes) for g in spec.guests)
    )
    _check_ours(request, tree, notes)
    for name in spec.aux:
        _size(request.files[name], "auxiliary file")
    sizes |= {name: File(len(data)) for name, data in made.items()}
    return Inputs(spec, sizes, made, tree, _extra(request), tuple(notes))


def _check_ours(request: Request, tree: Any, notes: list[str]) -> None:
    """What this hypervisor does not do yet, unlike Xen. Raises UserError for what cannot boot."""
    spec, path = request.spec, request.files[request.spec.hypervisor]
    if OURS not in path.read_bytes():
        return
    if spec.dom0 is None:
        why = "starts no guests without a dom0 yet; describe one ([dom0], DOM0_KERNEL)"
        raise UserError(f"hypervisor: {path} {why}, or name Xen as hypervisor", 2)
    if tree is not None and address.has(tree, GICV3) and not address.has(tree, *GICV2):
        where = f"device tree {request.files[spec.device_tree]}"
        why = "has a GICv3, which this hypervisor does not drive yet; take a machine with a GICv2"
        raise UserError(f"{where} {why}, or name Xen as hypervisor", 2)
    if spec.guests:
        notes.append(f"{path} does not start guests by itself yet: make them in dom0 with `xl`")


def _size(path: Path, what: str) -> int:
    try:
        size = path.stat().st_size
    except OSError as e:
        raise UserError(f"{what}: {path}: {e.strerror}; --files names the folder") from e
    if not path.is_file() or size == 0:
        raise UserError(f"{what}: {path} is empty or no file")
    return size


def _file(request: Request, what: str, name: str, notes: list[str]) -> File:
    path, arch = request.files[name], request.board.arch
    size = _size(path, what)
    if what == "hypervisor":
        if request.spec.boot == "bootefi" and path.open("rb").read(2) != b"MZ":
            raise UserError(
                f"hypervisor: {path} is no EFI program, which bootefi starts; use booti"
            )
        image = kernel.read(path, arch, what=what, gzip=False)
        return hypervisor(size, image, request.spec.boot)
    if what.endswith("kernel"):
        image = kernel.read(path, arch, what=what)
        if not image.xen:
            without = f"{what} {path} is a Linux without Xen support"
            if what == "dom0 kernel":
                raise UserError(f"{without}; take Debian's, or build it with {OPTIONS[arch]}")
            notes.append(f"{without}: it will have no Xen devices")
    if what.endswith("ramdisk"):
        _ramdisk(path, what)
    if "tree" in what or what.startswith("overlay"):
        _blob(path, what)
    return File(size)


def _ramdisk(path: Path, what: str) -> None:
    """Raises UserError for one that is cut off, and for one that Linux cannot read in dom0."""
    unpacker = zlib.decompressobj(wbits=31)
    with path.open("rb") as file:
        start = file.read(8)
        if what == "dom0 ramdisk" and not start.startswith(boot.ARCHIVES):
            raise UserError(f"{what}: {path} is no initramfs: neither cpio nor compressed")
        file.seek(0)
        if not start.startswith(b"\x1f\x8b"):
            return
        try:
            # What follows the first archive is Linux's to judge.
            while not unpacker.eof and (data := file.read(CHUNK)):
                while data and not unpacker.eof:
                    unpacker.decompress(data, CHUNK)
                    data = unpacker.unconsumed_tail
        except zlib.error as e:
            raise UserError(f"{what}: {path} is a damaged gzip file: {e}; make it anew") from e
    if not unpacker.eof:
        raise UserError(f"{what}: {path} is a truncated gzip file; copy it again")


def hypervisor(size: int, image: kernel.Image, command: str) -> File:
    """What memory it needs [U-Boot, arch/*/lib/image.c: booti_setup]."""
    if command == "bootm":
        # U-Boot moves what is behind the header to the address of the header.
        return File(size + legacy.HEADER.size, image.memory_size)
    if command == "booti" and not image.anywhere:
        return File(size, image.memory_size, image.text_offset)
    return File(size, image.text_offset + image.memory_size)


def _blob(path: Path, what: str) -> Any:
    try:
        return blob.parse(path.read_bytes())
    except UserError as e:
        raise UserError(f"{what} {path}: {e.message}") from e


def _tree(request: Request) -> Any:
    """The device tree, if it is one of this board."""
    path, board = request.files[request.spec.device_tree], request.board
    _size(path, "device tree")
    tree = _blob(path, "device tree")
    found = address.compatible(tree)
    if board.compatible and not set(found) & set(board.compatible):
        theirs = found[0] if found else "a board that it does not name"
        raise UserError(
            f"device tree {path} is for {theirs}, {board.name} is {board.compatible[0]}; name its "
            "own, or none: the firmware has one"
        )
    return tree


def _with_devices(
    guest: Guest, spec: Spec, tree: Any, made: dict[str, bytes], notes: list[str]
) -> Guest:
    if not guest.devices:
        return guest
    if guest.passthrough:
        why = "a passthrough tree is named, and devices to make one of; name one"
        raise UserError(f"{guest.name}: {why}", 2)
    if tree is None:
        raise UserError(
            f"{guest.name}: devices given to it are looked up in a device tree file; name one "
            "(device_tree, DEVICE_TREE)",
            2,
        )
    partial = passthrough.make(tree, guest.devices)
    notes.extend(f"{guest.name}: {note}" for note in partial.notes)
    name = f"{guest.name}-passthrough.dtb"
    if name in {found for _, found in spec.files()}:
        raise UserError(f"{name} is a file of the description, and one that is made here", 2)
    made[name] = partial.data
    return replace(guest, passthrough=name)


def _extra(request: Request) -> tuple[str, ...]:
    """The lines of the file with further commands."""
    if not request.spec.extra_file:
        return ()
    path = request.files[request.spec.extra_file]
    _size(path, "further commands")
    try:
        text = path.read_text("ascii")
    except UnicodeDecodeError as e:
        raise UserError(f"further commands: {path} is not plain text") from e
    return tuple(line.rstrip() for line in text.splitlines())


def cpus(tree: Any) -> dict[str, int]:
    """CPU nodes by name, with their phandle or 0."""
    if tree is None or not tree.exist_node("/cpus"):
        return {}
    nodes = [n for n in tree.get_node("/cpus").nodes if n.name.split("@")[0] == "cpu"]
    values = {node.name: blob.get_bytes(node, "phandle") or b"" for node in nodes}
    return {name: int.from_bytes(value, "big") for name, value in values.items()}
