# SPDX-License-Identifier: Apache-2.0
"""The console's UARTs, whose registers are memory here."""

from __future__ import annotations

from typing import Any

import pytest

GUEST = 0
RUNAWAY = 6
LINE = "dom0_mem=64M noreboot loglvl=all guest_loglvl=all"
DR, FR, CR, IMSC = 0x00, 0x18, 0x30, 0x38
"""Registers of a PL011."""
FULL = 1 << 5
Tree = dict[str, Any]


def uart(kind: str | list[str], size: int = 0x1000, at: int = 0x9100000, **more: Any) -> Tree:
    return {"compatible": kind, "reg": [0, at, 0, size], "interrupts": 50} | more


def boot(new_machine: Any, node: Tree, line: str = LINE) -> Any:
    """A machine whose console is that node."""

    def change(tree: Tree) -> None:
        tree["uart@9100000"] = node
        tree["chosen"]["stdout-path"] = "/uart@9100000"

    machine = new_machine()
    assert machine.boot(xen=line, change=change) == GUEST
    return machine


class Registers:
    """Of the first device."""

    def __init__(self, machine: Any) -> None:
        self.at = machine.ffi.cast("uint8_t *", machine.lib.host_device())
        self.ffi = machine.ffi

    def word(self, offset: int) -> int:
        return int(self.ffi.cast("uint32_t *", self.at + offset)[0])

    def put(self, offset: int, value: int) -> None:
        self.ffi.cast("uint32_t *", self.at + offset)[0] = value


def say(machine: Any, text: str) -> int:
    """CONSOLEIO_write."""
    at = machine.write(text.encode(), at=machine.scratch + 4096)
    return int(machine.call("console_io", 0, len(text), at))


def test_pl011(new_machine: Any) -> None:
    """It is switched on, its interrupts are those of input, and it gets what dom0 says."""
    machine = boot(new_machine, uart("arm,pl011"))
    registers = Registers(machine)
    assert registers.word(CR) == 0x301
    assert registers.word(IMSC) == 0x50
    assert registers.word(DR) == ord("\n")
    assert say(machine, "abc") == 0
    assert registers.word(DR) == ord("c")


@pytest.mark.parametrize(
    ("kind", "more", "width"),
    [
        ("ns16550a", {}, 1),
        ("ns16550", {"reg-shift": 1}, 1),
        ("snps,dw-apb-uart", {"reg-shift": 2, "reg-io-width": 4}, 4),
        ("brcm,bcm2835-aux-uart", {}, 4),
        ("ns16550a", {"reg-shift": 3, "reg-offset": 0x40}, 1),
    ],
)
def test_16550(new_machine: Any, kind: str, more: Tree, width: int) -> None:
    """Registers of one byte or four, at each distance."""
    machine = boot(new_machine, uart(kind, **more))
    at = Registers(machine).at + more.get("reg-offset", 0)
    if "reg-offset" in more:  # the port's device is ready elsewhere: it was never written to
        assert "The console before does not answer" in "\n".join(machine.core.log())
        return
    shift = more.get("reg-shift", 2 if "brcm" in kind else 0)
    assert at[1 << shift] == 1, "interrupt of input"
    assert say(machine, "xyz") == 0
    value = machine.ffi.cast("uint32_t *", at)[0] if width == 4 else at[0]
    assert value == ord("z")


@pytest.mark.parametrize(
    "node",
    [
        uart("arm,pl011", size=0x44),
        uart("arm,pl011", at=0x9100002),
        uart("arm,pl011", at=0x50000000),
        uart("ns16550a", size=7),
        uart("ns16550a", **{"reg-shift": 4}),
        uart("ns16550a", **{"reg-io-width": 2}),
        uart("ns16550a", at=0x9100001, **{"reg-io-width": 4, "reg-shift": 2}),
        uart("ns16550a", at=0x50000000),
        uart("vendor,other"),
        uart("arm,pl011", status="disabled"),
        {"compatible": "arm,pl011"},
        {"compatible": "ns16550a"},
    ],
)
def test_no_uart(new_machine: Any, node: Tree) -> None:
    """One that is too short, crooked, RAM or unknown is none; the early console goes on."""
    machine = boot(new_machine, node)
    log = "\n".join(machine.core.log())
    assert "No console: name a UART by dtuart= or /chosen/stdout-path" in log
    assert say(machine, "text for the early console") == 0
    assert "text for the early console" in "\n".join(machine.core.log())


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ("dtuart=/uart@9100000", True),
        ("dtuart=/uart@9100000:115200n8", True),
        ("dtuart=/nowhere", False),
        ("dtuart=/cpus", False),
    ],
)
def test_the_uart_of_the_command_line(new_machine: Any, options: str, found: bool) -> None:
    """dtuart= comes first, and what it does not find is said."""
    machine = new_machine()

    def change(tree: Tree) -> None:
        tree["uart@9100000"] = uart("arm,pl011")

    assert machine.boot(xen=f"{LINE} {options}", change=change) == GUEST
    log = "\n".join(machine.core.log())
    assert ("that this build drives (PL011, 16550) has that path or alias" in log) is not found
    assert ("No console" in log) is not found


def test_no_console_at_all(new_machine: Any) -> None:
    machine = boot(new_machine, uart("arm,pl011"), f"{LINE} console=none")
    machine.core.log()
    assert say(machine, "nobody hears that") == 0
    assert machine.core.log() == []


