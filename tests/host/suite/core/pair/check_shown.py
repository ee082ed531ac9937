# SPDX-License-Identifier: Apache-2.0
"""What two domains see of the machine's clock, and what debug keys show of two domains."""

from __future__ import annotations

import re
from typing import Any

EACCES, EINVAL = 13, 22
SELF = 0x7FF0


def settime(tools: Any, secs: int, nsecs: int, system_time: int, **more: int) -> int:
    """platform_op settime64."""
    machine = tools.machine
    value = machine.ffi.new("struct xen_platform_op *")
    value.cmd = machine.k.XENPF_settime64
    value.interface_version = more.get("version", machine.k.XENPF_INTERFACE_VERSION)
    value.u.settime64.secs, value.u.settime64.nsecs = secs, nsecs
    value.u.settime64.system_time, value.u.settime64.mbz = system_time, more.get("mbz", 0)
    return int(machine.on(value, lambda at: machine.call("platform_op", at)))


def wallclock(guest: Any) -> tuple[int, int, int]:
    """Version, seconds and nanoseconds in a domain's shared_info."""
    raw = guest.read(guest.shared(), guest.ffi.sizeof("struct shared_info"))
    info = guest.ffi.from_buffer("struct shared_info *", raw)
    return info.wc_version, info.wc_sec_hi << 32 | info.wc_sec, info.wc_nsec


def test_the_wallclock(pair: Any) -> None:
    """All domains see it, each with its own offset, and a new version."""
    tools, dom0, dom1 = pair.tools, pair.dom0, pair.dom1
    before = wallclock(dom0)[0]
    assert settime(tools, 1_700_000_000, 500, 300) == 0
    assert wallclock(dom0) == (before + 2, 1_700_000_000, 200)
    assert wallclock(dom1)[1:] == (1_700_000_000, 200)
    tools.good("settimeoffset", dom1.id, settimeoffset={"time_offset_seconds": -3600})
    assert settime(tools, 1 << 33, 0, 0) == 0
    assert wallclock(dom1)[1:] == ((1 << 33) - 3600, 0)
    assert wallclock(dom0)[0] % 2 == 0


def test_a_clock_that_is_not_set(pair: Any) -> None:
    before = wallclock(pair.dom0)
    assert settime(pair.tools, 5, 5, 5, mbz=1) == -EINVAL
    assert settime(pair.tools, 5, 5, 5, version=7) == -EACCES
    assert wallclock(pair.dom0) == before


def shown(pair: Any, key: str) -> str:
    """What a debug key shows."""
    machine = pair.machine
    at = machine.write(key.encode(), at=machine.scratch + 4096)
    machine.core.log()
    assert machine.sysctl("debug_keys", debug_keys={"keys": at, "nr_keys": 1})[0] == 0
    return "\n".join(machine.core.log())


def test_ports_are_shown(pair: Any) -> None:
    """Each with its state, and whom it leads to."""
    dom0, dom1 = pair.dom0, pair.dom1
    _, unbound = dom1.event("alloc_unbound", dom=SELF, remote_dom=0)
    _, second = dom1.event("alloc_unbound", dom=SELF, remote_dom=0)
    _, bound = dom0.event("bind_interdomain", remote_dom=dom1.id, remote_port=second.port)
    _, virq = dom1.event("bind_virq", virq=dom1.k.VIRQ_TIMER, vcpu=0)
    assert dom0.event("send", port=bound.local_port)[0] == 0
    text = shown(pair, "e")
    for line in (
        rf"{unbound.port} \[0/\d/0\] unbound v0 d0$",
        rf"{second.port} \[1/\d/\d\] domain v0 d0:{bound.local_port}$",
        rf"{virq.port} \[0/\d/0\] \w+ v0 {dom1.k.VIRQ_TIMER}$",
        rf"{bound.local_port} \[1/\d/0\] domain v0 d1:{second.port}$",
    ):
        assert re.search(line, text, re.MULTILINE), f"{line}\n{text}"


def test_grants_are_shown(pair: Any, granter: Any) -> None:
    """A mapping counts in the table that it is of."""
    granter.entry(1, 1)
    value = pair.dom0.grant("map_grant_ref", host_addr=0x80000000, flags=2, ref=1, dom=1)
    assert value.status == 0
    assert re.search(r"d1.*\b1\b", shown(pair, "g")), shown(pair, "g")
