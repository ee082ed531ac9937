# SPDX-License-Identifier: Apache-2.0
"""A console as a stream with a log: wait for text until a deadline, notice what must not appear."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from xenolith.errors import UserError

FORBIDDEN = (
    rb"Kernel panic",
    rb"\bBUG: ",
    rb"\bOops\b",
    rb"Internal error: ",
    rb"\b[Aa]ssert(ion)?\b.*\bfailed\b",
    rb"\(XEN\).*\b[Pp][Aa][Nn][Ii][Cc]\b(?!=)",
    rb"\(XEN\).*Xen BUG at",
    rb"Initramfs unpacking failed: write error",  # others: a user's may end in rubbish
)
"""Patterns that mean that the run has failed, whatever one was waiting for."""
LITTLE_MEMORY = re.compile(r"Initramfs unpacking failed: write error|deadlocked on memory")

AFTERMATH = 3.0
"""Seconds of silence that end the registers and the backtrace after a forbidden pattern."""
LONGEST = 30.0
"""Seconds to go on reading a machine that is not silent."""


class Link(Protocol):
    """One end of a serial line."""

    def receive(self, timeout: float) -> bytes:
        """What has come within `timeout` seconds, perhaps nothing. EOFError: the line is dead."""

    def send(self, data: bytes) -> None:
        """Write all of `data`."""

    def fileno(self) -> int:
        """A descriptor that is readable when `receive` has something."""


class LabError(UserError):
    """A run went wrong; the message says how, `tail` holds the last lines of the console."""

    def __init__(self, message: str, tail: str = "") -> None:
        super().__init__(message)
        self.tail = tail


class Timeout(LabError):
    """The deadline passed."""


class Forbidden(LabError):
    """A forbidden pattern appeared."""


class Closed(LabError):
    """The other end went away."""


class Deadline:
    """A moment in the future, shared by all waiting of a run."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds left, not negative."""
        return max(0.0, self._end - time.monotonic())


class Console:
    """Reads a link; every line goes to the log with its time in seconds since the start."""

    def __init__(
        self,
        link: Link,
        log: Path | None = None,
        *,
        forbidden: Sequence[bytes] = FORBIDDEN,
        watch: Callable[[bytes], None] | None = None,
    ) -> None:
        """`watch` is given all that is received, as it comes (for `--verbose`)."""
        self.link = link
        self.log = log
        self.data = bytearray()
        self.hidden = b""
        """Lines with this in them are left out of `tail`: they are for programs."""
        self._file = log.open("wb") if log else None
        self._forbidden = re.compile(b"|".join(b"(?:%s)" % f for f in forbidden))
        self._watching = bool(forbidden)
        self._watch = watch
        self._start = time.monotonic()
        self._line_start = True
        self._consumed = 0
        self._checked = 0

    def close(self) -> None:
        """End the log."""
        if self._file:
            self._file.close()
            self._file = None

    def send(self, data: bytes) -> None:
        """Type on the console."""
        self.link.send(data)

    def tail(self, lines: int = 20) -> str:
        """The last lines of the console, printable."""
        last = bytes(self.data[-65536:]).split(b"\n")
        shown = [line for line in last if not self.hidden or self.hidden not in line]
        text = b"\n".join(shown).decode(errors="replace").replace("\r", "")
        printable = "".join(c if c.isprintable() or c in "\n\t" else "?" for c in text)
        return "\n".join(printable.rstrip().split("\n")[-lines:])

    def expect(self, pattern: bytes, deadline: Deadline, what: str = "") -> re.Match[bytes]:
        """Wait until `pattern` matches within a line after the last match; returns the match.

        `what` is for messages. Raises Timeout, Forbidden or Closed.
        """
        wanted = re.compile(pattern)
        label = what or pattern.decode(errors="replace")
        position = self._consumed
        while True:
            found = wanted.search(self.data, position)
            if found:
                self._consumed = found.end()
                return found
            position = max(self._consumed, self.data.rfind(b"\n") + 1)
            self.receive(deadline, label)

    def receive(self, deadline: Deadline, waiting_for: str) -> bytes:
        """Take in what comes next; at least one byte. Raises Timeout, Forbidden or Closed."""
        while True:
            left = deadline.left()
            if left <= 0:
                message = f"nothing came of waiting {deadline.seconds:.0f} s for {waiting_for}"
                raise Timeout(message, self.tail())
            try:
                data = self.link.receive(min(left, 1.0))
            except EOFError as e:
                reason = f" ({e})" if str(e) else ""
                message = f"the machine stopped while waiting for {waiting_for}{reason}"
                raise Closed(message, self.tail()) from e
            if data:
                self._take(data)
                self._check()
                return data

    def interrogate(self, keys: bytes) -> None:
        """Press keys after a failure, one by one; what is answered goes to the log."""
        self._watching = False
        for start in range(len(keys)):
            self.send(keys[start : start + 1])
            self._drain(0.1 if keys[start] < 0x20 else 0.5)

    def _take(self, data: bytes) -> None:
        self.data += data
        if self._watch:
            self._watch(data)
        if self._file:
            stamp = b"[%9.3f] " % (time.monotonic() - self._start)
            for line in data.replace(b"\r", b"").splitlines(keepends=True):
                self._file.write(stamp + line if self._line_start else line)
                self._line_start = line.endswith(b"\n")
            self._file.flush()

    def _check(self) -> None:
        """Look for forbidden patterns in the lines that are complete."""
        end = self.data.rfind(b"\n") + 1
        found = self._forbidden.search(self.data, self._checked, end) if self._watching else None
        self._checked = max(self._checked, end)
        if found is None:
            return
        self._watching = False
        line_start = self.data.rfind(b"\n", 0, found.start()) + 1
        line = bytes(self.data[line_start : self.data.find(b"\n", found.end())])
        self._drain(AFTERMATH)
        message = f"the console says: {line.decode(errors='replace').strip()}"
        if LITTLE_MEMORY.search(message):
            message += "; dom0 has too little memory, raise dom0_mem= (--xen-args dom0_mem=256M)"
        raise Forbidden(message, self.tail(40))

    def _drain(self, silence: float) -> None:
        """Take in what comes until nothing has come for `silence` seconds."""
        end = Deadline(LONGEST)
        quiet = Deadline(silence)
        while end.left() > 0 and quiet.left() > 0:
            try:
                data = self.link.receive(quiet.left())
            except EOFError:
                return
            if data:
                quiet = Deadline(silence)
                self._take(data)
