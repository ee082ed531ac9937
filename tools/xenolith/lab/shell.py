# SPDX-License-Identifier: Apache-2.0
"""Functions for dom0's shell that work on the consoles of guests with a shell."""

from __future__ import annotations

LIBRARY = r"""
wait_for() {
    i=0
    until eval "$1"; do i=$((i + 1)); [ $i -lt 1500 ] || return 9; sleep 0.2; done
}
open() {
    mkfifo "/run/$1.in"
    : >"/run/$1.out"
    # As if somebody sat there: `xl console` passes on what is typed at a terminal only.
    xenconsole --interactive "$(xl domid "$1")" <>"/run/$1.in" >"/run/$1.out" 2>&1 &
    wait_for "grep -q 'ends the guest' /run/$1.out"
}
on() {
    count=$(($(cat /run/count) + 1))
    echo $count >/run/count
    from=$(($(wc -c <"/run/$1.out") + 1))
    { cat; echo "echo end-\$?-$count"; } >"/run/$1.in"
    wait_for "grep -q '^end-[0-9]*-$count' /run/$1.out" || echo "no answer"
    tail -c +$from "/run/$1.out" | tr -d '\r'
    echo # behind the guest's prompt
}
address() { sed -n 's/.*inet \(10[0-9.]*\).*/\1/p' "/run/$1.out" | head -n 1; }
"""
"""`open NAME` keeps a guest's console open and waits for the shell of the demo guest; `on NAME`
types standard input there, prints what the guest says and then its exit status; `address NAME` is
the one that the guest has shown. `wait_for CONDITION`: five minutes."""


def library(more: str = "") -> str:
    """A command for dom0 that writes the functions, and `more`, to /run/lib."""
    return f"cat >/run/lib <<'LIBRARY'\n{LIBRARY}{more}LIBRARY\necho 0 >/run/count"


def on(guest: str, text: str) -> str:
    """Types a text on a guest's console."""
    return f"on {guest} <<'TYPED'\n{text}\nTYPED\n"
