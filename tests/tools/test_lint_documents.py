# SPDX-License-Identifier: Apache-2.0
"""Names in documents are findings if they lead nowhere, and only then."""

from __future__ import annotations

import pytest

from xenolith.lint import documents
from xenolith.lint.documents import Elsewhere

TREE = documents.tree(
    {
        "xen/mm/p2m.c": "int p2m_walk(struct p2m *p);\n",
        "xen/include/xen/p2m.h": "struct p2m {\n    int lock;\n};\n#define P2M_WRITE 1\n",
        "docs/HERE.md": "`only_in_a_document`",
        "arch/a/boot/head.S": "_start:\n",
    }
)


def findings(text: str, **elsewhere: str) -> list[str]:
    return documents.check("docs/HERE.md", text, TREE, Elsewhere(elsewhere))


@pytest.mark.parametrize(
    "text",
    [
        "`xen/mm/p2m.c` `xen/mm/` `p2m.c` `mm/p2m.c` `xen/*/p2m*.c` `arch/X/boot/head.S`",
        "`<xen/p2m.h>` `<xen/*.h>` `<xen/...>`",
        "`p2m_walk` `p2m_walk()` `P2M_WRITE` `p2m_X()` `struct p2m` `struct p2m.lock`",
        "[a](HERE.md) [b](../xen/mm/p2m.c) [c](../xen) [d](https://x.org/y.c) [e](HERE.md#part)",
        # Of no kind that the tree could have.
        "`/boot/firmware` `cd xen/none` `--none` `config.txt` `a7` `out/none`",
        "```\nxen/mm/none.c `xen/mm/none.c`\n```",
    ],
)
def test_what_exists(text: str) -> None:
    assert findings(f"\n{text}\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "`xen/mm/none.c`",
        "`none.c`",
        "`xen/none/`",
        "`mm/none/p2m.c`",
        "`2m.c`",
        "`xen/*/none*.c`",
        "`boards/X/board.py`",
        "`<xen/none.h>`",
        "`<p2m/p2m.h>`",
        "`p2m_none`",
        "`none()`",
        "`P2M_NONE`",
        "`P2M_NONE.BIT`",
        "`only_in_a_document`",
        "`struct none`",
        "`struct p2m.none`",
        "[a](NONE.md)",
        "[a](xen/mm/p2m.c)",
    ],
)
def test_what_does_not_exist(text: str) -> None:
    found = findings(f"\n{text}\n")
    assert len(found) == 1 and found[0].startswith("docs/HERE.md:2: ")


def test_exceptions_are_needed() -> None:
    toml = '[elsewhere]\n"names of Linux" = ["linux_*", "xen_none"]\n'
    elsewhere = documents.parse_elsewhere(toml)
    assert documents.check("a.md", "`linux_start()` `linux_end`", TREE, elsewhere) == []
    assert documents.check("a.md", "`linux`, `my_linux_end`", TREE, elsewhere) != []
    assert elsewhere.unneeded() == ["xen_none"]
