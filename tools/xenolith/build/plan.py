# SPDX-License-Identifier: Apache-2.0
"""What is built from which files: pure functions over the tree, used by SCons and by the tests."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from xenolith import OUTPUT, ROOT
from xenolith.boards import Board, boards

CORE = ("xen/*/*.c", "xen/*/*/*.c")
GUEST_LIB = "tests/guests/lib"

HOT = re.compile(
    r"arch/\w+/(entry/|irq/(vgic|virq|vplic)|time/|vcpu/(aarch32|access|decode|fetch)"
    r"|vsbi/(vsbi|harts|ipi|rfence|time)\.c)"
    r"|xen/hypercall/(dispatch|version)"
    r"|xen/event/(evtchn|evtchn_2l|evtchn_fifo|evtchn_upcall)\.c|xen/lib/string|xen/time/timer"
    r"|xen/grant/(copy|map|table)|xen/domain/exit|xen/mm/(guest_copy|p2m|p2m_walk|page)\.c"
)
"""Sources on the paths that a guest takes often: optimised for speed, the rest for size."""

_NOT_SOURCES = "xen/include/"


def output_dir(board: str, toolchain: str = "gcc", *, debug: bool = False) -> str:
    """Folder of a build: one per combination, so that none disturbs another.

    Relative to the checkout, unless XENOLITH_BUILD is elsewhere.
    """
    base = "build" if OUTPUT == ROOT / "build" else str(OUTPUT)
    variant = ("-clang" if toolchain == "clang" else "") + ("-debug" if debug else "")
    return f"{base}/{board}{variant}"


def _glob_all(root: Path, patterns: tuple[str, ...]) -> list[str]:
    return sorted({str(p.relative_to(root)) for pattern in patterns for p in root.glob(pattern)})


def _glob(root: Path, patterns: tuple[str, ...]) -> list[str]:
    return [name for name in _glob_all(root, patterns) if not name.startswith(_NOT_SOURCES)]


def sources(root: Path, board: Board) -> list[str]:
    """C and assembly files of the hypervisor for a board, relative to `root`, sorted."""
    port = tuple(f"arch/{board.arch}/{depth}*.{ext}" for depth in ("*/", "*/*/") for ext in "cS")
    # One image serves every board of an architecture.
    families = {other.family for other in boards().values() if other.arch == board.arch}
    return _glob(root, (*CORE, *port, *(f"boards/{family}/*.c" for family in families)))


def headers(root: Path, board: Board) -> list[str]:
    """Headers that a board's build can include, generated ones apart."""
    return _glob_all(root, ("xen/include/**/*.h", f"arch/{board.arch}/include/**/*.h"))


def include_dirs(board: Board, out: str) -> list[str]:
    """Where `#include <...>` looks, in order."""
    return ["xen/include", f"arch/{board.arch}/include", f"{out}/gen/include"]


@dataclass(frozen=True)
class Guests:
    """The tiny kernels of tests/: each is linked with all of the library."""

    mains: list[str]
    library: list[str]
    includes: list[str]
    script: str


def guests(root: Path, board: Board) -> Guests:
    """The guests for a board; `mains` is empty where there are none."""
    folders = _glob(root, ("tests/guests/*/*.c", "tests/torture/*/*.c"))
    own = [name for name in folders if Path(name).parent.name == Path(name).stem]
    library = tuple(f"{GUEST_LIB}/{sub}*.{ext}" for sub in ("", f"{board.arch}/") for ext in "cS")
    port_script = f"{GUEST_LIB}/{board.arch}/guest.lds.S"
    script = port_script if (root / port_script).exists() else f"{GUEST_LIB}/guest.lds.S"
    return Guests(
        mains=_glob(root, ("tests/guests/*.c", f"tests/guests/{board.arch}/*.c")) + own,
        library=[name for name in _glob(root, library) if not name.endswith(".lds.S")],
        includes=[
            *(f"{GUEST_LIB}/include", f"{GUEST_LIB}/{board.arch}/include"),
            *("tests/torture/include", "xen/include"),
        ],
        script=script,
    )


def guest_sources(root: Path, main: str, arch: str) -> list[str]:
    """A tiny kernel's own files: the main one, or all of its folder where that has its name."""
    path = Path(main)
    own = tuple(f"{path.parent}/{sub}*.{ext}" for sub in ("", f"{arch}/") for ext in "cS")
    return _glob(root, own) if path.parent.name == path.stem else [main]


def offsets_header(assembly: str) -> str:
    """<asm/offsets.h> from the compiled asm_offsets.c, whose lines say `->NAME value`.

    Values are immediate operands: an optional # or $ before a decimal number.
    """
    found = re.findall(r"->(\w+)\s+[#$]?(-?\d+)", assembly)
    lines = [f"#define {name} {value}" for name, value in found]
    head = "/* Generated from asm_offsets.c; for assembly only. */\n#pragma once\n\n"
    return head + "\n".join(lines) + "\n"


def compile_commands(root: str, commands: list[tuple[str, str, str]]) -> str:
    """compile_commands.json from (source, object, command line); paths relative to `root`."""
    entries = [
        {"directory": root, "file": source, "output": target, "command": command}
        for source, target, command in commands
    ]
    return json.dumps(entries, indent=1) + "\n"
