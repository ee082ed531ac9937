# SPDX-License-Identifier: Apache-2.0
"""Devices for guests: interrupts and registers, what dom0 may give of them, every wrong argument,
and how a guest that goes gives them back."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

EPERM, ENOENT, ESRCH, E2BIG, ENOMEM, EBUSY, EINVAL, EOPNOTSUPP = (*(1, 2, 3, 7, 12, 16, 22, 95),)
DEVICE = 0x9000
"""Frame of the board's device, which is dom0's."""
SPARE, INSIDE, DOM0S, OFF, NOBODYS = 50, 51, 40, 52, 60
"""Interrupts: of a device that is marked for guests, of what is in it; the others'."""
SPI = 4  # PT_IRQ_TYPE_SPI
GUEST_FRAME = 0x70000
RAM = 0x40000
TOP = 2**52
"""First frame beyond what an address can say."""


NOTHING, LARGE = 0xB000, 0xC0000
"""Frames that no node has, and of a large device."""
WINDOW, PCI_IRQ = 0xD0000, 54
"""First frame of what a marked host bridge shows of its bus, and an interrupt of its slots."""
OVER = 0xB010
"""Frames of a node that lies over others: a controller is one of them."""


def more_devices(tree: dict[str, Any]) -> None:
    """What a guest may have, and what looks like it."""
    controller = {"interrupt-controller": True, "#interrupt-cells": 1}

    def at(address: int) -> dict[str, Any]:
        return {"reg": [0, address, 0, 0x1000]}

    tree["intc"] |= at(0x8000000)
    tree["intc@8100000"] = controller | at(0x8100000) | {"status": "disabled"}
    tree["intc@8200000"] = controller | at(0x8200000) | {"xen,passthrough": True}
    tree["spare@9100000"] = at(0x9100000) | {
        "xen,passthrough": True,
        "interrupts": SPARE,
        "part": {"interrupts": INSIDE},
    }
    tree["large@c0000000"] = {"reg": [0, LARGE << 12, 0, 0x4000000]}
    tree["pcie@9300000"] = at(0x9300000) | {
        "device_type": "pci",
        "xen,passthrough": True,
        "#address-cells": 3,
        "#size-cells": 2,
        "#interrupt-cells": 1,
        "ranges": [0x2000000, 0, 0x1000, 0, WINDOW << 12, 0, 0x2000],
        "interrupt-map-mask": [0, 0, 0, 7],
        "interrupt-map": [0, 0, 0, 1, 1, PCI_IRQ],
    }
    tree["intc@b011000"] = controller | at(0xB011000)
    tree["over@b010000"] = {"reg": [0, OVER << 12, 0, 0x3000]}
    tree["off@9200000"] = at(0x9200000) | {"interrupts": OFF, "status": "disabled"}
    tree["reserved-memory"] = {
        "#address-cells": 2,
        "#size-cells": 2,
        "ranges": True,
        "firmware@a000000": at(0xA000000) | {"no-map": True},
    }


@pytest.fixture
def board(new_machine: Any, tools_of: Any) -> Any:
    """domctl on a board with more devices and two CPUs."""
    machine = new_machine()
    assert machine.boot(cpus=2, change=more_devices) == 0, machine.core.log()[-20:]
    return tools_of(machine)


def irq_op(tools: Any, what: str, domain: int, irq: int, *, spi: int = -1, kind: int = -1) -> int:
    """bind_pt_irq or unbind_pt_irq."""
    wanted = tools.machine.ffi.new("struct xen_domctl_bind_pt_irq *")
    wanted.machine_irq = irq
    wanted.irq_type = SPI if kind < 0 else kind
    wanted.u.spi.spi = irq & 0xFFFF if spi < 0 else spi
    return int(tools.domctl(what + "_pt_irq", domain, bind_pt_irq=wanted[0])[0])


