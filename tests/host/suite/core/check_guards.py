# SPDX-License-Identifier: Apache-2.0
"""Guards that hold whatever a call is about: structures are read once, messages are few."""

from __future__ import annotations

from typing import Any

import pytest

ENOSYS, EINVAL = 38, 22
RUNAWAY = 6

TABLES = {
    "memory_op": "memory_ops",
    "event_channel_op": "evtchn_ops",
    "sched_op": "sched_ops",
    "hvm_op": "hvm_ops",
}
"""Hypercalls whose operations have structures of their own sizes, and no lists of them."""

VERSIONED = {
    "domctl": ("domctl_ops", "XEN_DOMCTL_INTERFACE_VERSION"),
    "sysctl": ("sysctl_ops", "XEN_SYSCTL_INTERFACE_VERSION"),
    "platform_op": ("platform_ops", "XENPF_INTERFACE_VERSION"),
}


def reads(machine: Any, name: str, size: int, words: list[int], *args: int) -> int:
    """How often a call reads the structure at its last argument, which begins with words."""
    data = b"".join(word.to_bytes(4, "little") for word in words)
    at = machine.write(data.ljust(size, b"\0")[:size])
    machine.lib.host_watch(at, size)
    state, _ = machine.try_call(name, *args, at)
    assert state <= 1 or state == RUNAWAY
    return int(machine.lib.host_watched())


@pytest.mark.parametrize("name", TABLES)
def test_structures_are_read_once(machine: Any, name: str) -> None:
    """By each operation that has one, with zeros in it: what is checked is what is used."""
    table, seen = getattr(machine.lib, TABLES[name]), 0
    machine.lib.host_repeats(1)
    for number in range(table.nr):
        row = table.row[number]
        if row.fn == machine.ffi.NULL or row.size == 0 or stops(machine, name, number):
            continue
        assert reads(machine, name, row.size, [], number) == 1, number
        seen += 1
    assert seen > 1


@pytest.mark.parametrize("name", VERSIONED)
def test_versioned_structures_are_read_once(machine: Any, name: str) -> None:
    """The version is part of what is read once."""
    symbol, version = VERSIONED[name]
    table = getattr(machine.lib, symbol)
    for number in range(table.nr):
        if table.row[number].fn != machine.ffi.NULL:
            words = [number, getattr(machine.k, version)]
            assert reads(machine, name, table.others.size, words) == 1, number


def stops(machine: Any, name: str, number: int) -> bool:
    """After this call dom0 does not run."""
    k = machine.k
    ends = (k.SCHEDOP_shutdown, k.SCHEDOP_poll, k.SCHEDOP_remote_shutdown, k.SCHEDOP_watchdog)
    return name == "sched_op" and number in ends


def test_few_messages_about_guests(new_machine: Any, tools_of: Any, core: Any) -> None:
    """A caller that errs all the time gets ten lines in five seconds, and one about the rest."""
    machine = new_machine()
    assert machine.boot(xen="dom0_mem=64M noreboot guest_loglvl=none/all") == 0
    tools = tools_of(machine)

    def err(times: int) -> list[str]:
        core.log()
        for _ in range(times):
            rc, _ = tools.domctl("createdomain", createdomain={"flags": 1 << 31})
            assert rc == -EINVAL
        return [line for line in core.log() if line]

    machine.lib.host_advance(6_000_000_000)
    lines = err(100)
    assert len(lines) == 10 and all("d0v0 createdomain" in line for line in lines)
    machine.lib.host_advance(4_000_000_000)
    assert err(100) == []
    machine.lib.host_advance(2_000_000_000)
    lines = err(3)
    assert "190 messages about guests suppressed" in lines[0]
    assert len(lines) == 4


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"flags": 1 << 31}, "flags 0x80000000 are not supported"),
        ({"grant_opts": 2}, "only version 1 is supported"),
        ({"max_grant_frames": 1024}, "1024 grant and 4 maptrack frames, more than"),
        ({"max_grant_frames": 0}, "no grant frames (-22)"),
        ({"iommu_opts": 1}, "IOMMU, altp2m or vmtrace"),
        ({"max_vcpus": 0}, "0 vCPUs"),
        ({"cpupool_id": 9}, "no CPU in that pool"),
    ],
)
def test_who_is_refused_a_domain_reads_why(
    new_machine: Any, tools_of: Any, core: Any, config: dict[str, int], why: str
) -> None:
    """At the levels that nobody has set."""
    machine = new_machine()
    assert machine.boot(xen="dom0_mem=64M noreboot") == 0
    tools = tools_of(machine)
    core.log()
    assert tools.domctl("createdomain", createdomain=tools.config(**config))[0] == -EINVAL
    (line,) = core.log()
    assert line.startswith("(XEN) d0v0 createdomain: ") and why in line


@pytest.mark.parametrize("levels", ["none", "error"])
def test_no_messages_where_none_are_wanted(
    new_machine: Any, tools_of: Any, core: Any, levels: str
) -> None:
    machine = new_machine()
    assert machine.boot(xen=f"dom0_mem=64M noreboot guest_loglvl={levels}") == 0
    core.log()
    tools_of(machine).domctl("createdomain", createdomain={"flags": 1 << 31})
    assert not any("createdomain" in line for line in core.log())
