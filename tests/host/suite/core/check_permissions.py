# SPDX-License-Identifier: Apache-2.0
"""docs/PERMISSIONS.md says what the rows of the hypercalls' tables say.

tests/guests/matrix.c calls every cell of it, as every caller.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[4]
PAGE = ROOT / "docs" / "PERMISSIONS.md"
RAM = 0x40000000

TABLES = {
    "memory_op": ("memory_ops", "xen/control/memory_op.c"),
    "grant_table_op": ("grant_ops", "xen/control/grant_op.c"),
    "event_channel_op": ("evtchn_ops", "xen/control/evtchn_op.c"),
    "sched_op": ("sched_ops", "xen/control/sched_op.c"),
    "vcpu_op": ("vcpu_ops", "xen/control/vcpu_op.c"),
    "hvm_op": ("hvm_ops", "xen/control/hvm_op.c"),
    "xen_version": ("version_ops", "xen/hypercall/version.c"),
    "console_io": ("console_ops", "xen/control/console_io.c"),
    "domctl": ("domctl_ops", "xen/control/domctl.c"),
    "sysctl": ("sysctl_ops", "xen/control/sysctl.c"),
    "platform_op": ("platform_ops", "xen/control/platform.c"),
    "hypfs_op": ("hypfs_ops", "xen/control/hypfs.c"),
}
"""By hypercall: the table, and where its rows stand."""

WHOLE = ("multicall", "vm_assist")
"""Hypercalls without operations that could be forbidden: for everybody, about the caller."""

COLUMNS = (
    "hypercall", "operation", "nr", "dom0 on itself", "dom0 on a guest", "guest on itself",
    "guest on dom0", "guest on a guest",
)  # fmt: skip

PAIRS = ((0, 0), (0, 1), (1, 1), (1, 0), (1, 2))
"""Caller and target of the last five columns, as indices of dom0 and two guests."""


class Policy:
    """Asks access.c about three real domains."""

    def __init__(self, machine: Any, ids: list[int]) -> None:
        self.lib = machine.lib
        self.domains = [self.lib.host_domain(id_) for id_ in ids]

    def may(self, who: int) -> list[bool]:
        """For each pair."""
        of = self.domains
        return [bool(self.lib.access_may(who, of[by], of[on])) for by, on in PAIRS]

    def talk(self) -> list[bool]:
        """May the caller have a channel between itself and the other, for each pair."""
        of = self.domains
        return [bool(self.lib.access_talk(of[by], of[by], of[on])) for by, on in PAIRS]


def cells(answers: list[bool], named: bool) -> list[str]:
    """Five words; a call that names no domain is only about who makes it."""
    words = ["yes" if answer else "no" for answer in answers]
    return words if named else [words[0], "-", words[2], "-", "-"]


def names(machine: Any, source: str) -> dict[int, str]:
    """Number to name of the rows that stand in a source."""
    text = (ROOT / source).read_text()
    rows = re.search(r"static const struct op \w+_rows\[\] = \{(.*?)\n\};", text, re.DOTALL)
    assert rows is not None
    found = re.findall(r"\[(\w+)\]\s*=", rows[1])
    return {getattr(machine.k, name): name for name in found}


def lines(machine: Any, policy: Policy) -> Iterator[list[str]]:
    """The table's lines."""
    lib = machine.lib
    for hypercall, (symbol, source) in TABLES.items():
        table = getattr(lib, symbol)
        named = names(machine, source)
        assert set(named) == {i for i in range(table.nr) if table.row[i].fn != machine.ffi.NULL}
        for number, name in sorted(named.items()):
            row = table.row[number]
            asks = row.flags & machine.k.OP_ASKS != 0 and row.who != lib.ACCESS_ANY
            if row.who != lib.ACCESS_PEER:
                answers = cells(policy.may(row.who), row.target != 0 or asks)
                yield [hypercall, name, str(number), *answers]
            if row.who == lib.ACCESS_PEER or row.peer != 0:
                yield [hypercall, f"{name}, peer", str(number), *cells(policy.talk(), True)]
    for hypercall in WHOLE:
        yield [hypercall, "-", "-", "yes", "-", "yes", "-", "-"]


HEAD = """\
# Who may ask for what

Each hypercall and operation that exists, and who may make it. Every other number answers `-ENOSYS`
to everybody (`-EINVAL` in `vcpu_op`; in `domctl`, `sysctl`, `platform_op` and `console_io` a guest
is refused before that). Made from the rows of the tables in `xen/` by
`tests/host/suite/core/check_permissions.py`; `tests/guests/matrix` makes every call of it as every
caller, here and on real Xen.

"itself", "dom0", "a guest" are the domain that a call names; `-` stands where it names none, and
"on itself" then says who may make it. A line with "peer" is about the second domain: the other end
of a channel, the domain whose grant is mapped or copied. Guests talk to dom0 and not to each other
(`xsm=silo`, the default as in Xen); with `xsm=dummy` the last column of those lines is `yes`.
A refusal is `-EPERM`, for grants `GNTST_permission_denied`; a reservation of `memory_op` does
nothing and says how much it did.
"yes" means that the caller may ask. What the answer is depends on the rest: a guest gets `<denied>`
for the command line, and only dom0 maps pages of others or of devices.

"""


def page(machine: Any, policy: Policy) -> str:
    """The whole text."""
    rows = [list(COLUMNS), ["---"] * len(COLUMNS), *lines(machine, policy)]
    return HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)


@pytest.fixture
def policy(new_machine: Any, tools_of: Callable[[Any], Any]) -> tuple[Any, Policy]:
    """A machine with dom0 and two guests, and its policy."""
    machine = new_machine()
    assert machine.boot(3) == 0
    tools = tools_of(machine)
    return machine, Policy(machine, [0, tools.create(), tools.create()])


def test_page_says_what_the_rows_say(policy: tuple[Any, Policy]) -> None:
    """The page is made from the rows; this leaves the right one in build/."""
    made = page(*policy)
    if not PAGE.exists() or PAGE.read_text() != made:
        new = ROOT / "build" / "PERMISSIONS.md"
        new.parent.mkdir(exist_ok=True)
        new.write_text(made)
        pytest.fail(
            "docs/PERMISSIONS.md is not what the rows say: cp build/PERMISSIONS.md docs/",
            pytrace=False,
        )


def test_rows_are_sound(policy: tuple[Any, Policy]) -> None:
    """What op_run() relies on: room for each structure, one size where the version is checked."""
    machine, _ = policy
    lib, k = machine.lib, machine.k
    for symbol, _ in TABLES.values():
        table = getattr(lib, symbol)
        for row in (table.row[i] for i in range(table.nr)):
            assert row.size <= k.OP_SIZE_MAX
            for field in (row.target, row.peer):
                assert field == 0 or field + 1 <= row.size
            if table.version != 0 and row.fn != machine.ffi.NULL:
                assert row.size == table.others.size
