# SPDX-License-Identifier: Apache-2.0
"""Debug keys, the machine's clock and other things that the tools ask of the host."""

from __future__ import annotations

import re
from typing import Any

import pytest

EFAULT, EINVAL, ESRCH, EACCES = 14, 22, 3, 13
GUEST, HALTED, RESET, RUNAWAY = 0, 2, 3, 6


def press(tools: Any, keys: str, preempt: int = 0) -> tuple[int, str]:
    """XEN_SYSCTL_debug_keys: result, and what the console shows of it."""
    machine = tools.machine
    at = machine.write(keys.encode(), at=machine.scratch + 4096)
    machine.core.log()
    machine.lib.host_preempt(preempt)
    rc, _ = machine.sysctl("debug_keys", debug_keys={"keys": at, "nr_keys": len(keys)})
    machine.lib.host_preempt(0)
    return rc, "\n".join(machine.core.log())


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("h", r"key 'q': dump domains and vCPUs.*key 'R': reboot the machine"),
        ("d", r"\(registers\).*\(registers\)"),
        ("q", r"Domain 0: refcnt=.*VCPU0: CPU0 running .*Domain 1: .*VCPU0: CPU\d"),
        ("e", r"[Dd]omain 1|d1"),
        ("g", r"[Dd]omain 1|d1"),
        ("m", r"Memory: \d+ pages, \d+ free; heap objects: [1-9]\d* bytes"),
        ("r", r"Scheduler: .*CPU0: d0v0"),
        ("a", r"CPU0: \d+ timers, first in -?\d+ ns"),
    ],
)
def test_keys(tools: Any, key: str, says: str) -> None:
    tools.create()
    rc, said = press(tools, key)
    assert rc == 0
    assert f"'{key}' pressed" in said
    assert re.search(says, said, re.DOTALL), said


def test_other_keys_are_answered(tools: Any) -> None:
    """But for what is no letter, as the ends of lines that somebody types."""
    rc, said = press(tools, "x\r\n\0 ~")
    assert rc == 0
    assert re.findall(r"'(.)' pressed: no such key; 'h' shows", said) == ["x", "~"]
    assert said.count("\n") == 1


@pytest.mark.parametrize("preempt", [0, 1])
def test_several_keys_in_slices(tools: Any, preempt: int) -> None:
    rc, said = press(tools, "mam", preempt)
    assert rc == 0
    assert re.findall(r"'(.)' pressed", said) == ["m", "a", "m"]


def test_other_work_comes_between_keys(tools: Any) -> None:
    """One key, then the call is to be made again."""
    machine = tools.machine
    value = machine.ffi.new("struct xen_sysctl *")
    value.cmd, value.interface_version = machine.k.XEN_SYSCTL_debug_keys, 0x15
    value.u.debug_keys.keys = machine.write(b"mm", at=machine.scratch + 4096)
    value.u.debug_keys.nr_keys = 2
    at = machine.write(bytes(machine.ffi.buffer(value)))
    machine.lib.host_preempt(1)
    machine.lib.host_repeats(1)
    assert machine.try_call("sysctl", at)[0] == RUNAWAY
    assert "\n".join(machine.core.log()).count("pressed") == 1


def test_keys_that_cannot_be_read(tools: Any) -> None:
    wanted = {"keys": 2**63, "nr_keys": 3}
    assert tools.machine.sysctl("debug_keys", debug_keys=wanted)[0] == -EFAULT


@pytest.mark.parametrize(("key", "state"), [("C", HALTED), ("R", RESET)])
def test_keys_that_end_the_machine(tools: Any, key: str, state: int) -> None:
    machine = tools.machine
    value = machine.ffi.new("struct xen_sysctl *")
    value.cmd, value.interface_version = machine.k.XEN_SYSCTL_debug_keys, 0x15
    value.u.debug_keys.keys = machine.write(key.encode(), at=machine.scratch + 4096)
    value.u.debug_keys.nr_keys = 1
    at = machine.write(bytes(machine.ffi.buffer(value)))
    assert machine.try_call("sysctl", at)[0] == state
    assert ("crash on request" in "\n".join(machine.core.log())) is (key == "C")


def test_scheduler_without_parameters(new_machine: Any, tools_of: Any) -> None:
    """The null scheduler has nothing to set, as Xen's."""
    machine = new_machine()
    assert machine.boot(xen="dom0_mem=64M noreboot sched=null") == GUEST
    tools = tools_of(machine)
    rc, got = machine.sysctl("sched_id")
    assert rc == 0
    op = {"sched_id": got.sched_id.sched_id, "cmd": machine.k.XEN_DOMCTL_SCHEDOP_putinfo}
    assert tools.domctl("scheduler_op", 0, scheduler_op=op)[0] == 0
    assert tools.domctl("scheduler_op", 0, scheduler_op=op | {"sched_id": 99})[0] == -EINVAL
    op = {"sched_id": got.sched_id.sched_id, "cmd": machine.k.XEN_SYSCTL_SCHEDOP_getinfo}
    assert machine.sysctl("scheduler_op", scheduler_op=op)[0] == 0


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [({"cmd": 9}, -EINVAL), ({"cpupool_id": 3}, -ESRCH), ({"sched_id": 99}, -EINVAL)],
)
def test_scheduler_calls_that_are_wrong(tools: Any, fields: dict[str, int], wanted: int) -> None:
    machine = tools.machine
    _, got = machine.sysctl("sched_id")
    good = {"sched_id": got.sched_id.sched_id, "cmd": machine.k.XEN_SYSCTL_SCHEDOP_getinfo}
    assert machine.sysctl("scheduler_op", scheduler_op=good | fields)[0] == wanted


def test_lists_go_on_where_they_stopped(tools: Any) -> None:
    """Every domain once, also if each one takes a call of its own."""
    machine = tools.machine
    made = [0, *(tools.create(pages=16) for _ in range(3))]
    size = machine.ffi.sizeof("struct xen_domctl_getdomaininfo")
    at = machine.scratch + 65536
    for preempt in (0, 1):
        machine.lib.host_preempt(preempt)
        wanted = {"first_domain": 0, "max_domains": 8, "buffer": at}
        rc, got = machine.sysctl("getdomaininfolist", getdomaininfolist=wanted)
        machine.lib.host_preempt(0)
        assert (rc, got.getdomaininfolist.num_domains) == (0, 4)
        first = [machine.read(at + i * size, 2) for i in range(4)]
        assert [int.from_bytes(id_, "little") for id_ in first] == made
    wanted = {"first_domain": 0, "max_domains": 8, "buffer": 2**63}
    assert machine.sysctl("getdomaininfolist", getdomaininfolist=wanted)[0] == -EFAULT


def test_the_log_is_read_in_slices(tools: Any) -> None:
    machine = tools.machine
    at = machine.scratch + 65536
    texts = []
    for preempt in (0, 1):
        machine.lib.host_preempt(preempt)
        rc, got = machine.sysctl("readconsole", readconsole={"buffer": at, "count": 16384})
        machine.lib.host_preempt(0)
        assert rc == 0
        texts.append(machine.read(at, got.readconsole.count))
    assert len(texts[0]) > 512 and texts[0] == texts[1]
    rc, _ = machine.sysctl("readconsole", readconsole={"buffer": 2**63, "count": 16384})
    assert rc == -EFAULT
