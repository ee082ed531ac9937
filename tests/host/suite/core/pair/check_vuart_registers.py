# SPDX-License-Identifier: Apache-2.0
"""Registers of a guest's virtual PL011, its FIFOs and its interrupt; both ends of its ring lie."""

from __future__ import annotations

from typing import Any

import pytest

SIZE, RING, OUT, FIFO = 0x1000, 0x40040, 2048, 32
IN_CONS, IN_PROD, OUT_CONS, OUT_PROD = 3072, 3076, 3080, 3084
DR, RSR, FR, ILPR, IBRD, FBRD, LCRH, CR = 0, 4, 0x18, 0x20, 0x24, 0x28, 0x2C, 0x30
IFLS, IMSC, RIS, MIS, ICR, DMACR, ID = 0x34, 0x38, 0x3C, 0x40, 0x44, 0x48, 0xFE0
BUSY, RXFE, TXFF, RXFF, TXFE = 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7
RX, TX, RT = 1 << 4, 1 << 5, 1 << 6
ERROR = 2
NO_REGISTERS = (RSR, 8, 0x14, 0x1C, DMACR, 0x4C, 0x80, 0xFDC)


def test_registers_after_reset(uart: Any) -> None:
    """As firmware leaves them, and what a driver recognises it by."""
    assert [uart.read(ID + 4 * i) for i in range(8)] == [0x11, 0x10, 0x34, 0, 0x0D, 0xF0, 5, 0xB1]
    wanted = {FR: TXFE | RXFE, IBRD: 13, FBRD: 1, LCRH: 0x70, CR: 0x301, IFLS: 0x12}
    assert {at: uart.read(at) for at in wanted} == wanted
    assert not any(uart.read(at) for at in (DR, ILPR, IMSC, RIS, MIS, ICR, *NO_REGISTERS))
    assert not uart.raised()


@pytest.mark.parametrize(
    ("at", "bits"),
    [
        (ILPR, 0xFF),
        (IBRD, 0xFFFF),
        (FBRD, 0x3F),
        (LCRH, 0xFF),
        (CR, 0xFF87),
        (IFLS, 0x3F),
        (IMSC, 0x7FF),
    ],
)
def test_what_is_written_is_kept(uart: Any, at: int, bits: int) -> None:
    """With the bits that there are; a smaller access changes its own."""
    uart.write(at, 0xFFFFFFFF)
    assert uart.read(at) == bits
    uart.write(at, 0, 1)
    assert (uart.read(at), uart.read(at, 2), uart.read(at, 1)) == (bits & 0xFF00, bits & 0xFF00, 0)
    uart.write(at, 0, 2)
    assert uart.read(at) == 0


def test_what_cannot_be_written(uart: Any) -> None:
    """Read-only registers, places without a register, and inner bytes of one."""
    places = [FR, RIS, MIS, *NO_REGISTERS, *range(ID, SIZE, 4), DR + 1, DR + 2, CR + 1, IMSC + 2]
    before = [uart.read(at, 1) for at in places]
    for at in places:
        for size in (1, 2, 4):
            if at % size == 0:
                uart.write(at, 0xFFFFFFFF, size)
    assert [uart.read(at, 1) for at in places] == before
    assert uart.taken() == b"" and not uart.rung()


def test_accesses_of_eight_bytes_are_refused(uart: Any) -> None:
    """As Xen does; a guest gets its abort, and nothing was read or written."""
    uart.type(b"kept")
    for at in range(0, SIZE, 8):
        assert uart.access(at, 8, True, 0x41)[0] == ERROR
        assert uart.access(at, 8, False)[0] == ERROR
    assert uart.taken() == b""
    assert bytes(uart.read(DR) for _ in range(4)) == b"kept"


@pytest.mark.parametrize("size", [1, 2, 4])
def test_text_both_ways(uart: Any, size: int) -> None:
    """Each character is told of; the ring's counters pass their end."""
    for at in (IN_CONS, IN_PROD, OUT_CONS, OUT_PROD):
        uart.word(at, -3)
    for c in b"out and in":
        uart.write(DR, 0x4142434445464700 | c, size)
        assert uart.rung()
    assert uart.taken() == b"out and in"
    uart.type(b"typed")
    assert not uart.rung()
    assert uart.read(FR) & RXFE == 0
    assert bytes(uart.read(DR, size) for _ in range(5)) == b"typed"
    assert uart.rung(), "there is room for more"
    assert uart.read(FR) & RXFE and uart.read(DR, size) == 0
    assert not uart.rung() and uart.word(IN_CONS) == 2


