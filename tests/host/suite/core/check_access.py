# SPDX-License-Identifier: Apache-2.0
"""Who may talk to whom: SILO between guests, and the command line that ends it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

EPERM, EINVAL, ESRCH = 1, 22, 3
OKAY, DENIED = 0, -8
SELF = 0x7FF0
RAM = 0x40000000
COMMAND_LINE = "dom0_mem=64M noreboot loglvl=all guest_loglvl=all"


class Party:
    """One domain: its calls on structures, its memory, a grant table with two entries."""

    def __init__(self, machine: Any, domain: int, memory: int) -> None:
        self.machine, self.id, self.memory = machine, domain, memory
        self.ffi, self.k = machine.ffi, machine.k

    def op(self, name: str, command: int, kind: str, *rest: int, **fields: Any) -> tuple[int, Any]:
        """Result and structure."""
        value = self.ffi.new(f"struct {kind} *", fields)
        raw = self.ffi.buffer(value)
        self.machine.write(bytes(raw), self.id, self.memory)
        args = (command, self.memory, *rest)
        result = int(self.machine.call(name, *args, domain=self.id))
        raw[:] = self.machine.read(self.memory, len(raw), self.id)
        return result, value

    def event(self, what: str, **fields: Any) -> tuple[int, Any]:
        """An event channel operation."""
        command = getattr(self.k, f"EVTCHNOP_{what}")
        return self.op("event_channel_op", command, f"evtchn_{what}", **fields)

    def grant(self, what: str, kind: str, **fields: Any) -> Any:
        """A grant operation on one element; the structure."""
        command = getattr(self.k, f"GNTTABOP_{what}")
        rc, value = self.op("grant_table_op", command, kind, 1, **fields)
        assert rc == 0
        return value

    def give(self, ref: int, to: int) -> None:
        """Grant the page behind the arguments to a domain."""
        table = self.memory + 0x2000
        fields = {"domid": SELF, "space": self.k.XENMAPSPACE_grant_table, "gpfn": table >> 12}
        rc, _ = self.op("memory_op", self.k.XENMEM_add_to_physmap, "xen_add_to_physmap", **fields)
        assert rc in (0, -16)
        frame = self.memory + 0x1000 >> 12
        entry = (1).to_bytes(2, "little") + to.to_bytes(2, "little") + frame.to_bytes(4, "little")
        self.machine.write(entry, self.id, table + 8 * ref)


Three = tuple[Party, Party, Party]


@pytest.fixture
def three(new_machine: Any, tools_of: Callable[[Any], Any]) -> Callable[[str], Three]:
    """Makes a machine with dom0 and two guests."""

    def make(xsm: str) -> Three:
        machine = new_machine()
        assert machine.boot(3, xen=f"{COMMAND_LINE} {xsm}") == 0, machine.core.log()[-20:]
        tools = tools_of(machine)
        return (
            Party(machine, 0, machine.scratch),
            Party(machine, tools.create(), RAM),
            Party(machine, tools.create(), RAM),
        )

    return make


@pytest.mark.parametrize("xsm", ["", "xsm=silo", "xsm=dummy", "xsm=flask"])
def test_guests_talk_to_dom0_alone(three: Callable[[str], Three], xsm: str) -> None:
    """As Xen with SILO: event channels, maps and copies between two guests are denied."""
    parties = three(xsm)
    for a in parties:
        for b in parties:
            if a is b:
                continue
            allowed = a.id == 0 or b.id == 0 or xsm == "xsm=dummy"
            rc, unbound = a.event("alloc_unbound", dom=SELF, remote_dom=b.id)
            assert rc == (0 if allowed else -EPERM), (a.id, b.id)
            rc, _ = b.event("bind_interdomain", remote_dom=a.id, remote_port=unbound.port)
            assert (rc == 0) is allowed, (a.id, b.id, rc)
            ref = 1 + b.id
            a.give(ref, b.id)
            at = b.memory + 0x8000000 + 4096 * a.id
            mapped = b.grant(
                "map_grant_ref", "gnttab_map_grant_ref", host_addr=at, flags=2, ref=ref, dom=a.id
            )
            assert mapped.status == (OKAY if allowed else DENIED), (a.id, b.id)
            copied = b.grant(
                "copy", "gnttab_copy", flags=1, len=8,
                source={"u": {"ref": ref}, "domid": a.id},
                dest={"u": {"gmfn": b.memory + 0x3000 >> 12}, "domid": SELF},
            )  # fmt: skip
            assert copied.status == (OKAY if allowed else DENIED), (a.id, b.id)


def test_dom0_makes_a_port_between_guests(three: Callable[[str], Three]) -> None:
    """The tools may allocate it; that does not let the other guest bind it, as in Xen."""
    dom0, one, two = three("")
    rc, unbound = dom0.event("alloc_unbound", dom=one.id, remote_dom=two.id)
    assert rc == 0
    rc, _ = two.event("bind_interdomain", remote_dom=one.id, remote_port=unbound.port)
    assert rc == -EPERM
    rc, _ = two.event("bind_interdomain", remote_dom=one.id, remote_port=77)
    assert rc == -EPERM, "which ports a stranger has is not told (Xen: -EINVAL)"
    rc, _ = two.event("alloc_unbound", dom=one.id, remote_dom=SELF)
    assert rc == -EPERM
    rc, _ = two.event("alloc_unbound", dom=SELF, remote_dom=99)
    assert rc == -ESRCH
