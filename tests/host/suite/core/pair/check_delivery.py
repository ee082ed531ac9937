# SPDX-License-Identifier: Apache-2.0
"""Delivery of events in both forms: what is sent is told once, whatever the guest does."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

EINVAL, ENOENT, ENOSPC, EOPNOTSUPP = 22, 2, 28, 95
SELF = 0x7FF0
PORTS = 20
FOR_EVER, MOST = 10**6, 4 * (1 + 64 + 2000)  # attempts, see check_contended.py
LINK_MASK, BUSY, LINKED, MASKED, PENDING = 0x1FFFF, 1 << 28, 1 << 29, 1 << 30, 1 << 31


class TwoLevel:
    """A guest kernel's part with the bitmaps in shared_info."""

    def __init__(self, guest: Any) -> None:
        self.guest, self.shared = guest, guest.shared()
        offset = guest.ffi.offsetof
        self.pending = self.shared + offset("struct shared_info", "evtchn_pending")
        self.mask = self.shared + offset("struct shared_info", "evtchn_mask")
        self.select = self.shared + offset("struct vcpu_info", "evtchn_pending_sel")
        guest.write(self.mask, b"\xff" * 512)

    def open(self, port: int) -> None:
        """Ready for events of this port."""
        self.set_mask(port, False)

    def bit(self, base: int, port: int, value: bool | None = None) -> bool:
        """A bit of a map; changed if there is a value."""
        at = base + port // 64 * 8
        word = self.guest.word(at, 8)
        if value is not None:
            changed = word | 1 << port % 64 if value else word & ~(1 << port % 64)
            self.guest.put_word(at, changed, 8)
        return bool(word >> port % 64 & 1)

    def set_mask(self, port: int, masked: bool) -> None:
        """Mask in memory, unmask by hypercall, as kernels do."""
        if masked:
            self.bit(self.mask, port, True)
        else:
            assert self.guest.event("unmask", port=port)[0] == 0

    def upcall(self) -> Iterator[int]:
        """Ports that the guest's interrupt handler finds."""
        self.guest.put_word(self.shared, 0, 1)
        words = self.guest.word(self.select, 8)
        self.guest.put_word(self.select, 0, 8)
        for port in range(4096):
            waits = words >> port // 64 & 1 and self.bit(self.pending, port)
            if waits and not self.bit(self.mask, port):
                self.bit(self.pending, port, False)
                yield port

    def pending_flag(self) -> bool:
        """Is the handler asked for?"""
        return bool(self.guest.word(self.shared, 1))


class Fifo(TwoLevel):
    """The same with event words and queues."""

    def __init__(self, guest: Any, words: bool = True) -> None:
        super().__init__(guest)
        self.words, self.block = guest.page(), guest.page() + 64
        self.heads = [0] * 16
        rc, value = guest.event(
            "init_control", control_gfn=self.block >> 12, offset=self.block & 4095, vcpu=0
        )
        assert rc == 0 and value.link_bits == 17
        if words:
            self.expand()

    def expand(self) -> None:
        """The first frame of event words, all masked."""
        self.guest.write(self.words, MASKED.to_bytes(4, "little") * 1024)
        rc, _ = self.guest.event("expand_array", array_gfn=self.words >> 12)
        assert rc == 0

    def word(self, port: int, clear: int = 0, add: int = 0) -> int:
        """An event word before it is changed."""
        old = int(self.guest.word(self.words + 4 * port))
        self.guest.put_word(self.words + 4 * port, old & ~clear | add)
        return old

    def set_mask(self, port: int, masked: bool) -> None:
        """Both in memory; the hypercall only if something waits."""
        if masked:
            self.word(port, add=MASKED)
        elif self.word(port, clear=MASKED) & PENDING:
            assert self.guest.event("unmask", port=port)[0] == 0

    def upcall(self) -> Iterator[int]:
        """Events in the order of priorities and queues."""
        self.guest.put_word(self.shared, 0, 1)
        ready = self.take_ready()
        while ready:
            queue = (ready & -ready).bit_length() - 1
            port = self.heads[queue] or self.guest.word(self.block + 8 + 4 * queue)
            assert 0 < port < 1024
            old = self.word(port, clear=LINKED | LINK_MASK)
            assert old & LINKED
            self.heads[queue] = old & LINK_MASK
            if self.heads[queue] == 0:
                ready &= ~(1 << queue)
            if old & PENDING and not old & MASKED:
                self.word(port, clear=PENDING)
                yield port
            ready |= self.take_ready()

    def take_ready(self) -> int:
        """The queues that have something, cleared."""
        ready = int(self.guest.word(self.block))
        self.guest.put_word(self.block, 0)
        return ready