def raised(tools: Any, domain: int, irq: int) -> bool:
    """Does an interrupt that comes now reach the domain?"""
    tools.machine.lib.host_raise(irq)
    tools.machine.lib.host_advance(1_000_000)
    return bool(tools.machine.lib.host_virq_pending(domain, irq))


def test_an_interrupt_is_given(board: Any) -> None:
    first, second = board.create(), board.create()
    assert irq_op(board, "bind", first, SPARE) == 0
    assert irq_op(board, "bind", first, SPARE) == -EBUSY, "again"
    assert irq_op(board, "bind", second, SPARE) == -EBUSY
    assert irq_op(board, "unbind", second, SPARE) == -EINVAL, "it is another one's"
    assert raised(board, first, SPARE)
    board.machine.lib.host_complete(first, SPARE)
    assert raised(board, first, SPARE)
    assert irq_op(board, "bind", second, INSIDE) == 0, "of a node inside one that is marked"
    assert raised(board, second, INSIDE)
    assert irq_op(board, "bind", second, PCI_IRQ) == 0, "of slots of a host bridge"
    assert raised(board, second, PCI_IRQ)


@pytest.mark.parametrize(
    ("irq", "wanted", "why"),
    [
        (DOM0S, -EBUSY, "xen,passthrough"),
        (OFF, -EPERM, "no device that the host's device tree has"),
        (NOBODYS, -EPERM, "no device that the host's device tree has"),
        (20, -EPERM, "a CPU's own"),
        (0, -EPERM, "none that a guest can have"),
        (4000, -EPERM, "none that a guest can have"),
        (65535, -EPERM, "none that a guest can have"),
        (65536 + SPARE, -EINVAL, ""),
        (2**32 - 1, -EINVAL, ""),
    ],
)
def test_what_cannot_be_given(board: Any, irq: int, wanted: int, why: str) -> None:
    guest = board.create()
    board.machine.core.log()
    assert irq_op(board, "bind", guest, irq) == wanted
    text = "\n".join(board.machine.core.log())
    assert (f"interrupt {irq} " in text and why in text) is bool(why)
    assert irq_op(board, "unbind", guest, irq) < 0
    assert irq_op(board, "bind", guest, SPARE, spi=INSIDE) == -EINVAL
    for kind, what in itertools.product(range(4), ("bind", "unbind")):
        assert irq_op(board, what, guest, SPARE, kind=kind) == -EOPNOTSUPP
    assert irq_op(board, "bind", 999, SPARE) == -ESRCH
    assert irq_op(board, "bind", guest, SPARE) == 0, "nothing is left of all that"


def test_the_hypervisors_own_is_not_given(board: Any) -> None:
    handler = board.machine.ffi.callback("void(unsigned int, void *)", lambda irq, _: None)
    assert board.machine.lib.irq_request(SPARE, False, handler, board.machine.ffi.NULL) == 0
    assert irq_op(board, "bind", board.create(), SPARE) == -EPERM
    assert "or the hypervisor's" in "\n".join(board.machine.core.log())


def test_a_guest_beside_its_controllers_numbers(board: Any) -> None:
    guest = board.create()
    board.machine.lib.host_limit_virqs(SPARE)
    assert irq_op(board, "bind", guest, SPARE) == -EBUSY
    assert "its controller has fewer (nr_spis=)" in "\n".join(board.machine.core.log())


@pytest.mark.parametrize("how", ["destroy", "unbind"])
@pytest.mark.parametrize("active", [False, True])
def test_it_is_given_back(board: Any, how: str, active: bool) -> None:
    """Whatever the guest was doing with it; the next one gets it."""
    first, second = board.create(), board.create()
    assert irq_op(board, "bind", first, SPARE) == 0
    assert raised(board, first, SPARE)
    if not active:
        board.machine.lib.host_complete(first, SPARE)
    if how == "destroy":
        board.destroy(first)
    else:
        assert irq_op(board, "unbind", first, SPARE) == 0
        assert irq_op(board, "unbind", first, SPARE) == -EINVAL
        assert not raised(board, first, SPARE)
    assert irq_op(board, "bind", second, SPARE) == 0
    board.machine.lib.host_advance(1_000_000)
    assert raised(board, second, SPARE)


