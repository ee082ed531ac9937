# SPDX-License-Identifier: Apache-2.0
"""Each lint rule finds a small bad sample, and leaves a good one alone."""

from __future__ import annotations

import struct

import pytest

from xenolith.build.image import Sizes
from xenolith.lint import (
    binary,
    comments,
    contract,
    files,
    guest_words,
    layers,
    options,
    places,
    sizes,
)
from xenolith.lint.contract import Object


@pytest.mark.parametrize(
    ("path", "include", "good"),
    [
        ("xen/mm/p2m.c", "<asm/p2m.h>", False),
        ("xen/mm/p2m.c", "<arch/p2m.h>", True),
        ("xen/mm/p2m.c", "<stdio.h>", False),
        ("xen/mm/p2m.c", "<stdint.h>", True),
        ("xen/mm/p2m.c", '"walk.h"', True),
        ("xen/mm/p2m.c", '"../sched/core.h"', False),
        ("xen/include/xen/p2m.h", "<asm/p2m.h>", False),
        ("xen/include/arch/p2m.h", "<asm/p2m.h>", True),
        ("xen/include/public/xen.h", "<xen/types.h>", False),
        ("arch/arm64/mm/p2m.c", "<asm/p2m.h>", True),
        ("tests/guests/event.c", "<public/xen.h>", True),
        ("tests/guests/event.c", "<xen/types.h>", False),
        ("tests/host/fuzz.c", "<stdio.h>", True),
    ],
)
def test_includes(path: str, include: str, good: bool) -> None:
    assert (layers.check_includes(path, f"#include {include}\n") == []) is good
    assert layers.check_includes(path, f"/* #include {include} */\n") == []


@pytest.mark.parametrize(
    "line",
    [
        "#ifdef __aarch64__",
        "#if defined(CONFIG_RISCV)",
        "# elif __riscv_xlen == 64",
        '__asm__ volatile("wfi");',
        'asm("nop");',
    ],
)
def test_core_is_portable(line: str) -> None:
    assert layers.check_core("xen/mm/p2m.c", f"\n{line}\n")[0].startswith("xen/mm/p2m.c:2: ")
    assert layers.check_core("arch/arm64/mm/p2m.c", line) == []
    assert layers.check_core("xen/mm/p2m.c", f"// {line}\n") == []


def test_core_may_have_a_compiler_barrier_and_debug_code() -> None:
    text = '#if XEN_DEBUG\n#define barrier() __asm__ volatile("" ::: "memory")\n#endif\n'
    assert layers.check_core("xen/include/xen/compiler.h", text) == []


def test_policy() -> None:
    text = "\nif (!v->d->is_privileged) {\n"
    assert layers.check_policy("xen/mm/p2m.c", text)[0].startswith("xen/mm/p2m.c:2: ")
    assert layers.check_policy("xen/domain/access.c", text) == []


def test_header_guard() -> None:
    assert layers.check_header("a.h", "/* Head. */\n#pragma once\nint x;\n") == []
    assert layers.check_header("a.h", "/* Head. */\nint x;\n#pragma once\n")


LONG = "int f(void)\n{\n" + "    g();\n" * 70 + "}\n"


def test_long_function() -> None:
    none = sizes.parse_allowed("")
    assert sizes.check("a.c", LONG, none) == ["a.c:2: f has 72 lines, at most 60"]
    assert sizes.check("a.c", LONG.replace("    g();\n", "", 30), none) == []


def test_long_file_and_python() -> None:
    none = sizes.parse_allowed("")
    assert sizes.check("a.c", "int x;\n" * 401, none) == ["a.c:1: 401 lines, at most 400"]
    assert sizes.check("a.py", "x = 1\n" * 301, none)
    # Spelled apart: this file's own tag is another.
    tag = "# SPDX-License-" + "Identifier: Apache-2.0\n"
    assert sizes.check("a.py", tag + "x = 1\n" * 300, none) == []
    body = "def f():\n" + "    x = 1\n" * 40
    assert sizes.check("a.py", body, none) == ["a.py:1: f has 41 lines, at most 40"]
    documented = 'def f():\n    """One\n    two.\n    """\n' + "    x = 1\n" * 39
    assert sizes.check("a.py", documented, none) == []


def test_allowed_sizes() -> None:
    entry = '[[allow]]\nwhat = "a.c:f"\nlines = 80\nreason = "a table in code"\n'
    allowed = sizes.parse_allowed(entry)
    assert sizes.check("a.c", LONG, allowed) == []
    assert allowed.unneeded() == []
    assert sizes.parse_allowed(entry).unneeded() == ["a.c:f"]
    with pytest.raises(ValueError, match="needs its reason"):
        sizes.parse_allowed('[[allow]]\nwhat = "a.c"\nlines = 500\nreason = " "\n')


def test_functions_are_told_from_tables() -> None:
    text = "static const struct row rows[] =\n{\n    {1},\n}\n;\nstruct s\n{\n    int x;\n}\n;\n"
    assert list(sizes.c_functions(text)) == []
    attributed = "int __must_check f(int (*g)(void), int x) __printf(1, 2)\n{\n}\n"
    assert [name for name, _, _ in sizes.c_functions(attributed)] != []


