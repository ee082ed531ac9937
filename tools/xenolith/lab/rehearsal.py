# SPDX-License-Identifier: Apache-2.0
"""Runs a boot script here: what it would load where, and the device tree at the end.

As much of U-Boot's shell and of its commands as boot scripts use - ours, ImageBuilder's. A command
that is not known is an error: nothing is guessed.
"""

from __future__ import annotations

import contextlib
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from xenolith.dt import blob
from xenolith.errors import UserError
from xenolith.lab import hush

SEPARATORS = (";", "\n", "&&", "||")


class Stop(Exception):
    """The script has ended: `exit`, or the hypervisor was started."""


@dataclass
class Board:
    """What a script finds and leaves behind."""

    files: Mapping[str, bytes]
    env: dict[str, str] = field(default_factory=dict)
    tree: Any = None
    """The working device tree."""
    trees: dict[int, Any] = field(default_factory=dict)
    """Device trees by address."""
    loaded: dict[int, str] = field(default_factory=dict)
    """Address to file."""
    started: tuple[str, ...] = ()
    """The command that started the hypervisor."""
    said: list[str] = field(default_factory=list)


def run(script: str, board: Board) -> Board:
    """Runs a script to its end. Raises UserError for what is not known."""
    with contextlib.suppress(Stop):
        _Shell(script, board).block(())
    return board


class _Shell:
    def __init__(self, text: str, board: Board) -> None:
        self.tokens = hush.tokens(text)
        self.at = 0
        self.board = board

    def peek(self) -> str | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def block(self, ends: tuple[str, ...], active: bool = True) -> bool:
        """Statements up to a keyword in `ends`; the result of the last one."""
        ok = True
        while (token := self.peek()) is not None and token not in ends:
            if token in (";", "\n"):
                self.at += 1
            elif token == "if":
                ok = self.conditional(active)
            else:
                ok = self.chain(active)
        return ok

    def conditional(self, active: bool) -> bool:
        self.at += 1
        ok = self.block(("then",), active)
        self.at += 1
        result = self.block(("else", "fi"), active and ok)
        if self.peek() == "else":
            self.at += 1
            other = self.block(("fi",), active and not ok)
            result = result if ok else other
        if self.peek() != "fi":
            raise UserError("boot script: an `if` has no `fi`")
        self.at += 1
        return result

    def chain(self, active: bool) -> bool:
        """Commands joined by && and ||."""
        ok, run_next = True, active
        while True:
            words = []
            while (token := self.peek()) is not None and token not in SEPARATORS:
                words.append(token)
                self.at += 1
            if run_next and words:
                ok = self.command(words)
            if self.peek() not in ("&&", "||"):
                return ok
            run_next = active and (ok if self.peek() == "&&" else not ok)
            self.at += 1

    def command(self, raw: list[str]) -> bool:
        words = [found for word in raw for found in hush.expand(word, self.board.env)]
        if not words:
            return True
        if re.fullmatch(r"\w+=.*", raw[0]) and len(raw) == 1:
            name, _, value = words[0].partition("=")
            self.board.env[name] = value
            return True
        known: dict[str, Callable[[Board, list[str]], bool]] = COMMANDS
        if words[0] not in known:
            raise UserError(f"boot script: no command {words[0]!r} is known here")
        return known[words[0]](self.board, words[1:])


def _number(text: str, base: int = 16) -> int:
    return int(text, 0 if text.startswith("0x") else base)


def _load(board: Board, address: str, name: str) -> bool:
    data = board.files.get(name)
    if data is None:
        return False
    board.loaded[_number(address)] = name
    board.trees.pop(_number(address), None)
    if data[:4] == b"\xd0\x0d\xfe\xed":
        board.trees[_number(address)] = blob.parse(data)
    board.env["filesize"] = f"{len(data):x}"
    board.env["fileaddr"] = f"{_number(address):x}"
    return True


def _fdt(board: Board, words: list[str]) -> bool:
    verb, rest = words[0], words[1:]
    if verb not in FDT:
        raise UserError(f"boot script: fdt {verb} is not known here")
    return FDT[verb](board, rest)


def _fdt_addr(board: Board, words: list[str]) -> bool:
    found = board.trees.get(_number(words[0]))
    board.tree = board.tree if found is None else found
    return found is not None


