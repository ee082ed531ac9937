# SPDX-License-Identifier: Apache-2.0
"""Accesses to emulated devices: which device gets them, and what the guest's register has."""

from __future__ import annotations

from typing import Any

import pytest

HANDLED, UNHANDLED, ERROR = range(3)
AT, SIZE = 0x8000000, 0x1000
DIRTY = 0x8182838485868788
"""What a device says in all bytes, and a guest writes: more than was asked for."""


class Device:
    """A region that notes its accesses and answers them all in the same way."""

    def __init__(self, machine: Any, at: int, answer: int = HANDLED, data: int = DIRTY) -> None:
        self.machine, self.answer, self.data = machine, answer, data
        self.seen: list[tuple[int, int, bool, int]] = []
        self.vcpu: Any = None
        self.fn = machine.ffi.callback("mmio_fn", self.access)
        domain = machine.lib.host_domain(0)
        self.rc = machine.lib.mmio_register(domain, at, at + SIZE, self.fn, machine.ffi.NULL)

    def access(self, v: Any, a: Any, offset: int, data: Any) -> int:
        """The region's function."""
        self.vcpu = v
        self.seen.append((offset, a.size, bool(a.write), a.data))
        if not a.write:
            a.data = self.data
        return self.answer


def access(machine: Any, at: int, size: int, write: bool = False, sign: bool = False) -> Any:
    """Result of an access, and the register behind it."""
    value = machine.ffi.new("uint64_t *", DIRTY if write else 7)
    return machine.lib.host_access(0, at, size, write, sign, value), value[0]


def low(size: int) -> int:
    """The low bytes of DIRTY."""
    return DIRTY & ((1 << 8 * size) - 1)


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_read(machine: Any, size: int) -> None:
    """No more than was asked for, with zeros or the sign above it."""
    device = Device(machine, AT)
    assert access(machine, AT + 16, size) == (HANDLED, low(size))
    signed = low(size) | (1 << 64) - (1 << 8 * size)
    assert access(machine, AT + 16, size, sign=True) == (HANDLED, signed)
    assert [one[:3] for one in device.seen] == [(16, size, False)] * 2


def test_a_sign_that_is_clear(machine: Any) -> None:
    device = Device(machine, AT, data=0xFF7F)
    assert access(machine, AT, 1, sign=True) == (HANDLED, 0x7F)
    assert len(device.seen) == 1


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_write(machine: Any, size: int) -> None:
    """The device sees no bits above the access."""
    device = Device(machine, AT)
    assert access(machine, AT + SIZE - 8, size, write=True)[0] == HANDLED
    assert device.seen == [(SIZE - 8, size, True, low(size))]


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize(("offset", "size"), [(1, 2), (2, 4), (4, 8), (7, 2), (SIZE - 1, 8)])
def test_misaligned(machine: Any, write: bool, offset: int, size: int) -> None:
    """No device hears of it, and the register stays."""
    device = Device(machine, AT)
    assert access(machine, AT + offset, size, write) == (UNHANDLED, DIRTY if write else 7)
    assert not device.seen


@pytest.mark.parametrize("write", [False, True])
def test_refused_and_nobodys(machine: Any, write: bool) -> None:
    device = Device(machine, AT, ERROR)
    assert access(machine, AT, 4, write) == (ERROR, DIRTY if write else 7)
    assert access(machine, AT - 8, 8, write)[0] == UNHANDLED
    assert access(machine, AT + SIZE, 8, write)[0] == UNHANDLED
    assert len(device.seen) == 1


def test_regions(machine: Any) -> None:
    """Each access goes to its own; none overlaps another."""
    first, second = Device(machine, AT + SIZE), Device(machine, AT)
    assert Device(machine, AT + SIZE // 2).rc == -17
    access(machine, AT + SIZE, 4)
    access(machine, AT + SIZE - 4, 4)
    assert [one[0] for one in first.seen] == [0]
    assert [one[0] for one in second.seen] == [SIZE - 4]


def test_regions_that_cannot_be(machine: Any) -> None:
    """None of no size, and not more than the table holds."""
    device = Device(machine, AT)
    domain = machine.lib.host_domain(0)
    for end in (AT, AT - 1):
        assert machine.lib.mmio_register(domain, AT, end, device.fn, machine.ffi.NULL) == -22
    made = [Device(machine, AT + i * SIZE).rc for i in range(1, 17)]
    assert -28 in made and made == sorted(made, reverse=True), "full once, full for ever"


@pytest.mark.parametrize(
    ("write", "decoded", "result", "said"),
    [
        (False, True, UNHANDLED, "no memory at"),
        (True, True, UNHANDLED, "no writable memory at"),
        (True, False, UNHANDLED, "0x9000, whose access cannot be emulated"),
        (True, True, ERROR, "no such access at"),
    ],
)
def test_what_is_said(machine: Any, write: bool, decoded: bool, result: int, said: str) -> None:
    """Of an access that the guest gets a fault for: who, where, and which instruction."""
    device = Device(machine, AT)
    access(machine, AT, 4)
    fault = machine.ffi.new("struct mmio_fault *", {"gva": 0x7000, "gpa": 0x8000, "write": write})
    machine.core.log()
    machine.lib.mmio_report(device.vcpu, fault, decoded, result, 0x9000)
    line = machine.core.log()[-1]
    assert "d0v0 no " in line
    assert said in line
    assert "at guest address 0x8000 (virtual 0x7000) for the instruction at 0x9000" in line
