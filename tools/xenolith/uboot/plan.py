"""Places a Spec's files in memory and makes the boot script's plan of it. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xenolith.errors import UserError
from xenolith.system.placement import MIB, Region, Want, check, place
from xenolith.system.spec import Spec
from xenolith.uboot import chosen
from xenolith.uboot.script import Load, Plan, Source

SLACK = 8
"""With sizes asked on the target a file may grow by an eighth and still not meet its neighbour."""
TREE_ROOM = 2 * MIB
"""Bytes kept for the device tree; kernels map no more of it."""


@dataclass(frozen=True)
class File:
    """A file's size, and the memory it needs once it runs, bytes."""

    size: int
    run_size: int = 0


@dataclass(frozen=True)
class Room:
    """Where a boot loader may put things."""

    ram: Region
    taken: Sequence[Region]
    """The boot loader itself, reserved memory, the script while it runs."""


@dataclass(frozen=True)
class Placed:
    """The plan, and where everything lies (for --explain)."""

    plan: Plan
    regions: tuple[Region, ...]


def make(
    spec: Spec,
    room: Room,
    files: Mapping[str, File],
    source: Source,
    *,
    firmware_tree: str,
    cpus: Mapping[str, int] | None = None,
    ask_sizes: bool = False,
) -> Placed:
    """The plan for a Spec. Raises UserError that names what does not fit.

    `files` by name; `firmware_tree`: U-Boot's variable with the tree's address, for a Spec without
    one; `cpus`: see chosen.describe; `ask_sizes`: sizes are taken on the target.
    """
    wanted = [(what, name) for what, name in spec.files() if what != "device tree"]
    tree = [("device tree", spec.device_tree)]
    wants = [_want(what, room, files[name], ask_sizes) for what, name in wanted]
    size = files[spec.device_tree].size if spec.device_tree else 0
    wants.append(Want("device tree", room.ram.start, max(TREE_ROOM, size + MIB)))
    regions = place(room.ram, room.taken, wants)
    check(room.ram, [*room.taken, *regions])
    at = {region.name: region.start for region in regions}
    loads = {
        what: Load(what, name, at[what], None if ask_sizes else files[name].size)
        for what, name in wanted + (tree if spec.device_tree else [])
    }
    described = chosen.describe(spec, dict(cpus or {}))
    plan = Plan(
        source=source,
        loads=tuple(loads.values()),
        edits=described.edits,
        hypervisor=at["hypervisor"],
        tree=at["device tree"],
        tree_from="" if spec.device_tree else firmware_tree,
        modules={path: loads[what] for path, what in described.modules.items()},
        overlays=tuple(at[f"overlay {number}"] for number in range(len(spec.overlays))),
        extra=spec.extra,
    )
    return Placed(plan, tuple(regions))


def _want(what: str, room: Room, file: File, ask_sizes: bool) -> Want:
    if file.size <= 0:
        raise UserError(f"{what}: the file is empty", 2)
    size = max(file.size + (file.size // SLACK if ask_sizes else 0), file.run_size)
    return Want(what, room.ram.start, size)


def explain(placed: Placed, room: Room) -> list[tuple[str, int, int]]:
    """(what, first address, size) of everything in memory, in the order of addresses."""
    every = sorted([*room.taken, *placed.regions], key=lambda region: region.start)
    return [(region.name, region.start, region.size) for region in every]
