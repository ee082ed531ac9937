# SPDX-License-Identifier: Apache-2.0
"""Prints where everything lies in memory."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from xenolith.uboot.plan import Row

LEGEND = "(in parentheses: taken before any file is loaded)"
HEADINGS = ("start", "end", "KiB", "what")


def show(rows: Sequence[Row], *, as_json: bool) -> None:
    """A table for people, plain where the output is no terminal, or JSON."""
    if as_json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
        return
    found = [_texts(row) for row in rows]
    if not sys.stdout.isatty():
        for start, end, size, name in (HEADINGS, *found):
            print(f"{start:>12} {end:>12} {size:>8}  {name}")
        print(LEGEND)
        return
    table = Table(box=None, pad_edge=False)
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for row, texts in zip(rows, found, strict=True):
        table.add_row(*texts, style="dim" if row.taken else None)
    console = Console(file=sys.stdout)
    console.print(table)
    console.print(LEGEND, style="dim")


def _texts(row: Row) -> tuple[str, str, str, str]:
    name = f"({row.what})" if row.taken else row.what
    return f"{row.start:#x}", f"{row.start + row.size - 1:#x}", str(-(-row.size // 1024)), name
