# SPDX-License-Identifier: Apache-2.0
"""Writes what a boot needs: files where the boot loader finds them, scripts as text and image."""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from xenolith.dt import blob, edit
from xenolith.errors import UserError
from xenolith.uboot import fit, inputs, legacy, plan, script
from xenolith.uboot.inputs import Inputs, Request, facts
from xenolith.uboot.plan import File, Placed, Room
from xenolith.uboot.room import SCRIPT_ROOM, room

__all__ = ["Made", "Request", "facts", "make", "room", "write"]

SCRIPT_PART = "script"
"""The name of the script in a FIT image."""
Content = Path | bytes
"""Of a file: it is copied, or written."""
KINDS = {
    "kernel": "kernel",
    "ramdisk": "ramdisk",
    "tree": "flat_dt",
    "hypervisor": "kernel",
    "bitstream": "fpga",
}
"""The last word of what a file is, to U-Boot's word for it."""


@dataclass(frozen=True)
class Made:
    """Everything decided: what will be written, where it will lie."""

    request: Request
    inputs: Inputs
    placed: Placed
    room: Room


def make(request: Request) -> Made:
    """Everything placed. Raises UserError for a file that is missing or not what it should be."""
    known = inputs.read(request)
    space = room(request.board, known.spec, known.tree)
    if request.finished:
        known = _with_finished(request, known, space)
    fit_size = _fit_size(known.sizes) if request.fit else None
    return Made(request, known, _place(request, known, space, fit_size), space)


def _with_finished(request: Request, known: Inputs, space: Room) -> Inputs:
    """The finished tree as another file: the user's stays as it is, wherever we write."""
    # Its size does not depend on where things lie, but for the digits of an address.
    data = _finished(known, _place(request, known, space, None))
    name = f"{known.spec.device_tree.removesuffix('.dtb')}-finished.dtb"
    spec = replace(known.spec, device_tree=name)
    return replace(known, spec=spec, sizes=known.sizes | {name: File(len(data))})


def _place(request: Request, known: Inputs, space: Room, fit_size: int | None) -> Placed:
    return plan.make(
        known.spec,
        space,
        known.sizes,
        request.source,
        firmware_tree=facts(request.board).tree,
        cpus=inputs.cpus(known.tree),
        ask_sizes=request.ask_sizes,
        finished=request.finished,
        extra=known.extra,
        fit_size=fit_size,
    )


def _fit_size(sizes: dict[str, File]) -> int:
    """At most: data, a kilobyte of words for each, the script."""
    return sum(file.size + 1024 for file in sizes.values()) + SCRIPT_ROOM


def _finished(known: Inputs, placed: Placed) -> bytes:
    """The device tree with all edits."""
    if known.spec.overlays:
        raise UserError(
            "overlays are applied on the board, a finished tree is made here: merge them with "
            "`fdtoverlay`, name the result as device tree",
            2,
        )
    tree = blob.parse(blob.serialize(known.tree))
    edit.apply(tree, [edit.Node("/chosen"), *placed.edits])
    return blob.serialize(tree)


def write(made: Made, out: Path) -> list[Path]:
    """Write the bundle into `out`; returns what was written. No file is half there."""
    files, tree, scripts = _files(made), _tree_for_people(made), _scripts(made)
    contents = _named(*files.items(), *tree.items(), *scripts.items())
    targets = {_target(out, name): content for name, content in contents.items()}
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise UserError(f"cannot make the folder {out}: {e.strerror}; choose another --out") from e
    return _write_all(targets)


def _named(*pairs: tuple[str, Content]) -> dict[str, Content]:
    """Name to content. Raises UserError for a name that is there twice."""
    found: dict[str, Content] = {}
    for name, content in pairs:
        if name in found:
            raise UserError(f"{name} is the name of two files of the bundle; rename one", 2)
        found[name] = content
    return found


def _files(made: Made) -> dict[str, Content]:
    """Everything that is loaded, by name."""
    request, known = made.request, made.inputs
    spec = known.spec
    found: dict[str, Content] = {name: request.files[name] for name in spec.aux}
    if request.fit:
        return found
    for what, name in spec.files():
        found[name] = _content(made, what, name)
    if spec.boot == "bootm":
        data = request.files[spec.hypervisor].read_bytes()
        load = made.placed.plan.hypervisor
        image = legacy.pack_kernel(data, request.board.arch, load, spec.hypervisor, legacy.now())
        del found[spec.hypervisor]
        found[f"{spec.hypervisor}.ub"] = image
    return found


def _content(made: Made, what: str, name: str) -> Content:
    if what == "device tree" and made.request.finished:
        return _finished(made.inputs, made.placed)
    return made.inputs.made.get(name) or made.request.files[name]