def connect(pair: Any, count: int) -> list[tuple[int, int]]:
    """Ports of dom1 and dom0 that belong together."""
    made = []
    for _ in range(count):
        _, mine = pair.dom1.event("alloc_unbound", dom=SELF, remote_dom=0)
        rc, other = pair.dom0.event(
            "bind_interdomain", remote_dom=pair.dom1.id, remote_port=mine.port
        )
        assert rc == 0
        made.append((int(mine.port), int(other.local_port)))
    return made


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("form", [TwoLevel, Fifo])
def test_nothing_is_lost(pair: Any, form: type[TwoLevel], seed: int) -> None:
    kernel, dice = form(pair.dom1), random.Random(seed)
    ports = dict(connect(pair, PORTS))
    waiting, masked = set[int](), set[int]()
    for port in ports:
        kernel.open(port)
    list(kernel.upcall())
    for _ in range(400):
        port, action = dice.choice(list(ports)), dice.random()
        if action < 0.5:
            assert pair.dom0.event("send", port=ports[port])[0] == 0
            waiting.add(port)
        elif action < 0.65:
            kernel.set_mask(port, port not in masked)
            masked ^= {port}
        elif action < 0.75 and form is Fifo:
            rc, _ = pair.dom1.event("set_priority", port=port, priority=dice.randrange(16))
            assert rc == 0
        elif action < 0.9:
            told = set(kernel.upcall())
            assert told == waiting - masked
            waiting -= told
        assert kernel.pending_flag() or not waiting - masked
    for port in masked:
        kernel.set_mask(port, False)
    assert set(kernel.upcall()) == waiting


def test_fifo_keeps_order_and_priority(pair: Any) -> None:
    kernel = Fifo(pair.dom1)
    ports = connect(pair, 9)
    for i, (port, _) in enumerate(ports):
        kernel.open(port)
        assert pair.dom1.event("set_priority", port=port, priority=(15, 3, 7)[i % 3])[0] == 0
    list(kernel.upcall())
    for _, peer in ports:
        assert pair.dom0.event("send", port=peer)[0] == 0
        assert pair.dom0.event("send", port=peer)[0] == 0
    expected = [port for rest in (1, 2, 0) for port, _ in ports[rest::3]]
    assert list(kernel.upcall()) == expected
    assert not list(kernel.upcall())


def test_the_switch_to_fifo_takes_pending_events_along(pair: Any) -> None:
    ports = connect(pair, 3)
    TwoLevel(pair.dom1)
    assert pair.dom0.event("send", port=ports[1][1])[0] == 0
    kernel = Fifo(pair.dom1, words=False)
    assert pair.dom0.event("send", port=ports[2][1])[0] == 0  # no word for it yet
    kernel.expand()
    for port, _ in ports:
        kernel.set_mask(port, False)
    assert {ports[1][0], ports[2][0]} <= set(kernel.upcall())


@pytest.mark.parametrize("form", [TwoLevel, Fifo])
def test_a_port_begins_without_old_events(pair: Any, form: type[TwoLevel]) -> None:
    kernel = form(pair.dom1)
    (port, peer), *_ = connect(pair, 1)
    assert pair.dom0.event("send", port=peer)[0] == 0  # masked: it waits
    assert pair.dom1.event("close", port=port)[0] == 0
    rc, again = pair.dom1.event("alloc_unbound", dom=SELF, remote_dom=0)
    assert rc == 0 and again.port == port
    kernel.open(port)
    assert not list(kernel.upcall())


def test_fifo_errors(pair: Any) -> None:
    guest = pair.dom1
    frame = guest.page() >> 12
    for fields, expected in (
        ({"vcpu": 1}, -ENOENT),
        ({"offset": 4096}, -EINVAL),
        ({"offset": 4096 - 64}, -EINVAL),
        ({"offset": 4}, -EINVAL),
        ({"control_gfn": 0x90000}, -EINVAL),
        ({"control_gfn": 2**64 - 1}, -EINVAL),
        ({"offset": 4096 - 72}, 0),
        ({}, -EINVAL),  # only once
    ):
        rc, _ = guest.event("init_control", **{"control_gfn": frame, **fields})
        assert rc == expected, fields
    assert guest.event("expand_array", array_gfn=0x90000)[0] == -EINVAL
    for _ in range(128):
        assert guest.event("expand_array", array_gfn=frame)[0] == 0
    assert guest.event("expand_array", array_gfn=frame)[0] == -ENOSPC
    rc, port = guest.event("bind_ipi", vcpu=0)
    assert guest.event("set_priority", port=port.port, priority=16)[0] == -EINVAL


