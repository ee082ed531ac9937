# SPDX-License-Identifier: Apache-2.0
"""What shall be built from source: values only, no processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xenolith.cross.origin import Origin


@dataclass(frozen=True)
class Step:
    """One command of a build, run once; a build that was broken off goes on with this step.

    In `command`, `env` and `folder` these words stand for what is known when it runs:
    @tree@ (the unpacked, patched source), @sysroot@, @inputs@ (folder with copies of the project's
    inputs), @jobs@ (CPUs of this machine), @cross@ (`riscv64-linux-gnu-`).
    """

    text: str
    """For the user: `compiling`."""
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to PATH, HOME, LC_ALL=C and pkg-config's variables for the sysroot; nothing else of
    the user's environment is seen."""
    folder: str = "@tree@"
    lines: int = 0
    """About how many lines the command prints in all, for progress; 0: not worth counting."""


@dataclass(frozen=True)
class Output:
    """A file or folder of the tree to keep, and its name in the result."""

    path: str
    name: str


@dataclass(frozen=True)
class Project:
    """A program, where its source is, what is done to it, what is kept of it."""

    name: str
    arch: str
    """Debian's name of the architecture to build for."""
    origin: Origin
    steps: tuple[Step, ...]
    outputs: tuple[Output, ...]
    patches: Path | None = None
    """Folder of *.patch, applied in the order of their names (`patch -p1`, no fuzz)."""
    overlay: Path | None = None
    """Folder of files that are put into the tree after the patches."""
    inputs: tuple[Path, ...] = ()
    """Further files that the steps read at @inputs@: configuration fragments."""
    sysroot: tuple[str, ...] = ()
    """Debian packages unpacked for the compiler to find headers and libraries in."""
    exclude: tuple[str, ...] = ()
    """Parts of the source that are not unpacked: patterns of tar's --exclude."""
    space: int = 2_000_000_000
    """Bytes on disk that the tree needs when built."""


@dataclass(frozen=True)
class Result:
    """What a build left; the files were compared with its list when this was made."""

    folder: Path
    version: str
    """Of the source."""

    def path(self, name: str) -> Path:
        """An output by its name."""
        return self.folder / "files" / name
