# SPDX-License-Identifier: Apache-2.0
"""Event channel operations: errors, bindings against a model, limits, reset, polling."""

from __future__ import annotations

import random
from typing import Any

import pytest

EPERM, ESRCH, ENOENT, EFAULT, EEXIST, EINVAL, ENOSPC, ENOSYS = 1, 3, 2, 14, 17, 22, 28, 38
SELF = 0x7FF0
CLOSED, UNBOUND, INTERDOMAIN, PIRQ, VIRQ, IPI = range(6)


def status(guest: Any, port: int, dom: int = SELF) -> tuple[int, ...]:
    """What a port is: (status, ...) as the model has it."""
    rc, value = guest.event("status", dom=dom, port=port)
    if rc != 0:
        return (int(rc),)
    if value.status == UNBOUND:
        return UNBOUND, int(value.u.unbound.dom)
    if value.status == INTERDOMAIN:
        return INTERDOMAIN, int(value.u.interdomain.dom), int(value.u.interdomain.port)
    if value.status == VIRQ:
        return VIRQ, int(value.u.virq)
    return (int(value.status),)


def test_bad_ports(pair: Any) -> None:
    guest = pair.dom1
    for port in (0, 1, 63):
        for what in ("close", "send"):
            assert guest.event(what, port=port)[0] == -EINVAL, (what, port)
        assert guest.event("bind_vcpu", port=port, vcpu=0)[0] == -EINVAL
        assert guest.event("unmask", port=port)[0] == 0
        assert status(guest, port) == (CLOSED,)
    for port in (64, 1023, 4096, 2**17, 2**31, 2**32 - 1):
        for what in ("close", "send", "unmask"):
            assert guest.event(what, port=port)[0] == -EINVAL, (what, port)
        assert status(guest, port) == (-EINVAL,)
        assert guest.event("bind_vcpu", port=port, vcpu=0)[0] == -EINVAL


def test_errors(pair: Any) -> None:
    guest = pair.dom1
    assert guest.call("event_channel_op", 15, guest.scratch) == -ENOSYS
    assert guest.call("event_channel_op", 4, 0x7000000000) == -EFAULT
    assert guest.event("alloc_unbound", dom=0, remote_dom=0)[0] == -EPERM
    assert guest.event("alloc_unbound", dom=77, remote_dom=0)[0] == -ESRCH
    assert guest.event("bind_interdomain", remote_dom=77, remote_port=1)[0] == -ESRCH
    assert guest.event("bind_interdomain", remote_dom=0, remote_port=1)[0] == -EINVAL
    assert guest.event("bind_ipi", vcpu=1)[0] == -ENOENT
    assert guest.event("bind_virq", virq=24, vcpu=0)[0] == -EINVAL
    assert guest.event("bind_virq", virq=3, vcpu=1)[0] == -EINVAL
    assert guest.event("bind_virq", virq=0, vcpu=9)[0] == -ENOENT
    assert guest.event("bind_pirq", pirq=0)[0] == -95
    assert guest.event("status", dom=0, port=1)[0] == -EPERM
    assert guest.event("reset", dom=0)[0] == -EPERM
    assert pair.dom0.event("reset", dom=1)[0] == -EINVAL  # it is not paused
    assert guest.event("expand_array", array_gfn=0x40000)[0] == -95
    assert guest.event("set_priority", port=0, priority=0)[0] == -13
    rc, made = guest.event("bind_virq", virq=0, vcpu=0)
    assert rc == 0
    assert guest.event("bind_virq", virq=0, vcpu=0)[0] == -EEXIST
    assert guest.event("bind_vcpu", port=made.port, vcpu=0)[0] == -EINVAL
    assert guest.event("set_priority", port=made.port, priority=0)[0] == -ENOSYS
    assert guest.event("send", port=made.port)[0] == -EINVAL


def test_only_the_invited_domain_connects(pair: Any) -> None:
    assert pair.dom0.event("alloc_unbound", dom=SELF, remote_dom=5)[0] == -ESRCH
    rc, mine = pair.dom0.event("alloc_unbound", dom=SELF, remote_dom=SELF)
    assert rc == 0 and status(pair.dom0, mine.port) == (UNBOUND, 0)
    assert pair.dom1.event("bind_interdomain", remote_dom=0, remote_port=mine.port)[0] == -EINVAL
    assert pair.dom0.event("send", port=mine.port)[0] == 0  # nobody hears it
    rc, theirs = pair.dom0.event("alloc_unbound", dom=1, remote_dom=SELF)
    assert rc == 0 and status(pair.dom1, theirs.port) == (UNBOUND, 0)


