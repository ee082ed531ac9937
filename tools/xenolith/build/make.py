# SPDX-License-Identifier: Apache-2.0
"""The build from the command line's side: SCons as a process, progress, one-line errors."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from xenolith import ROOT
from xenolith.boards import Board
from xenolith.build import plan
from xenolith.errors import FULL, READ_ONLY, UserError, explain
from xenolith.progress import note, step

_STEPS = ("CC", "CPP", "LD", "GEN", "IMAGE")


@dataclass(frozen=True)
class Output:
    """What a build leaves behind."""

    folder: Path

    @property
    def image(self) -> Path:
        """The flat image to boot."""
        return self.folder / "xenolith"

    @property
    def elf(self) -> Path:
        """The same with symbols."""
        return self.folder / "xenolith.elf"

    @property
    def map(self) -> Path:
        """The linker's map."""
        return self.folder / "xenolith.map"

    def guest(self, name: str) -> Path:
        """The flat image of a tiny kernel (target `guests`)."""
        return self.folder / "guests" / f"{name}.bin"


def output(board: Board, kind: str = "gcc", *, debug: bool = False, root: Path = ROOT) -> Output:
    """Where the build of a board with a toolchain (gcc, clang) is."""
    return Output(root / plan.output_dir(board.name, kind, debug=debug))


def command(board: Board, kind: str, *, debug: bool, targets: tuple[str, ...]) -> list[str]:
    """The SCons command line."""
    options = [f"board={board.name}", f"toolchain={kind}", f"debug={int(debug)}"]
    return [sys.executable, "-m", "SCons", "-Q", *options, *targets]


def build(
    board: Board,
    kind: str = "gcc",
    *,
    debug: bool = False,
    targets: tuple[str, ...] = (),
    root: Path = ROOT,
) -> Output:
    """Builds `targets` (none: the hypervisor) in the checkout `root`.

    UserError if anything fails; what the compiler said is on stderr by then.
    """
    argv = command(board, kind, debug=debug, targets=targets)
    said: list[str] = []
    with (
        step(f"building for {board.name} with {kind}") as progress,
        subprocess.Popen(
            argv, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as scons,
    ):
        for line in scons.stdout or ():
            if line.startswith(_STEPS):
                progress.update(line.strip())
            else:
                said.append(line.rstrip())
        if scons.wait() != 0:
            _fail(said, output(board, kind, debug=debug, root=root).folder)
    return output(board, kind, debug=debug, root=root)


def _fail(said: list[str], folder: Path) -> None:
    """Shows the compiler's words; raises the closing error."""
    own = [line for line in said if line.startswith("xenolith: ")]
    if own:
        raise UserError(own[-1].removeprefix("xenolith: "))
    # SCons and the compilers have words of their own for it, and tracebacks.
    for number in (*FULL, *READ_ONLY):
        words = [os.strerror(number)] + ([folder.name] if number in READ_ONLY else [])
        if any(all(word in line for word in words) for line in said):
            raise UserError(explain(OSError(number, os.strerror(number), str(folder))))
    for line in said:
        note(line)
    raise UserError("the build failed; the reason stands above")
