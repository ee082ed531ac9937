# SPDX-License-Identifier: Apache-2.0
"""What is typed on the console, and what the log keeps."""

from __future__ import annotations

import re
from typing import Any

import pytest

GUEST = 0
LINE = "dom0_mem=64M noreboot loglvl=all guest_loglvl=all"


def typed(machine: Any, text: str) -> None:
    for c in text:
        assert machine.lib.host_type(0, c.encode()) == GUEST


def read(machine: Any, most: int = 400) -> str:
    """CONSOLEIO_read until nothing is left."""
    text, at = b"", machine.scratch + 4096
    while (n := machine.call("console_io", 1, most, at)) > 0:
        text += machine.read(at, n)
    return text.decode()


def test_typing(machine: Any) -> None:
    """To dom0; after three times Ctrl-A to the hypervisor, and back."""
    typed(machine, "root\n")
    assert read(machine) == "root\n"
    typed(machine, "a\x01b\x01\x01c")
    assert read(machine) == "a\x01b\x01\x01c", "one or two are dom0's"
    machine.core.log()
    typed(machine, "\x01\x01\x01")
    assert "Serial input to Xen (type 'CTRL-a' three times" in "\n".join(machine.core.log())
    typed(machine, "m")
    assert "'m' pressed" in "\n".join(machine.core.log())
    typed(machine, "\x01\x01\x01x")
    assert "Serial input to DOM0" in "\n".join(machine.core.log())
    assert read(machine) == "x"


def test_nobody_reads_what_is_typed(machine: Any) -> None:
    """256 characters wait, the rest is lost."""
    typed(machine, "0123456789" * 30)
    assert read(machine, 16) == ("0123456789" * 30)[:256]
    typed(machine, "z")
    assert read(machine) == "z"


@pytest.mark.parametrize(
    ("option", "says", "switch"),
    [
        ("conswitch=b", "Serial input to DOM0 (type 'CTRL-b'", "\x02"),
        ("conswitch=bx", "Serial input to Xen (type 'CTRL-b'", "\x02"),
    ],
)
def test_another_key_to_switch(new_machine: Any, option: str, says: str, switch: str) -> None:
    machine = new_machine()
    assert machine.boot(xen=f"{LINE} {option}") == GUEST
    assert says in "\n".join(machine.core.log())
    typed(machine, switch * 3)
    other = "Xen" if "DOM0" in says else "DOM0"
    assert f"Serial input to {other}" in "\n".join(machine.core.log())
    typed(machine, "\x01\x01\x01")
    assert "Serial input" not in "\n".join(machine.core.log()), "Ctrl-A is an ordinary key"


def test_the_log_keeps_the_end(machine: Any) -> None:
    """What does not fit pushes out what was said first."""
    typed(machine, "\x01\x01\x01" + "h" * 100)
    at = machine.scratch + 65536
    _, got = machine.sysctl("readconsole", readconsole={"buffer": at, "count": 60000})
    text = machine.read(at, got.readconsole.count)
    assert len(text) & (len(text) - 1) == 0, "the whole ring"
    assert b"Xenolith" not in text
    assert text.endswith(machine.core.log()[-1].encode() + b"\n")


@pytest.mark.parametrize(
    ("kind", "stamp"), [("raw", r"\[[0-9a-f]{16}\] "), ("boot", r"\[ *\d+\.\d{6}\] "), ("none", "")]
)
def test_time_stamps(new_machine: Any, kind: str, stamp: str) -> None:
    machine = new_machine()
    assert machine.boot(cpus=4, xen=f"{LINE} maxcpus=2 console_timestamps={kind}") == GUEST
    log = "\n".join(machine.core.log())
    assert re.search(rf"^\(XEN\) {stamp}Brought up 2 CPUs$", log, re.MULTILINE)


@pytest.mark.parametrize("size", ["64k", "256k"])
def test_a_large_log(new_machine: Any, size: str) -> None:
    """conring_size: what the machine said before is in it, too."""
    machine = new_machine()

    def change(tree: dict[str, Any]) -> None:
        tree["memory@100000000000"] = {"device_type": "memory", "reg": [4096, 0, 0, 0x200000]}

    assert machine.boot(xen=f"{LINE} conring_size={size}", change=change) == GUEST
    at = machine.scratch + 65536
    _, got = machine.sysctl("readconsole", readconsole={"buffer": at, "count": 60000})
    text = machine.read(at, got.readconsole.count)
    assert text.startswith(b"(XEN) RAM of memory@100000000000 at 0x100000000000")
    assert b"Xenolith" in text