def test_a_full_ring(uart: Any) -> None:
    """Flags while it fills; what is too much is lost; the interrupt says that there is room."""
    text = bytes(i % 251 for i in range(OUT))
    uart.say(text[: OUT - FIFO])
    assert uart.read(FR) & (BUSY | TXFF | TXFE) == TXFE
    assert uart.read(RIS) & TX
    uart.write(IMSC, TX)
    assert uart.raised()
    uart.say(text[OUT - FIFO : -1])
    assert uart.read(FR) & (BUSY | TXFF | TXFE) == BUSY
    uart.say(text[-1:])
    assert uart.read(FR) & (BUSY | TXFF | TXFE) == BUSY | TXFF
    assert not uart.read(RIS) & TX and not uart.raised()
    uart.rung()
    uart.say(b"lost")
    assert not uart.rung()
    assert uart.taken(FIFO // 2 - 1) == text[: FIFO // 2 - 1]
    assert not uart.raised(), "below the trigger level"
    assert uart.taken(1) == text[FIFO // 2 - 1 : FIFO // 2]
    assert uart.raised() and uart.read(MIS) == TX
    assert uart.taken() == text[FIFO // 2 :]


def test_the_transmit_interrupt_is_cleared(uart: Any) -> None:
    """By UARTICR, until a character has gone through; by UARTIMSC, as long as it is masked."""
    uart.write(IMSC, TX)
    assert not uart.raised(), "nothing has been sent"
    uart.say(b"a")
    assert uart.raised()
    uart.write(ICR, 0x7FF & ~TX)
    assert uart.raised()
    uart.write(ICR, TX)
    assert not uart.raised() and not uart.read(RIS) & TX
    uart.ring()
    assert not uart.raised()
    uart.say(b"b")
    assert uart.raised()
    uart.write(IMSC, 0)
    assert not uart.raised() and uart.read(RIS) & TX and not uart.read(MIS)


@pytest.mark.parametrize(("field", "level"), [(0, 4), (1, 8), (2, 16), (3, 24), (4, 28), (7, 28)])
def test_trigger_levels(uart: Any, field: int, level: int) -> None:
    """UARTIFLS for both FIFOs; without FIFOs each character received is one."""
    uart.write(IFLS, field << 3 | field)
    uart.write(IMSC, RX)
    uart.type(bytes(level - 1))
    assert uart.read(RIS) == RT and not uart.raised()
    uart.write(LCRH, 0x60)
    assert uart.raised()
    uart.write(LCRH, 0x70)
    assert not uart.raised()
    uart.type(b"!")
    assert uart.raised() and uart.read(RIS) == RX | RT
    uart.write(ICR, RX | RT)
    assert uart.raised(), "levels: they go when it is read"
    uart.read(DR)
    assert not uart.raised()
    uart.word(OUT_PROD, OUT - FIFO + level)
    uart.say(b"x")
    assert not uart.read(RIS) & TX
    uart.taken(1)
    assert uart.read(RIS) & TX


def test_the_receive_fifo(uart: Any) -> None:
    """Is full at its depth; what more there is waits in the ring and is not lost."""
    text = bytes(range(100))
    uart.type(text[: FIFO - 1])
    assert not uart.read(FR) & RXFF
    uart.type(text[FIFO - 1 :])
    assert uart.read(FR) & RXFF
    assert bytes(uart.read(DR) for _ in text) == text


@pytest.mark.parametrize("far", [OUT + 1, 2 * OUT, 2**31, 2**32 - 1])
def test_counters_that_cannot_be(uart: Any, far: int) -> None:
    """Whoever has written them: output is full, input is empty, and nothing is touched."""
    uart.write(IMSC, RX | TX | RT)
    uart.word(OUT_PROD, far)
    uart.word(IN_PROD, far)
    before = uart.machine.read(RING << 12, 4096, uart.id)
    uart.ring()
    assert uart.read(FR) == TXFF | RXFE | BUSY
    assert uart.read(DR) == 0
    uart.say(b"lost")
    assert uart.read(RIS) == 0 and not uart.raised() and not uart.rung()
    assert uart.machine.read(RING << 12, 4096, uart.id) == before
    uart.word(OUT_PROD, 0)
    uart.word(IN_PROD, 0)
    uart.say(b"x")
    assert uart.taken() == b"x", "it works again"