def test_a_reader_that_stops_is_not_waited_for_twice(new_machine: Any) -> None:
    """dom0 tries again and again, and goes on; what the hypervisor says meanwhile is lost."""
    machine = boot(new_machine, uart("arm,pl011"))
    registers = Registers(machine)
    registers.put(FR, FULL)
    machine.lib.host_repeats(10)
    at = machine.write(b"abc", at=machine.scratch + 4096)
    assert machine.try_call("console_io", 0, 3, at)[0] == RUNAWAY, "dom0 is to try again"
    machine.lib.host_repeats(1000000)
    assert say(machine, "abc") == 0, "some time it is enough"
    registers.put(FR, 0)
    assert say(machine, "q") == 0
    assert registers.word(DR) == ord("q")


def test_an_interrupt_that_is_taken(new_machine: Any) -> None:
    """No input then, and a line about it; output works."""
    machine = new_machine()

    def change(tree: Tree) -> None:
        tree["uart@9100000"] = uart("arm,pl011", interrupts=4000)
        tree["chosen"]["stdout-path"] = "/uart@9100000"

    assert machine.boot(xen=LINE, change=change) == GUEST
    assert Registers(machine).word(IMSC) == 0, "not asked for input that nobody would get"


@pytest.mark.parametrize(
    ("kind", "status", "full", "empty"),
    [("arm,pl011", FR, 0, 1 << 4), ("ns16550a", 5, 0x61, 0x60), ("ns16550a", 5, 0x61, 0xFF)],
)
def test_input(new_machine: Any, kind: str, status: int, full: int, empty: int) -> None:
    """By its interrupt, until it is empty, or gone: then all bits of its registers are set."""
    machine = boot(new_machine, uart(kind))
    registers = Registers(machine)
    registers.at[DR], registers.at[status] = ord("x"), full
    machine.lib.host_uart_empties(status, empty)
    machine.lib.host_raise(50)
    assert machine.lib.host_gate(0) == GUEST
    at = machine.scratch + 4096
    assert machine.call("console_io", 1, 100, at) == 1
    assert machine.read(at, 1) == b"x"
    machine.lib.host_raise(50)
    assert machine.lib.host_gate(0) == GUEST
    assert machine.call("console_io", 1, 100, at) == 0, "it has none any more"


@pytest.mark.parametrize("in_ram", [False, True])
@pytest.mark.parametrize("named", [False, True])
def test_the_earliest_console(new_machine: Any, core: Any, in_ram: bool, named: bool) -> None:
    """It is the tree's UART, unless that lies in RAM: then nothing changes."""
    machine = boot(new_machine, uart("vendor,other"))
    at = 0x40000000 if in_ram else 0x9200000
    tree: Tree = {
        "#address-cells": 2,
        "#size-cells": 2,
        "memory": {"device_type": "memory", "reg": [0, 0x40000000, 0, 0x1000000]},
        "uart": uart("arm,pl011", at=at),
    }
    tree |= {"chosen": {"stdout-path": "/uart"}} if named else {}
    assert core.lib.early_uart_console(core.tree(tree)) is not in_ram
    machine.core.log()
    assert say(machine, "abc\n") == 0
    assert ("abc" in "\n".join(machine.core.log())) is in_ram, "the port's own console hears it"
    if not in_ram:
        assert Registers(machine).word(DR) == ord("\n")


def test_no_earliest_console(machine: Any, core: Any) -> None:
    """Neither the tree nor the board has one."""
    assert not core.lib.early_uart_console(core.tree({"memory": {"device_type": "memory"}}))
    assert not core.lib.early_uart_console(machine.ffi.NULL)


def test_a_console_that_faults(machine: Any) -> None:
    """Who writes when it does goes on with the next one; any other fault is not the console's."""
    lib, heard = machine.lib, []

    def dies(c: bytes) -> bool:
        heard.append(c)
        lib.hyp_fault_begin()
        return True

    callback = machine.ffi.callback("bool(char)", dies)
    machine.core.log()
    lib.hyp_fault_begin()
    assert machine.core.log() == []
    lib.console_early_putc = callback
    assert say(machine, "abc") == 0
    log = "\n".join(machine.core.log())
    assert "The console before does not answer: correct /chosen/stdout-path, or give dtuart=" in log
    assert heard == [b"a"]
    assert "bc" in log


@pytest.mark.parametrize("pl011", [True, False])
def test_the_earliest_output(core: Any, pl011: bool) -> None:
    """Polled: it waits for room, but not for ever."""
    block = core.memory(size=0x48)
    value = core.ffi.new("struct early_uart *")
    value.pl011, value.regs.base = pl011, int(core.ffi.cast("uintptr_t", block.pointer))
    value.regs.shift, value.regs.width = (2, 4) if pl011 else (0, 1)
    status, ready, full = (FR, 0, FULL) if pl011 else (5, 0x60, 0)
    block.pointer[status] = ready
    core.lib.early_uart_puts(value, core.ffi.new("char[]", b"hello"))
    assert block.pointer[0] == ord("o")
    block.pointer[status] = full
    assert not core.lib.early_uart_putc(value, b"x")
    core.lib.early_uart_puts(value, core.ffi.new("char[]", b"world"))
    assert block.pointer[0] == ord("o")