def test_unfinished() -> None:
    for word in ("TO" + "DO", "FIX" + "ME", "X" + "XX"):
        assert comments.check_unfinished("a.c", f"\n/* {word}: later */")[0].startswith("a.c:2: ")
    assert comments.check_unfinished("a.c", "/* nothing to do */") == []


def test_specification_tags() -> None:
    text = "/* [GICv2 4.3.12] and [Arm ARM D1.7.1] */ int a[N 3], b[X];\n"
    assert [tag for tag, _ in comments.tags("a.c", text)] == ["GICv2", "Arm ARM"]
    known = comments.known_tags("| Tag | Document |\n|---|---|\n| `GICv2` | IHI 0048 |\n")
    assert comments.check_tags("a.c", text, known) == [
        "a.c:1: [Arm ARM ...] is not listed in docs/SPECS.md"
    ]


@pytest.mark.parametrize(
    ("path", "text", "good"),
    [
        ("a.c", "    x = 1;\n    dsb(ish);\n", False),
        ("a.c", "    dsb(ish); /* the store before the flag */\n", True),
        ("a.c", "    /* The store before the flag. */\n    dsb(ish);\n    isb();\n", True),
        ("a.c", "/* far */\n\n\n\n\n    smp_wmb();\n", False),
        ("a.c", '    __asm__ volatile("dsb sy" ::: "memory");\n', False),
        ("a.c", '#define dsb(x) __asm__ volatile("dsb " #x)\n', True),
        ("a.S", "    msr sctlr_el2, x0\n    isb\n", False),
        ("a.S", "    msr sctlr_el2, x0\n    isb // MMU on from here\n", True),
        ("a.S", "    eret\n    dsb nsh /* no speculation past eret */\n    isb\n", True),
        ("a.c", "    dsb(ish); /* why */\n" + "    x++;\n" * 5 + "    isb();\n}\n", True),
        ("a.c", "    dsb(ish); /* why */\n" + "    x++;\n" * 5 + "}\n    isb();\n", False),
        ("a.S", "    isb // why\n" + "    nop\n" * 5 + "\n    isb\n", False),
        ("a.c", "    misb(x); fences = 3;\n", True),
    ],
)
def test_barriers(path: str, text: str, good: bool) -> None:
    assert (comments.check_barriers(path, text) == []) is good


def test_places() -> None:
    # Spelled apart: this file follows the rule too.
    for text in (
        "http://deb." + "debian.org/debian",
        "https://pypi." + "org/simple",
        "/wo" + "rk/x/y",
    ):
        assert places.check("a.py", f"see {text}")
    assert (
        places.check("a.py", "docs at https://www.kernel.org and /usr/share/doc, network/x") == []
    )


def test_comment_scanner() -> None:
    text = 'a /* b */ "/* c */" // d\ne'
    assert files.without_comments(text).split() == ["a", '"/*', "c", '*/"', "e"]
    assert files.only_comments(text).split() == ["/*", "b", "*/", "//", "d"]
    assert len(files.without_strings(text)) == len(text)


def _object(source: str, defined: str = "", undefined: str = "") -> Object:
    return Object(source, frozenset(defined.split()), frozenset(undefined.split()))


def test_contract() -> None:
    core = [_object("xen/a.c", "upcall lib", "arch_x arch_extra")]
    port = [_object("arch/p/a.c", "arch_x arch_extra idle", "upcall")]
    findings = contract.check_port(core, port, {"arch_x", "arch_missing"}, set())
    assert [finding.split(":")[0] for finding in findings] == ["arch_extra", "arch_missing", "idle"]
    assert contract.check_port(core, port, {"arch_x", "idle"}, {"arch_extra"}) == []


def test_upcalls() -> None:
    core = [_object("xen/domain/domain.c", "domain_kill"), _object("xen/lib/string.c", "strcmp")]
    port = [_object("arch/p/a.c", "", "domain_kill strcmp")]
    assert len(contract.check_upcalls(core, port, set())) == 1
    listed = (
        "/* Declared elsewhere,\n * for ports too: vcpu_up,\n * domain_kill */\nvoid hyp(int x);\n"
    )
    assert contract.upcalls(listed) == {"vcpu_up", "domain_kill", "hyp"}
    assert contract.check_upcalls(core, port, contract.upcalls(listed)) == []


def test_declarations() -> None:
    header = """
    #define MACRO(x) call(x)
    struct s { int (*handler)(void); };
    typedef int (*fn_t)(void);
    static inline void arch_a(void);
    static inline int helper(void) { return f(1); }
    void __noreturn arch_b(int x) __printf(1, 2);
    struct s *arch_c(void);
    extern const uint8_t arch_table[16];
    """.replace("\n    ", "\n")
    linked, inline = contract.declared(header)
    assert linked == {"arch_b", "arch_c", "arch_table"}
    assert inline == {"arch_a", "helper"}


