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


class Uart:
    """dom1 with a UART, built and not yet running; dom0 has the other end."""

    BASE, SIZE, IRQ = 0x22000000, 0x1000, 33  # of the third port
    RING = 0x40040  # a frame of the guest's
    IN, OUT = 1024, 2048
    IN_CONS, IN_PROD, OUT_CONS, OUT_PROD = 3072, 3076, 3080, 3084
    DR, HANDLED = 0, 0

    def __init__(self, pair: Any) -> None:
        self.pair, self.tools, self.machine = pair, pair.tools, pair.machine
        self.lib, self.dom0 = pair.machine.lib, pair.dom0
        pair.destroy()
        self.id = self.tools.build(pages=128)
        self.cpu = 0

    def ask(self, domain: int | None = None, **fields: Any) -> tuple[int, int]:
        """vuart_op: result and port."""
        wanted: dict[str, Any] = {"gfn": self.RING, **fields}
        rc, op = self.tools.domctl(
            "vuart_op", self.id if domain is None else domain, vuart_op=wanted
        )
        return rc, op.u.vuart_op.evtchn

    def start(self) -> Uart:
        """A UART, its other end bound, and a guest that runs."""
        rc, self.far = self.ask()
        assert rc == 0
        rc, bound = self.bind(self.far)
        assert rc == 0
        self.port = int(bound.local_port)
        self.rung()
        self.tools.good("unpausedomain", self.id)
        return self

    def bind(self, port: int) -> tuple[int, Any]:
        result: tuple[int, Any] = self.dom0.event(
            "bind_interdomain", remote_dom=self.id, remote_port=port
        )
        return result

    def access(self, offset: int, size: int, write: bool, value: int = 0) -> tuple[int, int]:
        """What comes of it, and the register."""
        if self.lib.host_running(self.cpu) >> 16 != self.id:
            self.cpu = self.machine.cpu_of(self.id)
        register = self.machine.ffi.new("uint64_t *", value)
        result = self.lib.host_access(self.cpu, self.BASE + offset, size, write, False, register)
        return int(result), int(register[0])

    def read(self, offset: int, size: int = 4) -> int:
        result, value = self.access(offset, size, False)
        assert result == self.HANDLED
        return value

    def write(self, offset: int, value: int, size: int = 4) -> None:
        assert self.access(offset, size, True, value)[0] == self.HANDLED

    def say(self, text: bytes) -> None:
        for c in text:
            self.write(self.DR, c)

    def word(self, at: int, value: int | None = None) -> int:
        """A word of the ring, changed by anybody who can."""
        if value is not None:
            self.machine.write(
                (value % 2**32).to_bytes(4, "little"), self.id, (self.RING << 12) + at
            )
        return int.from_bytes(self.machine.read((self.RING << 12) + at, 4, self.id), "little")

    def rung(self) -> bool:
        """Has the other end got an event since the last question?"""
        start = int(self.machine.ffi.offsetof("struct shared_info", "evtchn_pending"))
        at = int(self.dom0.shared()) + start + self.port // 64 * 8
        was = bool(self.dom0.word(at, 8) >> self.port % 64 & 1)
        self.dom0.put_word(at, 0, 8)
        return was

    def ring(self) -> None:
        """An event from the other end."""
        assert self.dom0.event("send", port=self.port)[0] == 0

    def type(self, text: bytes) -> None:
        """The other end sends text."""
        for c in text:
            prod = self.word(self.IN_PROD)
            self.machine.write(bytes([c]), self.id, (self.RING << 12) + prod % self.IN)
            self.word(self.IN_PROD, prod + 1)
        self.ring()

    def taken(self, n: int = 2048) -> bytes:
        """The other end takes up to n bytes of output and says so."""
        cons, prod = self.word(self.OUT_CONS), self.word(self.OUT_PROD)
        n = min(n, (prod - cons) % 2**32)
        out = self.machine.read((self.RING << 12) + self.IN, self.OUT, self.id)
        self.word(self.OUT_CONS, cons + n)
        self.ring()
        return bytes(out[(cons + i) % self.OUT] for i in range(n))

    def raised(self) -> bool:
        """The line of its interrupt."""
        return bool(self.lib.host_virq_pending(self.id, self.IRQ))


@pytest.fixture
def built(pair: Any) -> Uart:
    """A guest that may still get one."""
    return Uart(pair)


@pytest.fixture
def uart(built: Uart) -> Uart:
    """A guest that runs with one."""
    return built.start()
