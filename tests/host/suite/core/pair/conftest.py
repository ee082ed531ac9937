# SPDX-License-Identifier: Apache-2.0
"""Two domains that run side by side: dom0 and an ordinary one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

RAM = 0x40000000
"""Guest-physical address of the second domain's memory, 1 MiB."""

SELF = 0x7FF0

REFS = 12
"""Pages that a granter grants."""


class Guest:
    """One domain; `page` hands out its memory."""

    def __init__(self, machine: Any, domain: int, memory: int) -> None:
        self.machine, self.id = machine, domain
        self.ffi, self.k = machine.ffi, machine.k
        self.scratch = memory
        self.next_page = memory + 0x10000
        self.shared_at = 0

    def page(self) -> int:
        """Address of a page of its own that nobody else was given."""
        self.next_page += 4096
        return self.next_page - 4096

    def write(self, at: int, data: bytes) -> int:
        """Bytes into its memory."""
        return int(self.machine.write(data, self.id, at))

    def read(self, at: int, size: int) -> bytes:
        """Bytes of its memory."""
        return bytes(self.machine.read(at, size, self.id))

    def word(self, at: int, size: int = 4) -> int:
        """A number in its memory."""
        return int.from_bytes(self.read(at, size), "little")

    def put_word(self, at: int, value: int, size: int = 4) -> None:
        """Changes a number in its memory."""
        self.write(at, value.to_bytes(size, "little"))

    def call(self, name: str, *args: int) -> int:
        """A hypercall by the name behind `__HYPERVISOR_`."""
        return int(self.machine.call(name, *args, domain=self.id))

    def new(self, kind: str, **fields: Any) -> Any:
        """A structure of the ABI."""
        return self.ffi.new(f"struct {kind} *", fields)

    def op(self, name: str, command: int, value: Any, *rest: int) -> int:
        """A sub-operation on a structure, which is updated."""
        size = self.ffi.sizeof(value[0])
        self.write(self.scratch, bytes(self.ffi.buffer(value)))
        result = self.call(name, command, self.scratch, *rest)
        self.ffi.memmove(value, self.read(self.scratch, size), size)
        return result

    def event(self, what: str, kind: str | None = None, **fields: Any) -> tuple[int, Any]:
        """An event channel operation: result and structure."""
        value = self.new(f"evtchn_{kind or what}", **fields)
        return self.op("event_channel_op", getattr(self.k, f"EVTCHNOP_{what}"), value), value

    def grant(self, what: str, kind: str | None = None, **fields: Any) -> Any:
        """A grant operation on one element, which must not fail as a call."""
        value = self.new(f"gnttab_{kind or what}", **fields)
        command = getattr(self.k, f"GNTTABOP_{what}")
        assert self.op("grant_table_op", command, value, 1) == 0
        return value

    def shared(self) -> int:
        """Address of its shared_info page, mapped at the first call."""
        if self.shared_at == 0:
            self.shared_at = self.page()
            assert self.physmap(self.k.XENMAPSPACE_shared_info, 0, self.shared_at) == 0
        return self.shared_at

    def physmap(self, space: int, index: int, at: int) -> int:
        """add_to_physmap of itself."""
        value = self.new("xen_add_to_physmap", domid=SELF, space=space, idx=index, gpfn=at >> 12)
        return self.op("memory_op", self.k.XENMEM_add_to_physmap, value)


class Pair:
    """The machine with both, on two CPUs."""

    def __init__(self, tools: Any) -> None:
        self.tools, self.machine = tools, tools.machine
        self.dom0 = Guest(self.machine, 0, self.machine.scratch)
        self.create()

    def create(self) -> None:
        """The second domain, perhaps anew."""
        self.dom1 = Guest(self.machine, self.tools.create(vcpus=1, pages=256), RAM)

    def destroy(self) -> None:
        """The second domain ends, as far as nobody keeps its pages."""
        self.tools.good("destroydomain", self.dom1.id)
        self.machine.lib.host_advance(1000)

    def free(self) -> int:
        """Free pages of the machine."""
        return int(self.machine.lib.page_free_count())


@pytest.fixture
def pair(tools_on: Callable[[int], Any]) -> Pair:
    """Two domains on a machine just switched on."""
    return Pair(tools_on(2))


class Granter:
    """A domain's table, mapped, and pages that it grants."""

    def __init__(self, guest: Any, to: int) -> None:
        self.guest, self.to, self.table = guest, to, guest.page()
        assert guest.physmap(guest.k.XENMAPSPACE_grant_table, 0, self.table) == 0
        self.pages = [guest.page() for _ in range(REFS)]
        for ref, page in enumerate(self.pages):
            guest.write(page, bytes([ref + 1]) * 4096)

    def entry(self, ref: int, flags: int, domain: int | None = None, frame: int = -1) -> None:
        """Fill in an entry, in the order in which a guest does."""
        at, page = self.table + 8 * ref, self.pages[ref % REFS] >> 12
        self.guest.put_word(at + 4, page if frame < 0 else frame)
        self.guest.put_word(at + 2, self.to if domain is None else domain, 2)
        self.guest.put_word(at, flags, 2)

    def flags(self, ref: int) -> int:
        """What the entry's flags are now."""
        return int(self.guest.word(self.table + 8 * ref, 2))


@pytest.fixture
def granter(pair: Pair) -> Granter:
    """dom1's table; it grants to dom0."""
    return Granter(pair.dom1, 0)
