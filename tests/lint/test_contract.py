# SPDX-License-Identifier: Apache-2.0
"""The contract of xen/include/arch, checked on the objects of a build."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from pathlib import Path

from xenolith.boards import Board
from xenolith.build import plan
from xenolith.build.make import Output
from xenolith.lint import contract
from xenolith.lint.contract import Object
from xenolith.lint.files import without_strings

Expect = Callable[[list[str]], None]


def _declared(headers: list[Path]) -> tuple[set[str], set[str]]:
    linked: set[str] = set()
    inline: set[str] = set()
    for path in headers:
        more = contract.declared(path.read_text())
        linked |= more[0]
        inline |= more[1]
    return linked, inline


def test_port_defines_the_contract(
    root: Path, board: Board, core: list[Object], port: list[Object], expect_none: Expect
) -> None:
    headers = sorted((root / "xen/include/arch").glob("*.h"))
    linked, _ = _declared(headers)
    halves = [root / f"arch/{board.arch}/include/asm" / header.name for header in headers]
    backing, _ = _declared([half for half in halves if half.exists()])
    expect_none(contract.check_port(core, port, linked, backing))


def test_port_defines_the_inline_part(root: Path, board: Board, expect_none: Expect) -> None:
    _, inline = _declared(sorted((root / "xen/include/arch").glob("*.h")))
    asm = sorted((root / f"arch/{board.arch}/include/asm").glob("*.h"))
    text = "\n".join(without_strings(path.read_text()) for path in asm)
    missing = [name for name in inline if f" {name}(" not in text and f"*{name}(" not in text]
    expect_none([f"{name}: static inline in <arch/...>, not in <asm/...>" for name in missing])


def test_port_calls_only_upcalls(
    root: Path, core: list[Object], port: list[Object], expect_none: Expect
) -> None:
    upcalls = contract.upcalls((root / "xen/include/xen/trap.h").read_text())
    expect_none(contract.check_upcalls(core, port, upcalls))


def test_no_weak_symbols(root: Path, board: Board, built: Output, expect_none: Expect) -> None:
    folder = built.folder / "obj"
    sources = plan.sources(root, board)
    expect_none([f for n in sources for f in contract.check_weak(folder / f"{n}.o", n)])


def test_the_recipe_for_a_port_has_the_whole_contract(root: Path, expect_none: Expect) -> None:
    """CONTRIBUTING.md names each function, or a group of them, at the step that needs it."""
    linked, inline = _declared(sorted((root / "xen/include/arch").glob("*.h")))
    shown = re.findall(r"`(arch_\w+\*?)`", (root / "CONTRIBUTING.md").read_text())
    missing = [
        name for name in linked | inline if not any(fnmatch.fnmatch(name, one) for one in shown)
    ]
    expect_none([f"{name}: not in the table of steps of CONTRIBUTING.md" for name in missing])
