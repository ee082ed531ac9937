# SPDX-License-Identifier: Apache-2.0
"""Errors a user can do something about."""

from __future__ import annotations

import errno
from pathlib import Path

from xenolith import OUTPUT

READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
FULL = (errno.ENOSPC, errno.EDQUOT)


class UserError(Exception):
    """One line that says what is wrong and what to do; `code` is the exit status.

    1: a check or a step failed.  2: the command was used wrongly.
    """

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def printable(text: str, most: int = 200) -> str:
    """What others say, as a part of one line: nothing in it moves a terminal's cursor."""
    return "".join(x if x.isprintable() else "?" for x in " ".join(text[:most].split()))


def explain(error: OSError) -> str:
    """One line for what the system refused: the file, the reason, and what helps if that is known.

    The folder of what is built and the cache can be elsewhere.
    """
    text = error.strerror or str(error) or type(error).__name__
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{text}{_remedy(error)}"


def _remedy(error: OSError) -> str:
    name = error.filename if isinstance(error.filename, str) else ""
    inside = bool(name) and Path(name).absolute().is_relative_to(OUTPUT)
    if error.errno in FULL:
        variable = "XENOLITH_BUILD" if inside else "XENOLITH_CACHE"
        return f"; make room, or set {variable} to a folder on another disk"
    if error.errno in READ_ONLY and inside:
        return "; set XENOLITH_BUILD to a folder that can be written"
    return ""
