# SPDX-License-Identifier: Apache-2.0
"""The floors of the core: who uses whose names, checked on symbols of object files."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass

from xenolith.lint.contract import Object

Uses = dict[str, dict[str, set[str]]]
"""Source -> source -> the names that the first uses of the second."""


@dataclass(frozen=True)
class House:
    """Folders of xen/ by floor, the ground first; the rooms whose files may form circles."""

    floors: tuple[tuple[str, ...], ...]
    tied: frozenset[str]
    tied_files: int

    def floor(self, source: str) -> int | None:
        """The floor of a source of the core, None: its folder has none."""
        room = _room(source)
        return next((i for i, rooms in enumerate(self.floors) if room in rooms), None)


def _room(source: str) -> str:
    return source.split("/")[1]


def read(text: str) -> House:
    """A house from TOML: `floors`, a list of lists of folders; `tie` with `rooms` and `files`."""
    data = tomllib.loads(text)
    floors = tuple(tuple(rooms) for rooms in data["floors"])
    return House(floors, frozenset(data["tie"]["rooms"]), data["tie"]["files"])


def uses(objects: Iterable[Object]) -> Uses:
    """What each source uses of the others; names that none of them defines are left out."""
    objects = list(objects)
    owner = {name: one.source for one in objects for name in one.defined}
    found: Uses = {one.source: {} for one in objects}
    for one in objects:
        for name in one.undefined & owner.keys():
            found[one.source].setdefault(owner[name], set()).add(name)
    return found


def check_floors(house: House, objects: Iterable[Object]) -> list[str]:
    """Names used of a floor above, and folders without a floor."""
    findings = []
    for source, others in uses(objects).items():
        floor = house.floor(source)
        if floor is None:
            findings.append(f"{source}: its folder has no floor: add it to floors.toml")
            continue
        for other, names in others.items():
            above = house.floor(other)
            if above is not None and above > floor:
                findings.append(
                    f"{source} (floor {floor}) uses {', '.join(sorted(names))} of {other}"
                    f" (floor {above}): move it, or register a hook from above"
                )
    return findings


def _reached(start: str, graph: Uses) -> set[str]:
    found: set[str] = set()
    todo = [start]
    while todo:
        for other in graph[todo.pop()].keys() - found:
            found.add(other)
            todo.append(other)
    return found


def circles(objects: Iterable[Object]) -> list[list[str]]:
    """Groups of sources in which each needs, at last, every other one; each sorted."""
    graph = uses(objects)
    reached = {source: _reached(source, graph) for source in graph}
    groups = {
        tuple(sorted(other for other in reached[source] if source in reached[other]))
        for source in graph
        if source in reached[source]
    }
    return [list(group) for group in sorted(groups)]


def check_circles(house: House, objects: Iterable[Object]) -> list[str]:
    """Circles of files, but for those that the house allows."""
    findings = []
    for circle in circles(objects):
        tied = all(s.startswith("xen/") and _room(s) in house.tied for s in circle)
        if not tied:
            findings.append(f"a circle of calls: {' '.join(circle)}")
        elif len(circle) > house.tied_files:
            findings.append(
                f"a circle of {len(circle)} files, {house.tied_files} may be: {' '.join(circle)}"
            )
    return findings