def test_eret() -> None:
    bare = struct.pack("<3I", binary.ERET, 0xD503201F, 0xD5033FDF)
    good = struct.pack("<3I", binary.ERET, 0xD503379F, 0xD5033FDF)
    assert binary.check_erets(0x1000, bare) == ["eret at 0x1000: no dsb nsh; isb behind it"]
    assert binary.check_erets(0x1000, good) == []
    assert binary.check_erets(0x1000, good[:4]) != []


def test_limits() -> None:
    assert binary.check_limits(Sizes(flat=1000, text=600, rodata=300, data=100, bss=1 << 20)) == []
    large = Sizes(flat=binary.MAX_IMAGE + 1, text=binary.MAX_CODE, rodata=1, data=0, bss=0)
    assert len(binary.check_limits(large)) == 2


def test_floating_point() -> None:
    bad = "  4:\tfmov\td0, x1\n  8:\tldp\tq0, q1, [x0]\n  c:\tdup\tv3.4s, w1\n"
    good = "  4:\tmov\tx0, #0x1\n  8:\tb.ne\t40 <s1+0x3>\n  a:\tb\tb0 <x>\n"
    good += "  c:\tstr\tw1, [sp, #8]  // d0\n"
    assert len(binary.check_no_fp("a.c", bad, "arm64")) == 3
    assert binary.check_no_fp("a.c", good, "arm64") == []
    bad = "   0:\tfld\tfa5,8(a0)\n   4:\tfsd\tfs0,0(sp)\n   8:\tvle8.v\tv1,(a0)\n"
    good = "   0:\tsd\ts0,8(sp)\n   4:\tadd\ta5,a5,t1\n   8:\tfence\trw,rw\n"
    assert len(binary.check_no_fp("a.c", bad, "riscv")) == 3
    assert binary.check_no_fp("a.c", good, "riscv") == []


def test_unfinished_work_in_a_patch_counts_if_the_patch_adds_it() -> None:
    mark = "TO" + "DO"
    assert comments.check_unfinished("a.patch", f" context {mark}\n-old {mark}\n") == []
    assert len(comments.check_unfinished("a.patch", f" context\n+new {mark}\n")) == 1
    assert len(comments.check_unfinished("a.c", f" context {mark}\n")) == 1


@pytest.mark.parametrize("walk", ["dt_for_each_node_any(t, n) {", "n = &dt_host.nodes[i];"])
def test_walks(walk: str) -> None:
    bad = f"void f(void)\n{{\n    {walk}\n}}\n"
    good = bad.replace("    ", "    /* Any status: phandles. */\n    ", 1)
    assert comments.check_walks("xen/mm/memmap.c", bad)[0].startswith("xen/mm/memmap.c:3: ")
    assert comments.check_walks("xen/mm/memmap.c", good) == []
    assert comments.check_walks("xen/dt/tree.c", bad) == []
    assert comments.check_walks("arch/riscv/irq/plic.c", "dt_for_each_node(t, n) {\n}\n") == []


def test_options_that_nobody_reads() -> None:
    header = "struct xen_options {\n    bool one; /* bool three; */\n    char two[MAX];\n};\n"
    assert options.fields(header) == ["one", "two"]
    parser = {"xen/boot/cmdline.c": "x = opt.one; y = opt.two;"}
    assert len(options.check(header, parser)) == 2
    both = parser | {"xen/mm/a.c": "if (opt.one) {}\n opt.two = 1; /* opt.two */"}
    assert [line.split(" is ")[0] for line in options.check(header, both)] == [
        "xen/boot/cmdline.c: opt.two"
    ]
    assert options.check(header, both | {"arch/b.c": "f(opt.two, opt.one == 1);"}) == []


@pytest.mark.parametrize(
    ("code", "good"),
    [
        ("20:\tldaxr\tx1, [x2]\n  24:\tstlxr\tw0, x4, [x2]\n  28:\tcbnz\tw0, 20 <f+0x20>", False),
        ("20:\tldaxr\tx1, [x2]\n  24:\tstlxr\tw0, x4, [x2]\n  28:\tcbnz\tw0, d0 <f+0xd0>", True),
        ("1c:\tlr.d.aq\ta4,(a0)\n  24:\tsc.d.rl\ta3,s1,(a0)\n  28:\tbnez\ta3,1c <.L1>", False),
        ("1c:\tlr.d.aq\ta4,(a0)\n  24:\tsc.d.rl\ta3,s1,(a0)\n  28:\tbnez\ta3,30 <.L1>", True),
    ],
)
def test_loops_on_guests_words(code: str, good: bool) -> None:
    assert (guest_words.check_loops("a.c", f"  {code}\n") == []) is good


def test_guests_fields() -> None:
    bad = "atomic_fetch_or(\n    &info->evtchn_pending_sel, 1);"
    assert guest_words.check_fields("xen/a.c", f"\n{bad}\n")[0].startswith("xen/a.c:2: ")
    assert (
        guest_words.check_fields("xen/a.c", "guest_atomic_or64(d, &i->evtchn_pending_sel, 1);")
        == []
    )
    assert guest_words.check_fields("xen/a.c", "atomic_fetch_or(&d->poll_mask[0], 1);") == []
