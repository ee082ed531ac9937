# SPDX-License-Identifier: Apache-2.0
"""Changes to a device tree as values: applied to a blob here, or written as `fdt` commands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from xenolith.dt import blob
from xenolith.errors import UserError


@dataclass(frozen=True)
class Cells:
    """32-bit cells."""

    values: tuple[int, ...]

    @classmethod
    def wide(cls, *values: int) -> Cells:
        """64-bit numbers, two cells each."""
        return cls(tuple(half for value in values for half in divmod(value, 1 << 32)))


@dataclass(frozen=True)
class Strings:
    """A list of strings."""

    values: tuple[str, ...]


@dataclass(frozen=True)
class Flag:
    """A property without value."""


Value = Cells | Strings | Flag


@dataclass(frozen=True)
class Node:
    """Make the node if it does not exist; its parent does."""

    path: str


@dataclass(frozen=True)
class Set:
    """Give a node's property a value, whatever it had."""

    path: str
    name: str
    value: Value


@dataclass(frozen=True)
class Remove:
    """Remove a property, or the node itself if `name` is empty; nothing if it does not exist."""

    path: str
    name: str = ""


Edit = Node | Set | Remove


def strings(path: str, name: str, *values: str) -> Set:
    """Shorthand."""
    return Set(path, name, Strings(values))


def cells(path: str, name: str, *values: int) -> Set:
    """Shorthand for 32-bit cells."""
    return Set(path, name, Cells(values))


def wide(path: str, name: str, *values: int) -> Set:
    """Shorthand for 64-bit numbers."""
    return Set(path, name, Cells.wide(*values))


def apply(tree: Any, edits: Iterable[Edit]) -> None:
    """Make the changes in a tree of `blob.parse`. Raises UserError for a missing node."""
    for edit in edits:
        if isinstance(edit, Node):
            _node(tree, edit.path.rpartition("/")[0] or "/")
            tree.get_node(edit.path, create=True)
        elif isinstance(edit, Set):
            _set(_node(tree, edit.path), edit.name, edit.value)
        else:
            _remove(tree, edit)


def _node(tree: Any, path: str) -> Any:
    if not tree.exist_node(path):
        raise UserError(f"device tree: there is no node {path}")
    return tree.get_node(path)


def _set(node: Any, name: str, value: Value) -> None:
    if isinstance(value, Cells):
        blob.set_cells(node, name, *value.values)
    elif isinstance(value, Strings):
        blob.set_strings(node, name, *value.values)
    else:
        blob.set_bytes(node, name, b"")


def _remove(tree: Any, edit: Remove) -> None:
    if not tree.exist_node(edit.path):
        return
    if not edit.name:
        parent, _, name = edit.path.rpartition("/")
        tree.remove_node(name, parent or "/")
    elif tree.get_node(edit.path).exist_property(edit.name):
        tree.get_node(edit.path).remove_property(edit.name)
