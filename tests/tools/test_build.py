# SPDX-License-Identifier: Apache-2.0
"""The build's pure parts, and a whole build of a small tree."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from xenolith.boards import Board, find
from xenolith.build import image, info, make, plan, report, toolchain
from xenolith.build.symbols import Symbols
from xenolith.errors import UserError

HEAD = """#include <asm/offsets.h>
    .section .head, "ax"
    .globl _start
    .type _start, %function
_start:
    mov x0, #PAIR_SIZE
    bl xen_main
    b .
"""
MAIN = """#include <xen/build_info.h>
#include <xen/main.h>
unsigned long counters[1000];
static const char text[] = XEN_BUILD_DATE __FILE__;
void xen_main(unsigned long x)
{
    counters[x] = (unsigned long)text[x];
}
"""
OFFSETS = """#include <stddef.h>
struct pair { long a, b; };
void asm_offsets(void);
void asm_offsets(void)
{
    __asm__ volatile("\\n.ascii \\"->PAIR_SIZE %0\\"" : : "i"(sizeof(struct pair)));
}
"""
SCRIPT = """ENTRY(_start)
PHDRS { text PT_LOAD FLAGS(5); data PT_LOAD FLAGS(6); }
SECTIONS {
    . = 0x40200000;
    .text : { KEEP(*(.head)) *(.text .text.*) *(.rodata .rodata.*) } :text
    .note.gnu.build-id : { KEEP(*(.note.gnu.build-id)) } :text
    . = ALIGN(4096);
    .data : { *(.data .data.*) } :data
    .bss : { *(.bss .bss.*) } :data
}
"""
GUEST = "void xen_main(unsigned long x);\nvoid xen_main(unsigned long x)\n{\n    (void)x;\n}\n"
TWIN = "void other(void);\n" + GUEST.replace("(void)x;", "(void)x;\n    other();")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """A checkout with a hypervisor of two files."""
    tree = tmp_path_factory.mktemp("tree")
    # The boards' C needs the real core.
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.c")
    for part in ("tools", "boards"):
        shutil.copytree(root / part, tree / part, ignore=ignore)
    shutil.copy(root / "SConstruct", tree)
    files = {
        "xen/include/xen/main.h": "#pragma once\nextern unsigned long counters[1000];\n"
        "void xen_main(unsigned long x);\n",
        "xen/boot/main.c": MAIN,
        "arch/arm64/asm_offsets.c": OFFSETS,
        "arch/arm64/boot/head.S": HEAD,
        "arch/xen.lds.S": SCRIPT,
        "tests/guests/hello.c": GUEST,
        "tests/guests/twin/twin.c": TWIN,
        "tests/guests/twin/other.c": "void other(void);\nvoid other(void)\n{\n}\n",
        "tests/guests/lib/start.S": HEAD.replace("#include <asm/offsets.h>", "").replace(
            "#PAIR_SIZE", "#0"
        ),
        "tests/guests/lib/guest.lds.S": SCRIPT,
    }
    for name, text in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    return tree


@pytest.fixture(scope="module", params=["gcc", pytest.param("clang", marks=pytest.mark.slow)])
def compiler(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


def test_whole_build(tree: Path, board: Board, compiler: str) -> None:
    out = make.build(board, compiler, targets=("image", "guests"), root=tree)
    flat = out.image.read_bytes()
    sizes = image.sizes(out.elf)
    assert sizes.flat == len(flat) == image.sizes(out.elf).flat
    assert sizes.bss == 8000
    assert out.guest("hello").stat().st_size > 0
    assert out.guest("twin").stat().st_size > 0
    assert "#define PAIR_SIZE 16" in (out.folder / "gen/include/asm/offsets.h").read_text()
    commands = json.loads((out.folder / "compile_commands.json").read_text())
    assert {entry["file"] for entry in commands} == {"xen/boot/main.c", "arch/arm64/boot/head.S"}


def test_symbols(tree: Path, board: Board, compiler: str) -> None:
    symbols = Symbols(make.build(board, compiler, root=tree).elf)
    assert symbols.where(0x40200000) == "_start+0x0 arch/arm64/boot/head.S:6"
    # The address after `bl xen_main` belongs to the call.
    assert symbols.where(0x40200008, after_call=True) == "_start+0x8 arch/arm64/boot/head.S:7"
    line = symbols.annotate("(XEN)    [<0000000040200008>] x")
    assert line == "(XEN)    [<0000000040200008>] _start+0x8 arch/arm64/boot/head.S:7 x"
    assert "head.S:8" in symbols.annotate("[<40200008>] (PC)")
    assert symbols.where(0x1234) == ""
    assert symbols.annotate("[<00001234>]") == "[<00001234>]"
    assert len(symbols.build_id) == 40


def test_report(tree: Path, board: Board, compiler: str) -> None:
    out = make.build(board, compiler, root=tree)
    objects = f"{out.folder.relative_to(tree)}/obj"
    parts = report.by_folder(report.placed(out.elf), out.map.read_text(), objects)
    assert parts["xen/boot"]["bss"] == 8000
    assert parts["xen/boot"]["text"] > 0
    text = report.text(tree, plan.sources(tree, board), out.elf, out.map.read_text(), objects)
    assert text.splitlines()[-1].split()[:2] == ["all", "16"]


def test_a_change_in_a_header_rebuilds_at_once(tree: Path, board: Board) -> None:
    kind = "gcc" if toolchain.find("gcc", board.arch) else "clang"
    first = image.sizes(make.build(board, kind, root=tree).elf)
    for name in ("xen/include/xen/main.h", "xen/boot/main.c"):
        path = tree / name
        path.write_text(path.read_text().replace("counters[1000]", "counters[2000]"))
    assert image.sizes(make.build(board, kind, root=tree).elf).bss == 2 * first.bss


def test_a_failing_build_is_one_line(
    tree: Path, board: Board, capsys: pytest.CaptureFixture[str]
) -> None:
    kind = "gcc" if toolchain.find("gcc", board.arch) else "clang"
    broken = tree / "xen/boot/broken.c"
    broken.write_text("int f( {\n")
    with pytest.raises(UserError, match="the build failed"):
        make.build(board, kind, root=tree)
    broken.unlink()
    assert "xen/boot/broken.c:1" in capsys.readouterr().err


def test_wrong_options(tree: Path, board: Board) -> None:
    for targets in (("board=nope",), ("tolchain=gcc",)):
        with pytest.raises(UserError, match=r"no board .nope.|no option tolchain"):
            make.build(board, "gcc", targets=targets, root=tree)


def test_build_info_is_quoted() -> None:
    text = info.header('g"c\\c\n', "2026-01-01", "git:1")
    assert '#define XEN_BUILD_COMPILER "g\\"c\\\\c"' in text


def test_board_facts_become_a_header() -> None:
    text = info.board_header(find("rpi4"))
    uart = "{.regs = {.base = 0xfe215040, .shift = 2, .width = 4}, .pl011 = 0}"
    assert text.splitlines()[-1] == f"#define BOARD_EARLY_UART {uart}"
    none = dataclasses.replace(find("rpi4"), early_uart=None)
    assert info.board_header(none).endswith("#define BOARD_EARLY_UART {.pl011 = 0}\n")


def test_changeset_outside_git(tmp_path: Path) -> None:
    assert info.changeset(tmp_path) == ("unknown", "unknown")


def test_offsets() -> None:
    assembly = '\t.ascii "->ONE #8"\n->TWO $-4\n->THREE 12\n'
    assert plan.offsets_header(assembly).splitlines()[-3:] == [
        "#define ONE 8",
        "#define TWO -4",
        "#define THREE 12",
    ]


def test_output_folders_differ() -> None:
    folders = {
        plan.output_dir("b", kind, debug=debug)
        for kind in toolchain.KINDS
        for debug in (False, True)
    }
    assert len(folders) == 4 and "build/b" in folders


def test_unknown_toolchain() -> None:
    with pytest.raises(UserError, match="gcc, clang"):
        toolchain.find("icc", find("qemu-virt-arm64").arch)


def test_code_lines() -> None:
    assert report.code_lines("/* a\n b */\nint x; // c\n\n// d\n#define Y\n") == 2
