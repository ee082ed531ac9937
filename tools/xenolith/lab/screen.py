# SPDX-License-Identifier: Apache-2.0
"""Screen and keyboard of a machine of QEMU, for who sits before it: by QMP [QEMU qapi/ui.json]."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any, TextIO

from xenolith.errors import UserError

HOLD = 20
"""Milliseconds that a key is down; QEMU keeps as many between two."""
KEYS = {"\n": "ret", " ": "spc", "-": "minus", ".": "dot", "/": "slash", ",": "comma"}
KEYS |= {"=": "equal", ";": "semicolon"}
"""Characters that are not called as their key is, on a US keyboard."""


def key_names(text: str) -> list[list[str]]:
    """The keys to press together for each character. Raises ValueError for one without a key."""
    found = []
    for char in text:
        key = KEYS.get(char, char.lower())
        if char not in KEYS and not (char.isascii() and char.isalnum()):
            raise ValueError(f"no key for {char!r}")
        found.append(["shift", key] if char.isupper() else [key])
    return found


class Screen:
    """One machine's."""

    def __init__(self, path: Path) -> None:
        """`path`: of the socket, at most 107 characters; connected at the first use."""
        self.path = path
        self._lines: TextIO | None = None

    @property
    def options(self) -> list[str]:
        """What QEMU must be started with."""
        return ["-qmp", f"unix:{self.path},server=on,wait=off"]

    def type(self, text: str) -> None:
        """Press the keys of a text, one after the other; QEMU does it in its own time."""
        for keys in key_names(text):
            named = [{"type": "qcode", "data": key} for key in keys]
            self._execute("send-key", {"keys": named, "hold-time": HOLD})

    def shot(self, path: Path) -> None:
        """What is on the screen, as a PNG file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._execute("screendump", {"filename": str(path.absolute()), "format": "png"})

    def close(self) -> None:
        """Leave the machine alone."""
        if self._lines:
            self._lines.close()
            self._lines = None

    def _execute(self, command: str, arguments: dict[str, Any] | None = None) -> None:
        if self._lines is None:
            self._lines = self._connect()
            self._lines.readline()  # the greeting
            self._execute("qmp_capabilities")
        self._lines.write(json.dumps({"execute": command, "arguments": arguments or {}}) + "\n")
        self._lines.flush()
        for line in self._lines:
            answer = json.loads(line)
            if "error" in answer:
                raise UserError(f"QEMU cannot do {command}: {answer['error']['desc']}")
            if "return" in answer:
                return
        raise UserError(f"QEMU has ended before it did {command}")

    def _connect(self) -> TextIO:
        try:
            with socket.socket(socket.AF_UNIX) as link:
                link.connect(str(self.path))
                return link.makefile("rw")
        except OSError as e:
            raise UserError(f"QEMU's monitor does not answer: {e.strerror}") from e
