# SPDX-License-Identifier: Apache-2.0
"""Places a Spec's files in memory and makes the boot script's plan of it. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xenolith.dt import edit
from xenolith.dt.edit import Edit
from xenolith.errors import UserError
from xenolith.system.placement import MIB, Region, Want, check, place
from xenolith.system.spec import Spec
from xenolith.uboot import chosen
from xenolith.uboot.script import Load, Plan, Source

SLACK = 8
"""With sizes asked on the target a file may grow by an eighth and still not meet its neighbour."""
TREE_ROOM = 2 * MIB
"""Bytes kept for the device tree; kernels map no more of it."""
MOVED = "hypervisor, moved by booti"
MOVED_REMEDY = (
    "its header lets it run there only: build one with bit 3 of the arm64 Image flags, or start it "
    "with bootm (boot, BOOT_CMD)"
)
REMEDY = "make the files smaller, or give them more room (memory, MEMORY_START, MEMORY_END)"


@dataclass(frozen=True)
class File:
    """A file's size, and the memory it needs once it runs, bytes."""

    size: int
    run_size: int = 0
    offset: int | None = None
    """From the start of RAM: booti moves it there. None: it runs where it is loaded."""


@dataclass(frozen=True)
class Room:
    """Where a boot loader may put things."""

    ram: Region
    taken: Sequence[Region]
    """The boot loader itself, reserved memory, the script while it runs; not all are in `ram`."""
    base: int = 0
    """Where the RAM begins that booti moves images to."""
    left: Sequence[Region] = ()
    """What the boot loader no longer needs when booti moves an image; no file is put there."""


@dataclass(frozen=True)
class Placed:
    """The plan, and where everything lies (for --explain)."""

    plan: Plan
    regions: tuple[Region, ...]
    edits: tuple[Edit, ...]
    """All of /chosen, the modules' `reg` too; not if sizes are asked."""


def make(
    spec: Spec,
    room: Room,
    files: Mapping[str, File],
    source: Source,
    *,
    firmware_tree: str,
    cpus: Mapping[str, int] | None = None,
    ask_sizes: bool = False,
    finished: bool = False,
    extra: Sequence[str] = (),
    fit_size: int | None = None,
) -> Placed:
    """The plan for a Spec. Raises UserError that names what does not fit.

    `files` by name; `firmware_tree`: U-Boot's variable with the tree's address, for a Spec without
    one; `cpus`: see chosen.describe; `ask_sizes`: sizes are taken on the target; `finished`: the
    tree is edited here, the script only loads it; `extra`: commands before the start, beside those
    of the Spec; `fit_size`: size of the FIT image that holds the files.
    """
    wanted = [(what, name) for what, name in spec.files() if what != "device tree"]
    tree = [("device tree", spec.device_tree)] if spec.device_tree else []
    wants = [_want(what, room, files[name], ask_sizes) for what, name in wanted]
    wants.append(Want("device tree", room.ram.start, _tree_room(spec, files)))
    wants += [Want("FIT image", room.ram.start, fit_size)] if fit_size is not None else []
    at = _place(room, wants, moved := _moved(room, files[spec.hypervisor]))
    loads = {
        what: _load(spec, (what, name), at[what], files[name], ask_sizes)
        for what, name in wanted + tree
    }
    described = chosen.describe(spec, cpus or {}, {what: r.start for what, r in at.items()})
    modules = {path: loads[what] for path, what in described.modules.items()}
    plan = Plan(
        source=source,
        loads=tuple(loads.values()),
        edits=() if finished else described.edits,
        hypervisor=at["hypervisor"].start,
        tree=at["device tree"].start,
        tree_from="" if spec.device_tree else firmware_tree,
        modules=modules,
        overlays=tuple(at[f"overlay {n}"].start for n in range(len(spec.overlays))),
        extra=(*spec.extra, *extra),
        boot=spec.boot,
        fit=at["FIT image"].start if fit_size is not None else None,
        print_chosen=spec.print_chosen,
    )
    return Placed(plan, (*at.values(), *moved), tuple(_with_reg(described.edits, modules)))


def _tree_room(spec: Spec, files: Mapping[str, File]) -> int:
    return max(TREE_ROOM, files[spec.device_tree].size + MIB if spec.device_tree else 0)


def _moved(room: Room, hypervisor: File) -> list[Region]:
    """Where booti moves the hypervisor, if it does. Raises UserError if that is not free."""
    if hypervisor.offset is None:
        return []
    there = Region(MOVED, room.base + hypervisor.offset, hypervisor.run_size)
    for other in room.taken:
        if there.overlaps(other):
            raise UserError(f"{there} overlaps {other}; {MOVED_REMEDY}")
    return [there]


def _place(room: Room, wants: Sequence[Want], moved: Sequence[Region]) -> dict[str, Region]:
    regions = place(room.ram, [*room.taken, *room.left, *moved], wants, REMEDY)
    _check(room, regions)
    return {region.name: region for region in regions}


def _load(spec: Spec, named: tuple[str, str], region: Region, file: File, ask_sizes: bool) -> Load:
    what, name = named
    path = f"{spec.prefix}/{name}" if spec.prefix else name
    # A file that has grown still needs its bss behind it.
    room = region.size - max(0, file.run_size - file.size)
    size = None if ask_sizes else file.size
    return Load(what, path, region.start, size, room, spec.load_of(what))


def _with_reg(edits: Sequence[Edit], modules: Mapping[str, Load]) -> list[Edit]:
    found: list[Edit] = []
    for change in edits:
        found.append(change)
        load = modules.get(change.path) if isinstance(change, edit.Node) else None
        if load and load.size is not None:
            found.append(edit.wide(change.path, "reg", load.address, load.size))
    return found


def _check(room: Room, regions: Sequence[Region]) -> None:
    """Raise UserError if something lies where it must not; place() has seen to it that not."""
    check(room.ram, regions)
    for region in regions:
        for other in room.taken:
            if region.overlaps(other):
                raise UserError(f"{region} overlaps {other}; move one of them")


def _want(what: str, room: Room, file: File, ask_sizes: bool) -> Want:
    if file.size <= 0:
        raise UserError(f"{what}: the file is empty", 2)
    size = max(file.size, file.run_size)
    return Want(what, room.ram.start, size + (size // SLACK if ask_sizes else 0))


@dataclass(frozen=True)
class Row:
    """Something in memory."""

    what: str
    start: int
    size: int
    taken: bool
    """True for what was there before any file."""


def explain(placed: Placed, room: Room) -> list[Row]:
    """Everything in memory, in the order of addresses."""
    rows = [Row(r.name, r.start, r.size, True) for r in (*room.taken, *room.left)]
    rows += [Row(r.name, r.start, r.size, False) for r in placed.regions]
    return sorted(rows, key=lambda row: (row.start, row.size))
