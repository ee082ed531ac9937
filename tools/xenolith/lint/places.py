# SPDX-License-Identifier: Apache-2.0
"""Names of places that must not stand in the repository."""

from __future__ import annotations

import re

from xenolith.lint.files import line_of

# A machine that serves packages: the user's apt and pip configuration knows its own.
_MIRROR = re.compile(
    r"\b(?:(?:deb|ftp|security|snapshot|archive|cdn-fastly|mirror)[\w.-]*\."
    r"(?:debian\.org|ubuntu\.com)|files\.pythonhosted\.org|pypi\.org)\b"
)
# A path that exists only where the text was written.
_PRIVATE = re.compile(r"(?<![\w.])/(?:work|home/\w+|root|tmp/\w+)/")


def check(path: str, text: str) -> list[str]:
    """Mirror hosts and private paths in a text file."""
    return [
        f"{path}:{line_of(text, match.start())}: {what} {match[0]}"
        for what, pattern in (("mirror host", _MIRROR), ("private path", _PRIVATE))
        for match in pattern.finditer(text)
    ]
