# SPDX-License-Identifier: Apache-2.0
"""The files of the checkout, and C text without what is not code."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path


def tracked(root: Path) -> list[str]:
    """Files that are in git or would be added, relative to `root`, sorted."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return sorted(name for name in set(done.stdout.split("\0")) if name and (root / name).is_file())


def c_files(names: list[str], *suffixes: str) -> list[str]:
    """Those of `names` that are C or assembly: by default all, or only these suffixes."""
    wanted = suffixes or (".c", ".h", ".S")
    return [name for name in names if name.endswith(wanted)]


_TOKEN = re.compile(
    r'(?P<comment>/\*.*?\*/|//[^\n]*)|(?P<string>"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')',
    re.DOTALL,
)


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def without_comments(text: str) -> str:
    """C text with comments blanked out; line and column of the rest stay."""
    return _TOKEN.sub(lambda m: _blank(m[0]) if m["comment"] else m[0], text)


def only_comments(text: str) -> str:
    """C text with everything but comments blanked out."""
    out, end = [], 0
    for match in _TOKEN.finditer(text):
        out.append(_blank(text[end : match.start()]))
        out.append(match[0] if match["comment"] else _blank(match[0]))
        end = match.end()
    return "".join(out) + _blank(text[end:])


def without_strings(text: str) -> str:
    """C text with comments and the contents of string literals blanked out."""

    def bare(match: re.Match[str]) -> str:
        quote = match[0][0]
        return _blank(match[0]) if match["comment"] else quote + " " * (len(match[0]) - 2) + quote

    return _TOKEN.sub(bare, text)


def line_of(text: str, offset: int) -> int:
    """The number of the line, from 1, that holds `offset`."""
    return text.count("\n", 0, offset) + 1
