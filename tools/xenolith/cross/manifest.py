# SPDX-License-Identifier: Apache-2.0
"""The list of a result's files: size and hash of each, so that damage is noticed."""

from __future__ import annotations

import json
from pathlib import Path

from xenolith.dom0 import cache

NAME = "manifest.json"


def _entries(files: Path) -> dict[str, list[str | int]]:
    """Path to [size, hash], or [-1, target] for a link."""
    found: dict[str, list[str | int]] = {}
    for path in sorted(files.rglob("*")):
        name = str(path.relative_to(files))
        if path.is_symlink():
            found[name] = [-1, str(path.readlink())]
        elif path.is_file():
            found[name] = [path.stat().st_size, cache.sha256(path)]
    return found


def write(folder: Path, about: dict[str, str]) -> None:
    """List the files of `folder`/files; what the list does not match is not taken later."""
    content = {"about": about, "files": _entries(folder / "files")}
    cache.write_atomic(folder / NAME, json.dumps(content, indent=1).encode())


def intact(folder: Path) -> bool:
    """True if the files of a result are exactly those that were listed."""
    try:
        listed = json.loads((folder / NAME).read_text())["files"]
        return bool(listed == _entries(folder / "files"))
    except (OSError, ValueError, KeyError, TypeError):
        return False
