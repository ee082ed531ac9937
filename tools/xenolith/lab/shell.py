# SPDX-License-Identifier: Apache-2.0
"""Functions for dom0's shell that work on the consoles of guests with a shell."""

from __future__ import annotations

from xenolith import ROOT

CONSOLES = ROOT / "tools/dom0/consoles.sh"
"""`open NAME` keeps a guest's console open and waits for the shell of the demo guest; `on NAME`
types standard input there, prints what the guest says and then its exit status; `address NAME` is
the one that the guest has shown. `wait_for CONDITION`: five minutes."""


def library(more: str = "") -> str:
    """A command for dom0 that writes the functions, and `more`, to /run/lib."""
    return f"cat >/run/lib <<'LIBRARY'\n{CONSOLES.read_text()}{more}LIBRARY"


def on(guest: str, text: str) -> str:
    """Types a text on a guest's console."""
    return f"on {guest} <<'TYPED'\n{text}\nTYPED\n"
