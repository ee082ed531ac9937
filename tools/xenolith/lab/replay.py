# SPDX-License-Identifier: Apache-2.0
"""A recorded console log as a link, so that what watches consoles can be tested without one."""

from __future__ import annotations

import re
from collections.abc import Iterable


class Replay:
    """Gives back a log, line by line; what is sent is kept in `sent`."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self.sent = bytearray()

    @classmethod
    def log(cls, data: bytes) -> Replay:
        """A log as Console writes it: `[ seconds] line`; `# ` lines are remarks."""
        lines = (line for line in data.splitlines(keepends=True) if not line.startswith(b"# "))
        return cls(re.sub(rb"^\[ *\d+\.\d{3}\] ", b"", line) for line in lines)

    def receive(self, timeout: float) -> bytes:
        """The next piece; EOFError after the last one."""
        del timeout
        try:
            return next(self._chunks)
        except StopIteration as e:
            raise EOFError from e

    def fileno(self) -> int:
        """None: a log is always ready."""
        raise OSError("a recorded log has no descriptor")

    def send(self, data: bytes) -> None:
        """Remember what was typed."""
        self.sent += data
