"""Boards: the facts the tools need about a machine, and the list of those there are."""

from xenolith.boards.model import Board, Qemu, Uboot
from xenolith.boards.registry import boards, find

__all__ = ["Board", "Qemu", "Uboot", "boards", "find"]
