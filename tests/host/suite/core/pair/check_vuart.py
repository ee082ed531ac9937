# SPDX-License-Identifier: Apache-2.0
"""A guest's virtual UART: what the tools ask for, its port, its end."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

BASE, IRQ, RING = 0x22000000, 33, 0x40040
FR, IMSC = 0x18, 0x38
RXFE, TXFE = 1 << 4, 1 << 7
RX, TX, RT = 1 << 4, 1 << 5, 1 << 6
EPERM, ENOMEM, EACCES, EEXIST, EBUSY, EINVAL, ENOSPC, EOPNOTSUPP = 1, 12, 13, 17, 16, 22, 28, 95


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"cmd": 1}, EINVAL),
        ({"cmd": 2**32 - 1}, EINVAL),
        ({"pad": [1, 0]}, EINVAL),
        ({"pad": [0, 1]}, EINVAL),
        ({"type": 1}, EOPNOTSUPP),
        ({"gfn": RING + 128}, EINVAL),
        ({"gfn": 2**64 - 1}, EINVAL),
        ({"gfn": BASE >> 12}, EINVAL),
    ],
)
def test_what_cannot_be(built: Any, fields: dict[str, Any], wanted: int) -> None:
    """Is refused and leaves nothing behind: the right call works afterwards."""
    used = built.lib.heap_used()
    assert built.ask(**fields)[0] == -wanted
    assert built.lib.heap_used() == used
    assert built.ask()[0] == 0


def test_one_uart_for_a_guest_that_has_not_run(built: Any) -> None:
    assert built.ask()[0] == 0
    assert built.ask()[0] == -EINVAL
    built.tools.good("unpausedomain", built.id)
    built.tools.good("pausedomain", built.id)
    assert built.ask()[0] == -EPERM
    assert built.ask(domain=0)[0] == -EPERM, "dom0 has none"
    assert built.ask(domain=99)[0] == -3


def test_each_allocation_fails(built: Any) -> None:
    """-ENOMEM, once for each, and all comes back."""
    used, failed = built.lib.heap_used(), 0
    for number in itertools.count(1):
        assert built.lib.alloc_fault_set(number, 0xFFFFFFFF) == 0
        rc, _ = built.ask()
        if built.lib.alloc_fault_set(0, 0xFFFFFFFF) != 0:
            assert rc == 0
            break
        assert rc == -ENOMEM
        assert built.lib.heap_used() == used
        failed += 1
    assert failed > 0


def test_no_port_and_no_room(pair: Any) -> None:
    """A domain whose ports are all used, and one whose place has another device."""
    tools, lib = pair.tools, pair.machine.lib
    few = tools.build(pages=128, max_evtchn_port=1)
    assert pair.dom0.event("alloc_unbound", dom=few, remote_dom=0)[0] == 0
    used = lib.heap_used()
    assert tools.domctl("vuart_op", few, vuart_op={"gfn": RING})[0] == -ENOSPC
    other = tools.build(pages=128)
    fn, null = pair.machine.ffi.callback("mmio_fn", lambda *_: 0), pair.machine.ffi.NULL
    assert lib.mmio_register(lib.host_domain(other), BASE, BASE + 8, fn, null) == 0
    used = lib.heap_used()
    assert tools.domctl("vuart_op", other, vuart_op={"gfn": RING})[0] == -EEXIST
    assert lib.heap_used() == used
    assert pair.dom0.event("alloc_unbound", dom=other, remote_dom=0)[1].port == 1, "given back"


def test_its_interrupt_is_its_own(built: Any) -> None:
    """No host's interrupt may stand behind the same number, whoever comes first."""
    domain = built.lib.host_domain(built.id)
    built.lib.irq_describe(60, False)
    assert built.lib.irq_assign(domain, 60, IRQ) == 0
    assert built.ask()[0] == -EINVAL
    assert built.lib.irq_release(domain, 60) == 0
    assert built.ask()[0] == 0
    assert built.lib.irq_assign(domain, 60, IRQ) == -EBUSY


