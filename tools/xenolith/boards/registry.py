# SPDX-License-Identifier: Apache-2.0
"""Finds boards/*/board.py; each defines BOARDS, a tuple of Board."""

from __future__ import annotations

import functools
import importlib.util
import traceback
from dataclasses import dataclass
from pathlib import Path

from xenolith import ROOT
from xenolith.boards.model import Board
from xenolith.errors import UserError
from xenolith.progress import note

DEFAULT = "qemu-virt-arm64"


def load_file(path: Path) -> tuple[Board, ...]:
    """The boards of one board.py. Raises UserError that names file, line and reason."""
    family = path.parent.name
    spec = importlib.util.spec_from_file_location(f"xenolith_board_{family}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        found = tuple(module.BOARDS)
    # Whatever a file of the user does: also sys.exit.
    except (Exception, SystemExit) as e:
        raise UserError(_explained(path, e)) from e
    for board in found:
        if not isinstance(board, Board) or board.family != family:
            raise UserError(f"{path}: BOARDS must hold Board objects of family {family!r}")
    return found


def _explained(path: Path, error: BaseException) -> str:
    """File, line in it and reason, in one line."""
    if isinstance(error, SyntaxError):
        return f"{path}:{error.lineno or 1}: {error.msg}"
    if isinstance(error, OSError):
        return f"{path}: {error.strerror or error}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    where = f"{path}:{lines[-1]}" if lines else str(path)
    said = " ".join(str(error).split())
    return (
        f"{where}: {type(error).__name__}: {said}" if said else f"{where}: {type(error).__name__}"
    )


@dataclass(frozen=True)
class _Found:
    """Boards by name; what is wrong with files, by family."""

    every: dict[str, Board]
    wrong: dict[str, str]


def load(folder: Path) -> _Found:
    """All boards of a folder, in the order of its own; a file that is wrong is left out whole."""
    loaded: dict[str, tuple[Board, ...]] = {}
    wrong: dict[str, str] = {}
    for path in sorted(folder.glob("*/board.py")):
        try:
            loaded[path.parent.name] = load_file(path)
        except UserError as e:
            wrong[path.parent.name] = e.message
    owners: dict[str, str] = {}
    for family, found in loaded.items():
        for name in (board.name for board in found):
            other = owners.setdefault(name, family)
            if other != family or [b.name for b in found].count(name) > 1:
                # A copy of a folder has the names of the original.
                copy = other if name.startswith(family) and other != family else family
                owners[name] = other if copy == family else family
                wrong[copy] = f"{folder / copy / 'board.py'}: board {name!r} is defined twice"
    right = {family: found for family, found in loaded.items() if family not in wrong}
    every = {board.name: board for found in right.values() for board in found}
    return _Found(every, wrong)


@functools.cache
def _all() -> _Found:
    found = load(ROOT / "boards")
    for message in found.wrong.values():
        note(f"{message}; its boards are left out")
    return found


def boards() -> dict[str, Board]:
    """All boards by name, in the order of their folders."""
    return _all().every


def find(name: str) -> Board:
    """The board called `name`; UserError (code 2) that lists those there are."""
    found = _all()
    if name in found.every:
        return found.every[name]
    there = f"there are: {', '.join(found.every)}"
    if found.wrong:
        raise UserError(f"no board {name!r} ({'; '.join(found.wrong.values())}); {there}", 2)
    raise UserError(f"no board {name!r}; {there}", 2)