@pytest.mark.parametrize("seed", range(4))
def test_a_guest_that_scribbles_harms_only_itself(pair: Any, seed: int) -> None:
    """Random words and control blocks between operations; afterwards a reset makes all good."""
    kernel, dice = Fifo(pair.dom1), random.Random(seed)
    ports = connect(pair, PORTS)
    for _ in range(150):
        port, peer = dice.choice(ports)
        pair.dom1.put_word(kernel.words + 4 * dice.choice([port, 0, 1023]), dice.getrandbits(32))
        pair.dom1.put_word(kernel.block + 4 * dice.randrange(18), dice.getrandbits(32))
        assert pair.dom0.event("send", port=peer)[0] == 0
        assert pair.dom1.event("unmask", port=port)[0] == 0
        assert pair.dom1.event("set_priority", port=port, priority=dice.randrange(16))[0] == 0
    assert pair.dom1.event("reset", dom=SELF)[0] == 0
    for _, peer in ports:
        assert pair.dom0.event("close", port=peer)[0] == 0
    again = Fifo(pair.dom1)
    (port, peer), *_ = connect(pair, 1)
    again.open(port)
    list(again.upcall())
    assert pair.dom0.event("send", port=peer)[0] == 0
    assert list(again.upcall()) == [port]


def test_frames_of_the_fifo_stay_allocated(pair: Any) -> None:
    """The guest gives them back while they are in use: they are freed when the FIFO goes."""
    kernel = Fifo(pair.dom1)
    before = pair.free()
    at = pair.dom1.page()
    pair.dom1.put_word(at, kernel.words >> 12, 8)
    value = pair.dom1.new("xen_memory_reservation", extent_start=at, nr_extents=1, domid=SELF)
    command = pair.dom1.k.XENMEM_decrease_reservation
    assert pair.dom1.op("memory_op", command, value) == 1
    assert pair.free() == before
    for port, peer in connect(pair, 3):
        assert pair.dom0.event("send", port=peer)[0] == 0
        assert pair.dom1.event("unmask", port=port)[0] == 0
    assert pair.dom1.event("reset", dom=SELF)[0] == 0
    assert pair.free() > before


def opened(pair: Any, kernel: TwoLevel) -> tuple[int, int]:
    """A port of dom1 that is ready, and dom0's other end."""
    ((port, peer),) = connect(pair, 1)
    kernel.open(port)
    list(kernel.upcall())
    return port, peer


@pytest.mark.parametrize("form", [TwoLevel, Fifo])
@pytest.mark.parametrize("failing", [1, 64, 65, 66, 500, 2000])
def test_an_event_comes_after_contention(pair: Any, form: type[TwoLevel], failing: int) -> None:
    """A guest stores into its words without end: nothing is lost, and it runs on when stopped."""
    kernel = form(pair.dom1)
    port, peer = opened(pair, kernel)
    pair.machine.lib.host_fail_atomics(failing)
    assert pair.dom0.event("send", port=peer)[0] == 0
    assert pair.machine.lib.host_atomics_to_fail() == 0
    assert list(kernel.upcall()) == [port] and pair.machine.cpu_of(pair.dom1.id) is not None


@pytest.mark.parametrize("form", [TwoLevel, Fifo])
@pytest.mark.parametrize("call", ["send", "unmask", "close"])
def test_no_event_is_waited_for_without_end(pair: Any, form: type[TwoLevel], call: str) -> None:
    kernel = form(pair.dom1)
    port, peer = opened(pair, kernel)
    pair.machine.lib.host_fail_atomics(FOR_EVER)
    guest, end = {"send": (pair.dom0, peer)}.get(call, (pair.dom1, port))
    assert guest.event(call, port=end)[0] == 0
    assert 0 < FOR_EVER - pair.machine.lib.host_atomics_to_fail() <= MOST
    pair.machine.lib.host_fail_atomics(0)
    port, peer = opened(pair, kernel)
    assert pair.dom0.event("send", port=peer)[0] == 0
    assert list(kernel.upcall()) == [port]
