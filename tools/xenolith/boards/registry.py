"""Finds boards/*/board.py; each defines BOARDS, a tuple of Board."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

from xenolith import ROOT
from xenolith.boards.model import Board
from xenolith.errors import UserError

DEFAULT = "qemu-virt-arm64"


def load_file(path: Path) -> tuple[Board, ...]:
    """The boards of one board.py; ValueError if it does not define them well."""
    family = path.parent.name
    spec = importlib.util.spec_from_file_location(f"xenolith_board_{family}", path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = tuple(module.BOARDS)
    for board in found:
        if not isinstance(board, Board) or board.family != family:
            raise ValueError(f"{path}: BOARDS must hold Board objects of family {family!r}")
    return found


@functools.cache
def boards() -> dict[str, Board]:
    """All boards by name, in the order of their folders."""
    every: dict[str, Board] = {}
    for path in sorted((ROOT / "boards").glob("*/board.py")):
        for board in load_file(path):
            if board.name in every:
                raise ValueError(f"{path}: board {board.name!r} is defined twice")
            every[board.name] = board
    return every


def find(name: str) -> Board:
    """The board called `name`; UserError (code 2) that lists those there are."""
    every = boards()
    if name not in every:
        raise UserError(f"no board {name!r}; there are: {', '.join(every)}", 2)
    return every[name]
