# SPDX-License-Identifier: Apache-2.0
"""Who has which interrupt of the machine: nobody, the hypervisor, or a domain."""

from __future__ import annotations

from typing import Any

import pytest

EPERM, EBUSY, EINVAL = 1, 16, 22
FREE, PRIVATE, BEYOND = 60, 20, 4000
DEVICE = 40
"""The board's device, which dom0 has."""


def raise_irq(machine: Any, irq: int) -> str:
    machine.core.log()
    machine.lib.host_raise(irq)
    machine.lib.host_advance(1_000_000)
    return "\n".join(machine.core.log())


def test_a_domain_gets_one_and_gives_it_back(machine: Any) -> None:
    lib, dom0 = machine.lib, machine.lib.host_domain(0)
    assert lib.irq_assign(dom0, FREE, FREE) == -EPERM, "nobody knows what triggers it"
    lib.irq_describe(FREE, True)
    assert lib.irq_assign(dom0, FREE, FREE) == 0
    assert lib.irq_assign(dom0, FREE, FREE) == -EBUSY
    raise_irq(machine, FREE)
    assert lib.host_virq_pending(0, FREE)
    lib.host_complete(0, FREE)
    assert lib.irq_release(dom0, FREE) == 0
    assert lib.irq_release(dom0, FREE) == -EINVAL
    assert "no owner" not in raise_irq(machine, FREE), "it is disabled"
    assert not lib.host_virq_pending(0, FREE)
    assert lib.irq_assign(dom0, FREE, FREE) == 0, "free again"


@pytest.mark.parametrize(
    ("irq", "virq", "wanted"),
    [
        (PRIVATE, 60, -EINVAL),
        (BEYOND, 60, -EINVAL),
        (2**32 - 1, 60, -EINVAL),
        (FREE, PRIVATE, -EINVAL),
        (FREE, BEYOND, -EINVAL),
        (DEVICE, 60, -EBUSY),
        (FREE, DEVICE, -EBUSY),
    ],
)
def test_what_cannot_be_assigned(machine: Any, irq: int, virq: int, wanted: int) -> None:
    lib = machine.lib
    for number in (FREE, 61, PRIVATE, BEYOND):
        lib.irq_describe(number, False)
    assert lib.irq_assign(lib.host_domain(0), irq, virq) == wanted
    assert lib.irq_assign(lib.host_domain(0), 61, 61) == 0, "nothing is left of it"


def test_the_hypervisors_own(machine: Any) -> None:
    """Its handlers run; nobody else gets the interrupt."""
    lib, seen = machine.lib, []
    handler = machine.ffi.callback("void(unsigned int, void *)", lambda irq, _: seen.append(irq))
    other = machine.ffi.callback("void(unsigned int, void *)", lambda irq, _: None)
    null = machine.ffi.NULL
    assert lib.irq_request(FREE, False, handler, null) == 0
    assert lib.irq_request(FREE, False, handler, null) == 0, "each CPU asks"
    assert lib.irq_request(FREE, False, other, null) == -EBUSY
    assert lib.irq_request(DEVICE, False, other, null) == -EBUSY
    assert lib.irq_request(BEYOND, False, other, null) == -EINVAL
    assert lib.irq_request(PRIVATE, False, other, null) == 0
    assert lib.irq_is_own(FREE) and not lib.irq_is_own(DEVICE) and not lib.irq_is_own(BEYOND)
    lib.irq_describe(FREE, False)
    assert lib.irq_assign(lib.host_domain(0), FREE, FREE) == -EBUSY
    raise_irq(machine, FREE)
    assert seen == [FREE]
    for irq in (FREE, BEYOND):
        assert lib.irq_release(lib.host_domain(0), irq) == -EINVAL
    raise_irq(machine, FREE)
    assert seen == [FREE, FREE], "what is given back is a domain's"


def test_one_without_an_owner(machine: Any) -> None:
    """It is disabled, and said, ten times for all."""
    lib = machine.lib
    machine.ffi.cdef("void irq_dispatch(unsigned int irq);", override=True)
    for number in range(12):
        lib.irq_dispatch(62)
        text = "\n".join(machine.core.log())
        assert ("Interrupt 62 has no owner: disabled" in text) is (number < 10)
    lib.irq_dispatch(BEYOND)


def test_it_follows_its_vcpu(tools_on: Any) -> None:
    """Taken by the CPU of the vCPU that gets it; disabled where the guest disables it."""
    tools = tools_on(2)
    lib, machine = tools.machine.lib, tools.machine
    dom0 = lib.host_domain(0)
    desc = lib.irq_desc(DEVICE)
    lib.irq_follow(desc, dom0, machine.ffi.NULL)
    raise_irq(machine, DEVICE)
    assert not lib.host_virq_pending(0, DEVICE)
    other = lib.host_domain(tools.create())
    lib.irq_follow(desc, other, machine.ffi.NULL)
    assert desc.d == dom0
    assert lib.irq_desc(BEYOND) == machine.ffi.NULL
