# SPDX-License-Identifier: Apache-2.0
"""Words of U-Boot's shell (hush): how a script is split, what quotes and variables become."""

from __future__ import annotations

import re
from collections.abc import Mapping

from xenolith.errors import UserError


def tokens(text: str) -> list[str]:
    """Words with their quotes, and separators."""
    pattern = re.compile(
        r"(?P<space>[ \t]+|\\\n)|(?P<comment>#[^\n]*)|(?P<sep>&&|\|\||[;\n])"
        r"|(?P<word>(?:'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|\\.|\$\{\w*\}|[^\s;'\"\\&|]|&(?!&))+)",
        re.DOTALL,
    )
    found, at = [], 0
    while at < len(text):
        match = pattern.match(text, at)
        if not match:
            raise UserError(f"boot script: {text[at : at + 20]!r} cannot be read")
        if match["sep"] or match["word"]:
            found.append(match[0])
        at = match.end()
    return found


def expand(word: str, env: Mapping[str, str]) -> list[str]:
    """A word without quotes, variables replaced; what a bare variable holds becomes words."""
    out, bare = "", ""
    for piece in re.finditer(
        r"'((?:\\.|[^'\\])*)'|\"((?:\\.|[^\"\\])*)\"|\\(.)|\$\{(\w*)\}|\$(\w+)|(.)", word, re.DOTALL
    ):
        single, double, escaped, braced, named, other = piece.groups()
        if single is not None:
            out += re.sub(r"\\(.)", r"\1", single)
        elif double is not None:
            filled = re.sub(r"(?<!\\)\$\{?(\w+)\}?", lambda m: env.get(m[1], ""), double)
            out += re.sub(r"\\(.)", r"\1", filled)
        elif braced is not None or named is not None:
            value = env.get(braced if braced is not None else named, "")
            out, bare = out + value, bare + value
        else:
            out += escaped or other
    quoted = "'" in word or '"' in word
    return out.split() if bare and not quoted else [out] if out or quoted else []