def test_its_port_is_not_the_guests(built: Any) -> None:
    """The guest can use it for nothing, and only who was named can bind it, once."""
    uart = built.start()
    guest = type(uart.dom0)(uart.machine, uart.id, 0x40000000)
    assert uart.bind(uart.far)[0] == -EINVAL, "bound already"
    for what in ("close", "send"):
        assert guest.event(what, port=uart.far)[0] == -EINVAL
    assert guest.event("bind_vcpu", port=uart.far, vcpu=0)[0] == -EINVAL
    assert guest.event("set_priority", port=uart.far, priority=1)[0] == -EACCES
    assert guest.event("unmask", port=uart.far)[0] == 0
    assert not uart.rung()
    status = {"dom": 0x7FF0, "port": uart.far}
    assert guest.event("status", **status)[0] == -EACCES
    assert uart.dom0.event("status", dom=uart.id, port=uart.far)[0] == -EACCES
    rc, near = uart.dom0.event("status", dom=0x7FF0, port=uart.port)
    assert (rc, near.status, near.u.interdomain.port) == (0, 2, uart.far)
    assert uart.dom0.event("bind_vcpu", port=uart.port, vcpu=0)[0] == 0


def test_it_outlives_a_reset(uart: Any) -> None:
    """The guest resets its ports, gets them anew, and its UART still tells and hears."""
    guest = type(uart.dom0)(uart.machine, uart.id, 0x40000000)
    assert guest.event("reset", dom=0x7FF0)[0] == 0
    ports = [guest.event("alloc_unbound", dom=0x7FF0, remote_dom=0)[1].port for _ in range(5)]
    assert len(set(ports)) == 5 and uart.far not in ports
    uart.say(b"x")
    assert uart.rung()
    uart.write(IMSC, RT)
    uart.type(b"y")
    assert uart.raised()


def test_the_other_end_comes_and_goes(built: Any) -> None:
    """Text that nobody hears of waits; who comes later is told to look."""
    uart = built.start()
    assert uart.dom0.event("close", port=uart.port)[0] == 0
    uart.say(b"unheard")
    stranger = uart.tools.create(pages=64)
    other = type(uart.dom0)(uart.machine, stranger, 0x40000000)
    fields = {"remote_dom": uart.id, "remote_port": uart.far}
    assert other.event("bind_interdomain", **fields)[0] in (-EINVAL, -EPERM)
    rc, bound = uart.bind(uart.far)
    uart.port = int(bound.local_port)
    assert rc == 0 and uart.rung()
    assert uart.taken() == b"unheard"
    uart.say(b"!")
    assert uart.rung()


def test_its_page_goes(uart: Any) -> None:
    """A guest that gives the ring's frame back has it no more; the page is kept until the end."""
    free = uart.pair.free()
    fields = {"extent_start": 0x40000000, "nr_extents": 1, "domid": 0x7FF0}
    guest = type(uart.dom0)(uart.machine, uart.id, 0x40000000)
    value = guest.new("xen_memory_reservation", **fields)
    value.extent_start = 0x40001000
    guest.put_word(0x40001000, RING, 8)
    assert guest.op("memory_op", guest.k.XENMEM_decrease_reservation, value) == 1
    assert uart.pair.free() == free
    uart.say(b"nowhere")
    assert uart.read(FR) & TXFE and uart.read(FR) & RXFE


def test_its_end(uart: Any) -> None:
    """Nothing is left of a domain with a UART, and the other end may go on sending."""
    uart.write(IMSC, RX | TX | RT)
    uart.say(b"last words")
    uart.tools.destroy(uart.id)
    uart.ring()
    rc, near = uart.dom0.event("status", dom=0x7FF0, port=uart.port)
    assert (rc, near.status) == (0, 1), "unbound"
    uart.lib.host_advance(1_000_000)
    before = (uart.pair.free(), uart.lib.heap_used())
    uart.id = uart.tools.build(pages=128)
    uart.start()
    uart.tools.destroy(uart.id)
    uart.lib.host_advance(1_000_000)
    assert (uart.pair.free(), uart.lib.heap_used()) == before


def test_dying_in_slices(uart: Any) -> None:
    """Between two slices of its end: no other UART, and events of the other end do nothing."""
    uart.lib.host_preempt(2)
    uart.lib.host_repeats(1)
    value = uart.machine.ffi.new("struct xen_domctl *")
    value.cmd, value.interface_version = uart.dom0.k.XEN_DOMCTL_destroydomain, 0x17
    value.domain = uart.id
    destroy = bytes(uart.machine.ffi.buffer(value))
    slices = 0
    while slices < 300:
        at = uart.machine.write(destroy)
        if uart.machine.try_call("domctl", at) == (0, 0):
            break
        uart.ring()
        assert uart.ask()[0] == -EPERM
        slices += 1
    assert 3 < slices < 300
    uart.ring()
    uart.lib.host_preempt(0)
    uart.lib.host_advance(1_000_000)
    assert uart.tools.domctl("getdomaininfo", uart.id)[0] == -3