class Model:
    """What the ports of both domains should be; a step changes both sides at random."""

    def __init__(self, pair: Any, seed: int) -> None:
        self.guests, self.random = (pair.dom0, pair.dom1), random.Random(seed)
        self.ports: tuple[dict[int, tuple[int, ...]], ...] = ({}, {})

    def learn(self) -> None:
        """Take over what is bound already."""
        for guest, ports in zip(self.guests, self.ports, strict=True):
            for port in range(1, 64):
                state = status(guest, port)
                if state != (CLOSED,):
                    ports[port] = state

    def check(self) -> None:
        """Every port is what the model says."""
        for guest, ports in zip(self.guests, self.ports, strict=True):
            for port in range(1, 128):
                found = status(guest, port)
                assert found == ports.get(port, found if found == (-EINVAL,) else (CLOSED,)), port

    def allocate(self, side: int) -> None:
        """alloc_unbound for a random domain."""
        remote = self.random.choice([0, 1])
        rc, value = self.guests[side].event("alloc_unbound", dom=SELF, remote_dom=remote)
        assert rc == 0 and value.port not in self.ports[side]
        self.ports[side][value.port] = (UNBOUND, remote)

    def connect(self, side: int) -> None:
        """bind_interdomain to a random port, which may be a wrong one."""
        other = self.random.choice([0, 1])
        port = self.random.choice([*self.ports[other], 1, 50])
        fits = self.ports[other].get(port) == (UNBOUND, side)
        rc, value = self.guests[side].event("bind_interdomain", remote_dom=other, remote_port=port)
        assert rc == (0 if fits else -EINVAL)
        if fits:
            self.ports[other][port] = (INTERDOMAIN, side, value.local_port)
            self.ports[side][value.local_port] = (INTERDOMAIN, other, port)

    def bind(self, side: int) -> None:
        """bind_ipi or bind_virq."""
        if self.random.random() < 0.5:
            rc, value = self.guests[side].event("bind_ipi", vcpu=0)
            new: tuple[int, ...] = (IPI,)
        else:
            virq = self.random.choice([0, 1, 9, 10])
            rc, value = self.guests[side].event("bind_virq", virq=virq, vcpu=0)
            new = (VIRQ, virq)
            if new in self.ports[side].values():
                assert rc == -EEXIST
                return
        assert rc == 0
        self.ports[side][value.port] = new

    def close(self, side: int) -> None:
        """Close a port that may not be there; its peer becomes unbound."""
        port = self.random.choice([*self.ports[side], 0, 60])
        old = self.ports[side].pop(port, None)
        assert self.guests[side].event("close", port=port)[0] == (0 if old else -EINVAL)
        if old and old[0] == INTERDOMAIN:
            self.ports[old[1]][old[2]] = (UNBOUND, side)

    def step(self) -> None:
        """One random operation."""
        side = self.random.choice([0, 1])
        crowded = len(self.ports[side]) > 30
        actions = [self.close] if crowded else [self.allocate, self.connect, self.bind, self.close]
        self.random.choice(actions)(side)


@pytest.mark.parametrize("seed", range(4))
def test_bindings_follow_the_model(pair: Any, seed: int) -> None:
    model = Model(pair, seed)
    model.learn()
    for i in range(250):
        model.step()
        if i % 25 == 24:
            model.check()


def test_the_end_of_a_domain_unbinds_its_peers(pair: Any) -> None:
    _, mine = pair.dom0.event("alloc_unbound", dom=SELF, remote_dom=1)
    assert pair.dom1.event("bind_interdomain", remote_dom=0, remote_port=mine.port)[0] == 0
    assert status(pair.dom0, mine.port)[:2] == (INTERDOMAIN, 1)
    pair.destroy()
    assert status(pair.dom0, mine.port) == (UNBOUND, 1)
    assert pair.dom0.event("close", port=mine.port)[0] == 0


