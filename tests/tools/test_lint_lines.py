# SPDX-License-Identifier: Apache-2.0
"""Lines are held to what .editorconfig says of their file."""

from __future__ import annotations

import pytest

from xenolith.lint import lines

CONFIG = lines.parse("""
root = true

[*]
indent_style = space
max_line_length = 20
trim_trailing_whitespace = true
insert_final_newline = true

[*.md]
max_line_length = 30

[*.mk]
indent_style = tab

[{*.patch,texts/*}]
trim_trailing_whitespace = false
max_line_length = off
""")


def findings(path: str, text: str) -> list[str]:
    return lines.check(path, text, lines.settings(CONFIG, path))


def test_later_sections_win() -> None:
    assert lines.settings(CONFIG, "a/b.S")["max_line_length"] == "20"
    assert lines.settings(CONFIG, "a/b.md")["max_line_length"] == "30"
    assert lines.settings(CONFIG, "a/b.patch")["max_line_length"] == "off"
    assert lines.settings(CONFIG, "texts/b")["max_line_length"] == "off"
    assert lines.settings(CONFIG, "a/texts/b")["max_line_length"] == "20"


@pytest.mark.parametrize(
    ("path", "text", "wrong"),
    [
        ("a.S", "    nop\n", None),
        ("a.S", "nop\n    nop \n", "a.S:2: blanks at its end"),
        ("a.S", "\tnop\n", "a.S:1: a tab"),
        ("a.S", "nop", "a.S: no newline at its end"),
        ("a.S", "", None),
        ("a.S", "\n" + "x" * 21 + "\n", "a.S:2: 21 columns, at most 20"),
        ("a.mk", "\tmake\n", None),
        ("a.patch", "+ \n" + "x" * 99 + "\n", None),
        ("a.md", "x" * 30 + "\n", None),
        ("a.md", "\n```\nx\n```\n" + "x" * 31 + "\n", "a.md:5: 31 columns, at most 30"),
        ("a.md", f"| {'x' * 30} |\n    {'x' * 30}\n```\n{'x' * 31}\n```\n", None),
        ("a.md", "    code \n", "a.md:1: blanks at its end"),
    ],
)
def test_lines(path: str, text: str, wrong: str | None) -> None:
    assert findings(path, text) == ([wrong] if wrong else [])
