# SPDX-License-Identifier: Apache-2.0
"""Options of the hypervisor's command line that are parsed and then read by nobody."""

from __future__ import annotations

import re

from xenolith.lint.files import without_comments

PARSER = "xen/boot/cmdline"
"""Sources that begin so fill the structure in; what they read of it does not count."""

_STRUCT = re.compile(r"\bstruct xen_options\s*\{(.*?)\n\}", re.DOTALL)
_FIELD = re.compile(r"(\w+)\s*(?:\[\w+\])?\s*;")


def fields(header: str) -> list[str]:
    """Names in struct xen_options of <xen/opt.h>; ValueError if it is not there."""
    found = _STRUCT.search(without_comments(header))
    if found is None:
        raise ValueError("no struct xen_options")
    return _FIELD.findall(found[1])


def check(header: str, sources: dict[str, str]) -> list[str]:
    """Fields that no source but the parser's reads."""
    code = "\n".join(
        without_comments(text) for path, text in sources.items() if not path.startswith(PARSER)
    )
    read = set(re.findall(r"\bopt\.(\w+)\b(?!\s*=[^=])", code))
    return [
        f"{PARSER}.c: opt.{name} is read by nobody: remove the option, so that it is named"
        for name in fields(header)
        if name not in read
    ]
