# SPDX-License-Identifier: Apache-2.0
"""Functions that the linker threw away in every image that could have them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass

Function = tuple[str, str]
"""Source, and the function's name."""

# "section address size file"; -ffunction-sections gives each function a section of its own.
_SECTION = re.compile(
    r"^ \.text\.(\S+)\s+0x[0-9a-f]+\s+0x[1-9a-f][0-9a-f]*\s+(\S+)\.o$", re.MULTILINE
)
# What compilers put before and behind a function's name.
_PARTS = re.compile(r"^(?:unlikely|hot|startup)\.|\.(?:isra|part|constprop|cold)\b.*$")


@dataclass(frozen=True)
class Image:
    """What went into an image, and what of it is not there."""

    sources: frozenset[str]
    discarded: frozenset[Function]


def read_map(link_map: str, objects: str, sources: Iterable[str]) -> Image:
    """An image by GNU ld's map, `objects` being the objects' folder as it stands there.

    Raises ValueError for the map of another linker.
    """
    _, found, rest = link_map.partition("\nDiscarded input sections\n")
    if not found:
        raise ValueError("the linker's map does not say what was discarded")
    text = rest.partition("\nMemory Configuration\n")[0]
    # A long section name stands alone on its line.
    text = re.sub(r"^( \.\S+)\n\s+(?=0x)", r"\1 ", text, flags=re.MULTILINE)
    functions = {
        (name.removeprefix(f"{objects}/"), _PARTS.sub("", section))
        for section, name in _SECTION.findall(text)
    }
    return Image(frozenset(sources), frozenset(functions))


def parse_kept(text: str) -> dict[str, str]:
    """allow.toml: tables `[[keep]]` with what and reason; ValueError without a reason."""
    kept = {}
    for entry in tomllib.loads(text).get("keep", []):
        if not str(entry.get("reason", "")).strip():
            raise ValueError(f"{entry.get('what')}: a function that no image has needs its reason")
        kept[str(entry["what"])] = str(entry["reason"])
    return kept


def check(images: Iterable[Image], kept: Iterable[str]) -> list[str]:
    """Functions that all images leave out which have their source, unless kept: by name, or all of
    a file. Exceptions for files that are gone."""
    images, kept = list(images), set(kept)
    dead = {
        (source, name)
        for image in images
        for source, name in image.discarded
        if all((source, name) in i.discarded for i in images if source in i.sources)
    }
    findings = [
        f"{source}:{name}: in no image: delete it, or make it static"
        for source, name in dead
        if not {source, f"{source}:{name}"} & kept
    ]
    there = frozenset[str]().union(*(image.sources for image in images))
    gone = [one for one in kept if one.partition(":")[0] not in there]
    return sorted([*findings, *(f"tests/lint/allow.toml: no file of {one}" for one in gone)])