def test_dom0_keeps_its_own(board: Any) -> None:
    assert irq_op(board, "unbind", 0, DOM0S) == -EBUSY
    assert irq_op(board, "bind", 0, SPARE) == 0, "it may have what is free"
    assert raised(board, 0, SPARE)
    assert irq_op(board, "unbind", 0, SPARE) == -EBUSY


def test_one_that_comes_too_late(board: Any) -> None:
    """Acknowledged before it was taken back, handed over after that: not active for ever."""
    lib, guest = board.machine.lib, board.create()
    board.machine.ffi.cdef("void irq_dispatch(unsigned int irq);", override=True)
    assert irq_op(board, "bind", guest, SPARE) == 0
    board.destroy(guest)
    lib.irq_dispatch(SPARE)
    other = board.create()
    assert irq_op(board, "bind", other, SPARE) == 0
    assert raised(board, other, SPARE)


class Device:
    """The device's frame for a guest."""

    def __init__(self, tools: Any) -> None:
        self.tools, self.domain = tools, tools.create()

    def permit(self, allow: int, first: int = DEVICE, nr: int = 1, domain: int = -1) -> int:
        """iomem_permission."""
        wanted = {"first_mfn": first, "nr_mfns": nr, "allow_access": allow}
        target = self.domain if domain < 0 else domain
        return int(self.tools.domctl("iomem_permission", target, iomem_permission=wanted)[0])

    def map(self, add: int = 1, gfn: int = GUEST_FRAME, mfn: int = DEVICE, nr: int = 1) -> int:
        """memory_mapping."""
        wanted = {"first_gfn": gfn, "first_mfn": mfn, "nr_mfns": nr, "add_mapping": add}
        return int(self.tools.domctl("memory_mapping", self.domain, memory_mapping=wanted)[0])

    def is_mapped(self) -> bool:
        """Does the guest see anything there? A device is nothing that hypercalls read."""
        leaf = self.tools.machine.ffi.new("uint8_t[1]")
        return bool(self.tools.machine.lib.host_guest_read(self.domain, GUEST_FRAME << 12, leaf, 1))


@pytest.fixture
def device(board: Any) -> Device:
    return Device(board)


def test_a_device_is_given_and_taken(device: Device) -> None:
    assert device.map() == -EPERM, "before it was permitted"
    assert device.permit(1) == 0
    assert device.permit(1) == 0, "again"
    assert "no IOMMU" in "\n".join(device.tools.machine.core.log())
    assert device.map() == 0
    assert device.map(add=0) == 0
    assert device.permit(0) == 0
    assert device.map() == -EPERM
    device.tools.destroy(device.domain)


@pytest.mark.parametrize(
    ("first", "nr", "wanted"),
    [
        (DEVICE, 0, -EINVAL),
        (TOP - 1, 2, -EINVAL),
        (2**64 - 1, 1, -EINVAL),
        (2**64 - 1, 2, -EINVAL),
        (TOP, 1, -EINVAL),
        (RAM, 1, -EPERM),
        (RAM - 1, 2, -EPERM),
        (RAM + 512 * 256 - 1, 1, -EPERM),
        (RAM + 512 * 256 - 1, 2, -EPERM),
        (0x8000, 1, -EPERM),
        (0x8100, 1, -EPERM),
        (0x8200, 1, -EPERM),
        (0x7FFF, 3, -EPERM),
        (0xA000, 1, -EPERM),
        (2**36, 1, -EPERM),
        (NOTHING, 1, -EPERM),
        (DEVICE, 2, -EPERM),
        (0x9200, 1, -EPERM),
        (OVER + 1, 1, -EPERM),
        (OVER, 3, -EPERM),
    ],
)
def test_only_what_dom0_has(device: Device, first: int, nr: int, wanted: int) -> None:
    """RAM and what it is beside, the interrupt controllers (one of which is off, one for a guest if
    its node were asked, one under another node), memory that is reserved, what no node has or one
    that is off, and numbers that wrap; permitted or forbidden."""
    assert device.permit(1, first, nr) == wanted
    assert device.permit(0, first, nr) == wanted
    assert device.map(mfn=first, nr=nr) == wanted


