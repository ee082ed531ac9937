# SPDX-License-Identifier: Apache-2.0
"""The user's terminal on a machine's console: every key goes through, Ctrl-A x leaves."""

from __future__ import annotations

import os
import selectors
import shutil
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from xenolith.lab.console import Closed, Console, Deadline
from xenolith.lab.protocol import Terminal

PREFIX = b"\x01"
FOREVER = 10 * 365 * 86400.0
"""Seconds; the deadline of a user who gave none."""


class Keys:
    """Finds Ctrl-A x in what is typed.

    Ctrl-A itself goes through at once, so that Ctrl-A three times reaches the hypervisor; only an
    x that directly follows one is taken out and means leaving.
    """

    def __init__(self) -> None:
        self._after_prefix = False
        self.leave = False

    def typed(self, data: bytes) -> bytes:
        """What of `data` is for the machine; sets `leave`."""
        for index in range(len(data)):
            key = data[index : index + 1]
            if self._after_prefix and key in (b"x", b"X"):
                self.leave = True
                return data[:index]
            self._after_prefix = key == PREFIX
        return data


def size() -> Terminal:
    """What dom0's shell should know of this terminal."""
    columns, rows = shutil.get_terminal_size()
    kind = os.environ.get("TERM", "linux")
    return Terminal(rows, columns, kind if kind.replace("-", "").isalnum() else "linux")


@contextmanager
def raw(descriptor: int) -> Iterator[None]:
    """The terminal passes every key unseen while the block runs."""
    before = termios.tcgetattr(descriptor)
    try:
        tty.setraw(descriptor)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def attach(console: Console, timeout: float = FOREVER) -> bool:
    """Connect this program's terminal until the machine stops or the user leaves.

    True: the machine has stopped by itself. `console` must have been made with `watch=show`.
    Raises Timeout, Forbidden.
    """
    keys = Keys()
    deadline = Deadline(timeout)
    source = sys.stdin.fileno()
    with raw(source), selectors.DefaultSelector() as selector:
        selector.register(source, selectors.EVENT_READ)
        selector.register(console.link.fileno(), selectors.EVENT_READ)
        while not keys.leave:
            for key, _ in selector.select(min(deadline.left(), 3600)):
                if key.fd == source:
                    console.send(keys.typed(os.read(source, 4096) or PREFIX + b"x"))
                else:
                    try:
                        console.receive(deadline, "the end of the session")
                    except Closed:
                        return True
            if deadline.left() <= 0:
                console.receive(deadline, "the end of the session")
    return False


def show(data: bytes) -> None:
    """Console output to the user's terminal."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
