# SPDX-License-Identifier: Apache-2.0
"""A domain's PV console, used by the hypervisor in the guest's place; the guest is hostile."""

from __future__ import annotations

from typing import Any

import pytest

IN, OUT = 1024, 2048
IN_CONS, IN_PROD, OUT_CONS, OUT_PROD = 3072, 3076, 3080, 3084
EIO = 5
SECOND = 1_000_000_000


class Console:
    """dom1 with a ring, both ends of its event channel, and what firmware calls would do."""

    def __init__(self, pair: Any) -> None:
        self.pair, self.dom0, self.dom1 = pair, pair.dom0, pair.dom1
        self.lib, self.ffi = pair.machine.lib, pair.machine.ffi
        self.domain = self.lib.host_domain(self.dom1.id)
        self.ring = self.dom1.page()
        _, theirs = self.dom0.event("alloc_unbound", dom=self.dom1.id, remote_dom=0)
        _, ours = self.dom0.event(
            "bind_interdomain", remote_dom=self.dom1.id, remote_port=theirs.port
        )
        self.port, self.far = int(ours.local_port), int(theirs.port)
        self.clear()
        self.set("CONSOLE_PFN", self.ring >> 12)
        self.set("CONSOLE_EVTCHN", self.far)

    def set(self, name: str, value: int) -> None:
        """A parameter, by the tools."""
        index = getattr(self.dom0.k, f"HVM_PARAM_{name}")
        fields = {"domid": self.dom1.id, "index": index, "value": value}
        param = self.dom0.new("xen_hvm_param", **fields)
        assert self.dom0.op("hvm_op", self.dom0.k.HVMOP_set_param, param) == 0

    def rung(self) -> bool:
        """Has the other end got an event since the last question?"""
        was = bool(self.dom0.word(self.pending(), 8) >> self.port % 64 & 1)
        self.clear()
        return was

    def pending(self) -> int:
        """Where the port's word of the other end is."""
        start = int(self.ffi.offsetof("struct shared_info", "evtchn_pending"))
        return int(self.dom0.shared()) + start + self.port // 64 * 8

    def clear(self) -> None:
        """The other end has taken its event."""
        self.dom0.put_word(self.pending(), 0, 8)

    def write(self, text: bytes) -> int:
        return int(self.lib.console_write_guest(self.domain, text, len(text)))

    def read(self, n: int) -> bytes:
        text = self.ffi.new("char[]", n)
        got = self.lib.console_read_guest(self.domain, text, n)
        return bytes(self.ffi.buffer(text))[:got]

    def index(self, at: int, value: int) -> None:
        self.dom1.put_word(self.ring + at, value)

    def indices(self) -> tuple[int, ...]:
        return tuple(int(self.dom1.word(self.ring + at)) for at in range(IN_CONS, IN_CONS + 16, 4))

    def out(self) -> bytes:
        """What the other end would read."""
        cons, prod = self.indices()[2:]
        ring = self.dom1.read(self.ring + IN, OUT)
        return bytes(ring[i % OUT] for i in range(cons, cons + (prod - cons) % 2**32))


@pytest.fixture
def console(pair: Any) -> Console:
    return Console(pair)


def test_a_domain_without_a_ring(pair: Any) -> None:
    domain = pair.machine.lib.host_domain(pair.dom1.id)
    assert not pair.machine.lib.console_is_there(domain)
    assert pair.machine.lib.console_write_guest(domain, b"x", 1) == -EIO
    assert pair.machine.lib.console_read_guest(domain, pair.machine.ffi.new("char[1]"), 1) == 0


def test_output(console: Console) -> None:
    assert console.lib.console_is_there(console.domain)
    assert console.write(b"hello") == 5
    assert console.out() == b"hello"
    assert console.rung()


@pytest.mark.parametrize("at", [0, 2047, 2**31 - 1, 2**32 - 2])
def test_output_goes_round(console: Console, at: int) -> None:
    console.index(OUT_CONS, at)
    console.index(OUT_PROD, at)
    text = bytes(i % 251 for i in range(OUT))
    assert console.write(text) == OUT
    assert console.out() == text
    assert console.indices()[3] == (at + OUT) % 2**32