@pytest.mark.parametrize(
    ("first", "nr"),
    [(DEVICE, 1), (0x9100, 1), (0x9300, 1), (WINDOW, 2), (OVER, 1), (OVER + 2, 1), (LARGE, 64)],
)
def test_all_that_the_device_tree_has(device: Device, first: int, nr: int) -> None:
    """dom0's and what is marked, with what a host bridge shows of its bus."""
    assert device.permit(1, first, nr) == 0
    assert device.map(mfn=first, nr=nr) == 0


def test_frames_of_the_guest_that_do_not_fit(device: Device) -> None:
    assert device.permit(1) == 0
    assert device.map(gfn=TOP) == -EINVAL
    assert device.map(gfn=2**64 - 1) == -EINVAL
    assert device.map(gfn=1 << 40) < 0, "no address of its second stage"
    assert device.map(nr=65) == -E2BIG
    assert device.map(gfn=0x40000) in (0, -EBUSY), "its RAM"
    assert device.map(add=0, gfn=0x7FFFF) in (0, -ENOENT), "nothing is there"


def test_the_list_of_permissions_is_limited(device: Device) -> None:
    """Every second frame of many: some time there is no room for one more range."""
    results = [device.permit(1, LARGE + 2 * i) for i in range(4096)]
    assert results[0] == 0 and results[-1] == -ENOMEM
    assert sorted(results, reverse=True) == results, "full once, full for ever"
    assert device.permit(1, domain=999) == -ESRCH


class Storm:
    """A guest's interrupt that comes where another domain runs, and ends at once."""

    def __init__(self, tools: Any) -> None:
        self.tools, self.lib = tools, tools.machine.lib
        self.guest = tools.create()
        assert irq_op(tools, "bind", self.guest, SPARE) == 0
        tools.good("pausedomain", self.guest)

    def comes(self) -> bool:
        """Once more; is it handed over? dom0 runs."""
        self.lib.host_complete(self.guest, SPARE)
        self.lib.host_raise(SPARE)
        self.tools.domctl("getdomaininfo", self.guest)
        return bool(self.lib.host_virq_pending(self.guest, SPARE))

    def count(self, most: int) -> int:
        """How often it comes before it is held back."""
        return next((n for n in range(most) if not self.comes()), most)


def test_one_that_takes_the_time_of_others_is_held_back(board: Any) -> None:
    """And comes again after a while; the log says so once for each guest that has it."""
    storm = Storm(board)
    storm.count(200)
    assert storm.count(200) == 0
    said = f"d{storm.guest}: interrupt {SPARE} comes again and again where others run"
    assert "\n".join(board.machine.core.log()).count(said) == 1
    for _ in range(3):
        storm.lib.host_advance(20_000_000)
        assert 0 < storm.count(1000) < 1000
    assert said not in "\n".join(board.machine.core.log())


def test_one_that_is_held_back_changes_hands(board: Any) -> None:
    storm = Storm(board)
    assert storm.count(200) < 200
    board.destroy(storm.guest)
    other = board.create()
    assert irq_op(board, "bind", other, SPARE) == 0
    storm.lib.host_advance(20_000_000)
    assert raised(board, other, SPARE)


def test_a_slow_one_is_not_held_back(board: Any) -> None:
    storm = Storm(board)
    for _ in range(300):
        storm.lib.host_advance(1_000_000)
        assert storm.comes()