def _fdt_move(board: Board, words: list[str]) -> bool:
    found = board.trees.get(_number(words[0]))
    if found is None:
        return False
    board.trees[_number(words[1])] = board.tree = blob.parse(blob.serialize(found))
    return True


def _fdt_mknod(board: Board, words: list[str]) -> bool:
    inside = f"{words[0].rstrip('/')}/{words[1]}"
    if not board.tree.exist_node(words[0]) or board.tree.exist_node(inside):
        return False
    board.tree.get_node(inside, create=True)
    return True


def _fdt_set(board: Board, words: list[str]) -> bool:
    if not board.tree.exist_node(words[0]):
        return False
    blob.set_bytes(board.tree.get_node(words[0]), words[1], _value(words[2:]))
    return True


def _fdt_rm(board: Board, words: list[str]) -> bool:
    path, name = words
    found = board.tree.exist_node(path) and board.tree.get_node(path).exist_property(name)
    if found:
        board.tree.get_node(path).remove_property(name)
    return bool(found)


def _fdt_get(board: Board, words: list[str]) -> bool:
    """`get size VARIABLE PATH [PROPERTY]`, as far as asking whether it is there."""
    if words[0] != "size":
        raise UserError(f"boot script: fdt get {words[0]} is not known here")
    path, names = words[2], words[3:]
    if not board.tree.exist_node(path):
        return False
    return all(board.tree.get_node(path).exist_property(name) for name in names)


def _fdt_there(board: Board, _words: list[str]) -> bool:
    return board.tree is not None


FDT: dict[str, Callable[[Board, list[str]], bool]] = {
    "addr": _fdt_addr,
    "move": _fdt_move,
    "mknod": _fdt_mknod,
    "set": _fdt_set,
    "rm": _fdt_rm,
    "get": _fdt_get,
    "resize": _fdt_there,
    "print": _fdt_there,
}


def _value(words: list[str]) -> bytes:
    """What `fdt set` makes of its arguments."""
    if words and words[0].startswith("<"):
        cells = " ".join(words).strip("<> ").split()
        return b"".join(struct.pack(">I", _number(cell, 10) & 0xFFFFFFFF) for cell in cells)
    return b"".join(word.encode() + b"\0" for word in words)


def _setexpr(board: Board, words: list[str]) -> bool:
    name, left, sign, right = words
    a, b = _number(left), _number(right)
    value = {"+": a + b, "-": a - b, "*": a * b, "/": a // b if b else 0, "&": a & b, "|": a | b}
    board.env[name] = f"{value[sign] & ((1 << 64) - 1):x}"
    return True


def _setenv(board: Board, words: list[str]) -> bool:
    board.env[words[0]] = " ".join(words[1:])
    return True


def _itest(_board: Board, words: list[str]) -> bool:
    a, sign, b = _number(words[0]), words[1], _number(words[2])
    return {"-le": a <= b, "-lt": a < b, "-ge": a >= b, "-gt": a > b, "-eq": a == b}[sign]


def _test(_board: Board, words: list[str]) -> bool:
    if words[0] in ("-n", "-z"):
        return bool(words[1:] and words[1]) == (words[0] == "-n")
    return {"=": words[0] == words[2], "!=": words[0] != words[2]}[words[1]]


def _echo(board: Board, words: list[str]) -> bool:
    board.said.append(" ".join(words))
    return True


def _start(name: str) -> Callable[[Board, list[str]], bool]:
    def start(board: Board, words: list[str]) -> bool:
        board.started = (name, *words)
        raise Stop

    return start


def _exit(_board: Board, _words: list[str]) -> bool:
    raise Stop


def _nothing(_board: Board, _words: list[str]) -> bool:
    return True


COMMANDS: dict[str, Callable[[Board, list[str]], bool]] = {
    "fdt": _fdt,
    "setexpr": _setexpr,
    "setenv": _setenv,
    "itest": _itest,
    "test": _test,
    "echo": _echo,
    "exit": _exit,
    "tftpb": lambda board, words: _load(board, words[0], words[1]),
    "load": lambda board, words: _load(board, words[2], words[3]),
    "fatload": lambda board, words: _load(board, words[2], words[3]),
    **dict.fromkeys(("true", "dhcp", "usb", "fpga"), _nothing),
    **{name: _start(name) for name in ("booti", "bootm", "bootefi")},
}
