# SPDX-License-Identifier: Apache-2.0
"""Boards: the facts the tools need about a machine, and the list of those there are."""

from xenolith.boards.model import Board, Card, Qemu, Tree, Uart, Uboot
from xenolith.boards.registry import boards, find

__all__ = ["Board", "Card", "Qemu", "Tree", "Uart", "Uboot", "boards", "find"]