def test_a_full_ring_takes_what_fits_and_is_waited_for(console: Console) -> None:
    assert console.write(bytes(OUT - 3)) == OUT - 3
    assert console.write(b"abcde") == 3
    assert console.rung()
    assert console.write(b"de") == 0
    assert not console.rung()
    console.index(OUT_CONS, 1)
    assert console.write(b"de") == 1


def test_nobody_waits_for_long_where_nobody_reads(console: Console) -> None:
    assert console.write(bytes(OUT)) == OUT
    assert console.write(b"x") == 0
    console.lib.host_advance(2 * SECOND - 1_000_000)
    assert console.write(b"x") == 0
    console.index(OUT_CONS, 1)
    console.index(OUT_PROD, OUT + 1)  # full again, but somebody has read: time begins anew
    assert console.write(b"x") == 0
    console.lib.host_advance(2 * SECOND)
    assert console.write(b"x") == -EIO
    assert console.write(b"x") == -EIO
    console.index(OUT_CONS, 2)
    assert console.write(b"x") == 1
    assert console.write(b"x") == 0


@pytest.mark.parametrize(("cons", "prod"), [(1, 0), (0, OUT + 1), (2**31, 0), (5, 2**32 - 1)])
def test_output_indices_that_make_no_sense(console: Console, cons: int, prod: int) -> None:
    """Count as a full ring: nothing is written, and no index is touched."""
    console.index(OUT_CONS, cons)
    console.index(OUT_PROD, prod)
    before = console.dom1.read(console.ring, 4096)
    assert console.write(b"x" * 100) == 0
    assert console.dom1.read(console.ring, 4096) == before
    assert not console.rung()


def test_input(console: Console) -> None:
    console.dom1.write(console.ring + IN - 2, b"ab")
    console.dom1.write(console.ring, b"c")
    console.index(IN_CONS, 2**32 - 2)
    console.index(IN_PROD, 1)
    assert console.read(2) == b"ab"
    assert console.rung()
    assert console.read(10) == b"c"
    assert console.indices()[:2] == (1, 1)
    console.rung()
    assert console.read(10) == b""
    assert not console.rung()


@pytest.mark.parametrize(("cons", "prod"), [(1, 0), (0, IN + 1), (2**31, 0), (5, 2**32 - 1)])
def test_input_indices_that_make_no_sense(console: Console, cons: int, prod: int) -> None:
    """Count as an empty ring."""
    console.index(IN_CONS, cons)
    console.index(IN_PROD, prod)
    assert console.read(10) == b""
    assert console.indices()[:2] == (cons, prod)


@pytest.mark.parametrize("pfn", [1, 0x7FFFF, 2**40, 2**52 - 1, 2**52, 2**64 - 1])
def test_a_frame_that_is_no_ram(console: Console, pfn: int) -> None:
    console.set("CONSOLE_PFN", pfn)
    assert console.write(b"x") == -EIO
    assert console.read(1) == b""


def test_a_ring_that_the_guest_gave_away(console: Console) -> None:
    frame = (console.ring >> 12).to_bytes(8, "little")
    at = console.dom1.write(console.dom1.page(), frame)
    value = console.dom1.new("xen_memory_reservation", extent_start=at, nr_extents=1, domid=0x7FF0)
    command = console.dom1.k.XENMEM_decrease_reservation
    assert console.dom1.op("memory_op", command, value) == 1
    assert console.write(b"x") == -EIO
    assert console.read(1) == b""


@pytest.mark.parametrize("port", [0, 1000, 2**32 - 1, 2**64 - 1])
def test_a_port_that_is_none(console: Console, port: int) -> None:
    """The text is there; the tools hear of it some other way."""
    console.set("CONSOLE_EVTCHN", port)
    assert console.write(b"x") == 1
    assert console.out() == b"x"
    assert not console.rung()


def test_leaves_nothing_behind(pair: Any) -> None:
    free = []
    for _ in range(2):
        console = Console(pair)
        assert console.write(b"x" * 3000) == OUT
        console.index(IN_PROD, 5)
        assert console.read(9) == bytes(5)
        pair.destroy()
        free.append(pair.free())
        pair.create()
    assert free[0] == free[1]
