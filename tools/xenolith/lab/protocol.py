# SPDX-License-Identifier: Apache-2.0
"""What dom0's init tells the host over the console, and how the host tells dom0 what to do.

Commands go in as files of a second initramfs archive. Results come back as lines that begin with
a random token; the data in them is gzip in base64, so that a damaged result is noticed and messages
of kernel or hypervisor that break a line can be taken out again. The other side is
tools/dom0/init.sh.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from xenolith.dom0 import cpio

MAX_OUTPUT = 64 << 20
"""Bytes; a command that prints more is cut off."""

MESSAGE = re.compile(rb"\(XEN\)|\[ *\d+\.\d{6}\]")
"""How a line of the hypervisor or the kernel begins; cannot occur in base64."""


@dataclass(frozen=True)
class Result:
    """What a command in dom0 did."""

    command: str
    status: int
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        """Standard output as text."""
        return self.out.decode(errors="replace")


@dataclass(frozen=True)
class Terminal:
    """The user's terminal: size in characters, TERM."""

    rows: int
    columns: int
    kind: str


def new_token() -> str:
    """A word that nothing on the console contains by accident."""
    return f"xenolith-{secrets.token_hex(16)}"


def overlay(
    token: str,
    commands: Sequence[str],
    terminal: Terminal | None = None,
    *,
    network: bool = False,
    more: Sequence[cpio.Entry] = (),
) -> bytes:
    """The second archive: append it to the initramfs.

    Without commands dom0 gives a shell, and has nothing to tell the host. `network`: the machine
    has a network card, so that commands wait for it also where it shows up late. `more`: files
    that a user adds.
    """
    entries = [cpio.directory("xenolith"), *more]
    if commands:
        entries.append(cpio.file("xenolith/token", f"{token}\n".encode(), 0o600))
    for number, command in enumerate(commands):
        entries.append(cpio.file(f"xenolith/exec/{number:04}", f"{command}\n".encode(), 0o700))
    if network:
        entries.append(cpio.file("xenolith/network", b""))
    if terminal:
        line = f"{terminal.rows} {terminal.columns} {terminal.kind}\n"
        entries.append(cpio.file("xenolith/terminal", line.encode()))
    return cpio.pack(entries)


@dataclass(frozen=True)
class Event:
    """A line for the host: `ready`, `failed`, `note`, `network`, `guest`, `begin`, `out`, `err`,
    `end` or `done`.

    Before the first command comes `network up INTERFACE ADDRESS/BITS`, `network absent` (there is
    no card) or `network down WHY`; then for each guest `guest up NAME` or `guest down NAME WHY`.
    """

    kind: str
    rest: str


@dataclass
class Decoder:
    """Takes console bytes, gives events; keeps what belongs to lines that are not complete."""

    token: str
    _own: re.Pattern[bytes] = field(init=False)
    _raw: bytearray = field(default_factory=bytearray)
    _line: bytes = b""

    def __post_init__(self) -> None:
        self._own = re.compile(rb"\r?\[ *\d+\.\d{6}\] " + self.token.encode() + b" ")

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events that `data` completes."""
        self._raw += data
        while (stop := self._raw.find(b"\n")) >= 0:
            line = bytes(self._raw[:stop])
            del self._raw[: stop + 1]
            yield from self._complete(line)

    def _complete(self, line: bytes) -> Iterator[Event]:
        if self._own.match(line):
            # A kernel without a console: dom0 speaks through the kernel's messages.
            line = line[line.index(b"]") + 2 :]
        message = MESSAGE.search(line)
        if message:
            # The rest of the broken line comes after the message.
            self._line += line[: message.start()]
            return
        whole = (self._line + line).replace(b"\r", b"")
        self._line = b""
        start = whole.find(self.token.encode() + b" ")
        if start >= 0:
            words = whole[start + len(self.token) + 1 :].decode(errors="replace")
            kind, _, rest = words.strip().partition(" ")
            yield Event(kind, rest)


class Collector:
    """Puts the results of commands together from events."""

    def __init__(self, commands: Sequence[str]) -> None:
        self.commands = list(commands)
        self.results: list[Result] = []
        self.running: str | None = None
        self._parts: dict[str, list[str]] = {}

    def take(self, event: Event) -> Result | None:
        """The result that this event completes. ValueError if the data is damaged."""
        number, _, rest = event.rest.partition(" ")
        if event.kind == "begin":
            self.running = self._command(number)
            self._parts = {"out": [], "err": []}
        elif event.kind in self._parts:
            self._parts[event.kind].append(rest)
        elif event.kind == "end":
            out, err = (_decode(self._parts.get(kind, [])) for kind in ("out", "err"))
            result = Result(self._command(number), int(rest), out, err)
            self.results.append(result)
            self.running = None
            return result
        return None

    def unfinished(self) -> str | None:
        """The command that runs, or the first that has not begun; None if all are done."""
        if self.running is not None:
            return self.running
        rest = self.commands[len(self.results) :]
        return rest[0] if rest else None

    def _command(self, number: str) -> str:
        if not number.isdecimal() or int(number) >= len(self.commands):
            raise ValueError(f"dom0 speaks of a command {number!r} that was not given")
        return self.commands[int(number)]


def _decode(lines: Sequence[str]) -> bytes:
    if not lines:
        return b""
    try:
        packed = base64.b64decode("".join(lines), validate=True)
        unpacker = zlib.decompressobj(wbits=31)
        data = unpacker.decompress(packed, MAX_OUTPUT)
    except (binascii.Error, zlib.error) as e:
        raise ValueError(f"a result was damaged on the console: {e}") from e
    if not unpacker.eof and len(data) < MAX_OUTPUT:
        raise ValueError("a result was cut off on the console")
    return data