def _tree_for_people(made: Made) -> dict[str, Content]:
    name = made.inputs.spec.outputs.tree
    if not name:
        return {}
    if made.inputs.tree is None:
        raise UserError(f"{name} is made of a device tree file; name one (DEVICE_TREE)", 2)
    return {name: _finished(made.inputs, made.placed)}


def _scripts(made: Made) -> dict[str, Content]:
    """boot.scr and boot.source; with two stages boot2, too; or boot.scr and the FIT image."""
    request, spec = made.request, made.inputs.spec
    uboot = facts(request.board)
    text = script.text(_loading(made))
    own = spec.outputs
    image = own.script or "boot.scr"
    source = own.source or f"{image.removesuffix('.scr')}.source"
    if request.fit:
        return _fit(made, text, image, source)
    if not request.first:
        return _script(made, text, image, source)
    second = "boot2.scr" if image == "boot.scr" else image
    first = script.first_stage(request.first, uboot.script + SCRIPT_ROOM // 2, second)
    source = own.source or f"{second.removesuffix('.scr')}.source"
    both = (_script(made, first, "boot.scr", "boot.source"), _script(made, text, second, source))
    return _named(*(pair for one in both for pair in one.items()))


def _loading(made: Made) -> script.Plan:
    """The plan, with bootm's image in the hypervisor's place."""
    found = made.placed.plan
    if found.boot != "bootm":
        return found
    loads = [
        replace(load, file=f"{load.file}.ub") if load.what == "hypervisor" else load
        for load in found.loads
    ]
    return replace(found, loads=loads)


def _script(made: Made, text: str, image: str, source: str) -> dict[str, Content]:
    board = made.request.board
    name = image.removesuffix(".scr")
    packed = legacy.pack(
        legacy.Script(text, board.arch, facts(board).script, name[-32:], legacy.now())
    )
    if len(packed) > SCRIPT_ROOM // 2:
        raise UserError(f"{image} is larger than {SCRIPT_ROOM >> 11} KiB")
    return _named((source, text.encode()), (image, packed))


def _fit(made: Made, text: str, image: str, source: str) -> dict[str, Content]:
    """The FIT image with everything in it, and a script of the same format that fetches it."""
    request, spec, board = made.request, made.inputs.spec, made.request.board
    at = made.placed.plan.fit
    assert at is not None
    name = spec.outputs.fit or f"{image.removesuffix('.scr')}.fit"
    parts = [_part(made, load) for load in made.placed.plan.loads]
    parts.append(fit.Part(SCRIPT_PART, "boot script", "script", text.encode()))
    boot = None
    names = [
        part.name for part in parts if part.name not in ("hypervisor", "device-tree", "script")
    ]
    if request.finished:
        boot = fit.Boot("hypervisor", "device-tree", tuple(names))
    first = script.first_stage(request.first or request.source, at, name, SCRIPT_PART)
    one = [fit.Part(SCRIPT_PART, "boot script", "script", first.encode())]
    title = f"Hypervisor and domains for {board.name}"
    return _named(
        (source, first.encode()),
        (f"{source.removesuffix('.source')}2.source", text.encode()),
        (image, fit.pack("Fetches the system", board.arch, one, None, legacy.now())),
        (name, fit.pack(title, board.arch, parts, boot, legacy.now())),
    )


def _part(made: Made, load: script.Load) -> fit.Part:
    content = _content(made, load.what, dict(made.inputs.spec.files())[load.what])
    data = content if isinstance(content, bytes) else content.read_bytes()
    words = load.what.split()
    kind = "flat_dt" if words[0] == "overlay" else KINDS.get(words[-1], "firmware")
    return fit.Part(script.fit_name(load.what), load.what, kind, data, load.address)


def _target(out: Path, name: str) -> Path:
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise UserError(f"{name}: a boot loader's file name is relative and has no `..`", 2)
    return out / name


def _write_all(contents: dict[Path, Content]) -> list[Path]:
    """Writes all or nothing: under other names first."""
    parts: dict[Path, Path] = {}
    target = Path()
    try:
        for target, content in contents.items():
            if isinstance(content, Path) and target.exists() and target.samefile(content):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            parts[target] = target.with_name(f".{target.name}.{os.getpid()}")
            if isinstance(content, Path):
                shutil.copyfile(content, parts[target])
            else:
                parts[target].write_bytes(content)
        for target, part in parts.items():
            part.replace(target)
    except OSError as e:
        raise UserError(f"cannot write {target}: {e.strerror}; choose another --out") from e
    finally:
        for part in parts.values():
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
    return list(contents)