def test_nothing_is_left_of_a_domain(pair: Any) -> None:
    free = []
    for _ in range(3):
        guest = pair.dom1
        for i in range(150):
            _, port = pair.dom0.event("alloc_unbound", dom=guest.id, remote_dom=SELF)
            if i % 2 == 0:
                pair.dom0.event("bind_interdomain", remote_dom=guest.id, remote_port=port.port)
        rc, _ = guest.event("init_control", control_gfn=guest.page() >> 12, vcpu=0)
        assert rc == 0
        assert guest.event("expand_array", array_gfn=guest.page() >> 12)[0] == 0
        pair.destroy()
        for port in range(1, 128):
            pair.dom0.event("close", port=port)
        free.append(pair.free())
        pair.create()
    assert free[1] == free[2]


@pytest.mark.parametrize("preempt", [0, 1, 3])
def test_all_ports_and_reset(pair: Any, preempt: int) -> None:
    guest = pair.dom1
    ports = []
    while True:
        rc, value = guest.event("alloc_unbound", dom=SELF, remote_dom=0)
        if rc != 0:
            break
        ports.append(int(value.port))
    assert rc == -ENOSPC and sorted(ports) == list(range(1, 1024))
    assert guest.event("close", port=500)[0] == 0
    assert guest.event("alloc_unbound", dom=SELF, remote_dom=0)[1].port == 500
    pair.machine.lib.host_preempt(preempt)
    assert guest.event("reset", dom=SELF)[0] == 0
    pair.machine.lib.host_preempt(0)
    assert {status(guest, port) for port in range(1, 1024)} == {(CLOSED,)}
    assert guest.event("alloc_unbound", dom=SELF, remote_dom=0)[1].port == 1


def test_reset_of_a_paused_domain(pair: Any) -> None:
    assert pair.dom1.event("bind_ipi", vcpu=0)[0] == 0
    pair.tools.good("pausedomain", 1)
    assert pair.dom0.event("reset", dom=1)[0] == 0
    pair.tools.good("unpausedomain", 1)
    assert status(pair.dom1, 1) == (CLOSED,)


def test_poll_ends_with_the_event(pair: Any) -> None:
    guest = pair.dom1
    _, mine = guest.event("alloc_unbound", dom=SELF, remote_dom=0)
    _, other = guest.event("alloc_unbound", dom=SELF, remote_dom=0)
    _, peer = pair.dom0.event("bind_interdomain", remote_dom=1, remote_port=mine.port)
    _, wrong = pair.dom0.event("bind_interdomain", remote_dom=1, remote_port=other.port)
    at = guest.page()
    guest.put_word(at, mine.port)
    value = guest.new("sched_poll", ports=at, nr_ports=1)
    guest.write(guest.scratch, bytes(guest.ffi.buffer(value)))
    state, _ = pair.machine.try_call(
        "sched_op", guest.k.SCHEDOP_poll, guest.scratch, domain=guest.id
    )
    pair.machine.lib.host_advance(1_000_000)
    assert not any(pair.machine.lib.host_running(cpu) >> 16 == 1 for cpu in range(2)), state
    assert pair.dom0.event("send", port=wrong.local_port)[0] == 0
    pair.machine.lib.host_advance(1_000_000)
    upcall_woke_it = any(pair.machine.lib.host_running(cpu) >> 16 == 1 for cpu in range(2))
    assert pair.dom0.event("send", port=peer.local_port)[0] == 0
    pair.machine.lib.host_advance(1_000_000)
    assert any(pair.machine.lib.host_running(cpu) >> 16 == 1 for cpu in range(2)), upcall_woke_it


def test_virqs_reach_who_handles_them(pair: Any) -> None:
    """The end of a domain is told to dom0, and to another one once that is named."""
    assert pair.dom0.event("bind_virq", virq=3, vcpu=0)[0] in (0, -EEXIST)
    before = pair.machine.lib.host_upcalls(0, 0)
    other = pair.tools.create(vcpus=1, pages=16)
    rc, _ = pair.dom1.event("bind_virq", virq=3, vcpu=0)
    assert rc == 0
    pair.tools.good("set_virq_handler", 1, set_virq_handler={"virq": 3})
    told = pair.machine.lib.host_upcalls(1, 0)
    pair.tools.destroy(other)
    assert pair.machine.lib.host_upcalls(1, 0) == told + 1
    pair.destroy()  # dom1 is gone: dom0 hears of the next
    assert pair.machine.lib.host_upcalls(0, 0) >= before
    assert pair.tools.domctl("set_virq_handler", 0, set_virq_handler={"virq": 0})[0] == -EINVAL
