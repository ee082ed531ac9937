# SPDX-License-Identifier: Apache-2.0
"""Which layers of tests run on which boards, and what they need from the machine: facts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from xenolith.boards import Board
from xenolith.build.needs import BUILD, CARD, DEBUG, DOM0, RUN, TEST
from xenolith.errors import UserError


@dataclass(frozen=True)
class Layer:
    """A folder of tests/. `needs` are purposes of build/needs.py."""

    needs: tuple[str, ...]
    each: Literal["board", "architecture", "run"]
    """It is tested for every board, for one of each architecture, or once in a run."""
    elsewhere: tuple[str, ...] = ()
    """What it needs for the other architectures, too."""
    clang: bool = False
    """It compiles for the board with clang, too."""


LAYERS = {
    "lint": Layer((BUILD,), "architecture", elsewhere=(BUILD,), clang=True),
    "tools": Layer((BUILD, TEST), "run", elsewhere=(BUILD, DOM0), clang=True),
    "host": Layer((BUILD, TEST, RUN), "run", elsewhere=(BUILD, RUN)),
    "guests": Layer((BUILD, RUN), "board"),
    "target": Layer((BUILD, RUN, DOM0, CARD, DEBUG), "board"),
}
"""The fastest first."""


@dataclass(frozen=True)
class Pass:
    """A board and the layers that are tested on it."""

    board: Board
    layers: tuple[str, ...]


def possible(board: Board) -> list[str]:
    """The layers a board can run: tiny kernels are boot modules that QEMU adds to its own tree."""
    return [name for name in LAYERS if name != "guests" or not board.qemu.tree]


def single(board: Board, wanted: Collection[str]) -> list[Pass]:
    """Everything wanted on one board. Raises UserError if that is nothing."""
    layers = [name for name in possible(board) if name in wanted]
    if not layers:
        raise UserError(f"no tests of {', '.join(wanted)} for {board.name}", 2)
    return [Pass(board, tuple(layers))]


def every(boards: Iterable[Board], default: str, wanted: Collection[str]) -> list[Pass]:
    """Everything wanted on all boards; what is tested once in a run is so on the default one."""
    passes = []
    seen: set[str] = set()
    for board in boards:
        due = {
            "board": True,
            "architecture": board.arch not in seen,
            "run": board.name == default,
        }
        seen.add(board.arch)
        layers = [n for n in possible(board) if n in wanted and due[LAYERS[n].each]]
        if layers:
            passes.append(Pass(board, tuple(layers)))
    return passes


def needs(passes: Iterable[Pass], boards: Iterable[Board]) -> list[tuple[Board, frozenset[str]]]:
    """What `boards`, all there are, need for the passes."""
    wanted: dict[Board, frozenset[str]] = {}
    others = list(boards)
    for one in passes:
        for layer in (LAYERS[name] for name in one.layers):
            wanted[one.board] = wanted.get(one.board, frozenset()) | set(layer.needs)
            for arch in {board.arch for board in others} - {one.board.arch}:
                board = next(board for board in others if board.arch == arch)
                wanted[board] = wanted.get(board, frozenset()) | set(layer.elsewhere)
    return list(wanted.items())
