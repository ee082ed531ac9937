# SPDX-License-Identifier: Apache-2.0
"""Applies patches to a source tree with patch(1), exactly: no fuzz, no questions, no backups."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from xenolith.errors import UserError

PATCH = ("patch", "-p1", "--fuzz=0", "--forward", "--batch", "--no-backup-if-mismatch", "-E")

FAULT = re.compile(
    r"FAILED|can't find|malformed|No file to patch|already exists|previously applied"
)


def series(tree: Path, folder: Path, label: str) -> None:
    """The patches that `folder`/series lists, as dpkg-source does. Raises UserError."""
    listed = folder / "series"
    if not listed.exists():
        return
    names = [line.split("#")[0].split() for line in listed.read_text().splitlines()]
    for words in names:
        if words:
            apply(tree, folder / words[0], label)


def folder(tree: Path, patches: Path, label: str) -> None:
    """All *.patch of a folder in the order of their names. Raises UserError."""
    for patch in sorted(patches.glob("*.patch")):
        apply(tree, patch, label)


def apply(tree: Path, patch: Path, label: str) -> None:
    """One patch. Raises UserError that names it, the file and the hunk."""
    try:
        done = subprocess.run(
            [*PATCH, "-i", str(patch)],
            cwd=tree,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError as e:
        raise UserError("patch not found: apt install patch") from e
    if done.returncode != 0:
        raise UserError(f"{patch.name} does not apply to {label}: {_reason(done.stdout)}")


def _reason(said: str) -> str:
    """The file and the first hunk that failed."""
    at = ""
    for line in said.splitlines():
        file = re.match(r"(?:patching|checking) file (\S+)", line)
        at = file[1] if file else at
        if FAULT.search(line):
            return f"{at}: {line.strip()}" if at else line.strip()
    return said.strip().splitlines()[-1] if said.strip() else "patch said nothing"


def lay_over(tree: Path, overlay: Path) -> None:
    """Copy the files of a folder into the tree."""
    shutil.copytree(overlay, tree, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
