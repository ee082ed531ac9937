# SPDX-License-Identifier: Apache-2.0
"""The dispatcher and multicall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

EFAULT, EINVAL, ENOSYS = 14, 22, 38


@pytest.mark.parametrize("number", [0, 6, 16, 19, 37, 38, 63, 64, 1000, 2**31, 2**63, 2**64 - 1])
def test_unknown_numbers(pair: Any, number: int) -> None:
    lib, ffi = pair.machine.lib, pair.machine.ffi
    result = ffi.new("int64_t *")
    assert lib.host_hypercall(0, number, ffi.new("uint64_t[5]"), result) == 0
    assert result[0] == -ENOSYS


def entries(calls: Sequence[tuple[int, ...]]) -> bytes:
    """A list for multicall; results are marked."""
    words: list[int] = []
    for number, *args in calls:
        words += [number, 0xDEAD, *args, *([0] * (6 - len(args)))]
    return b"".join(word.to_bytes(8, "little") for word in words)


def results(pair: Any, at: int, count: int) -> list[int]:
    """What a multicall left in its list."""
    return [
        int.from_bytes(pair.dom0.read(at + 64 * i + 8, 8), "little", signed=True)
        for i in range(count)
    ]


@pytest.mark.parametrize("preempt", [0, 1, 3])
@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 40])
def test_multicall(pair: Any, count: int, preempt: int) -> None:
    at = pair.dom0.page() + 4096 - 192  # the list crosses pages
    calls = [((17, 0), (63,), (13, 0, 1), (17, 7, 1))[i % 4] for i in range(count)]
    pair.dom0.next_page += 4096
    pair.dom0.write(at, entries(calls))
    pair.machine.lib.host_preempt(preempt)
    assert pair.dom0.call("multicall", at, count) == 0
    pair.machine.lib.host_preempt(0)
    expected = [(0x40014, -ENOSYS, -EINVAL, -EINVAL)[i % 4] for i in range(count)]
    assert results(pair, at, count) == expected


def test_multicall_runs_into_a_hole(pair: Any) -> None:
    """Calls before the unreadable entry are made, as in Xen."""
    end = pair.machine.scratch & ~0x1FFFFF
    at = (end + 48 * (1 << 20)) & ~0xFFF  # the end of dom0's memory
    while True:
        try:
            pair.dom0.read(at, 1)
        except AssertionError:
            break
        at += 4096
    at -= 64 * 3
    pair.dom0.write(at, entries([(17, 0)] * 3))
    assert pair.dom0.call("multicall", at, 5) == -EFAULT
    assert results(pair, at, 3) == [0x40014] * 3


def test_multicall_sub_call_that_restarts(pair: Any) -> None:
    """A preempted grant operation inside of a multicall goes on with its own arguments."""
    guest, count = pair.dom0, 30
    lists, at = guest.page(), guest.page()
    guest.write(lists, b"\xff" * 4096)
    swap = b"".join((0).to_bytes(4, "little") * 2 + b"\xaa\xaa\0\0" for _ in range(count))
    guest.write(lists, swap)
    command = guest.k.GNTTABOP_swap_grant_ref
    guest.write(at, entries([(20, command, lists, count), (17, 0)]))
    pair.machine.lib.host_preempt(2)
    assert guest.call("multicall", at, 2) == 0
    pair.machine.lib.host_preempt(0)
    assert results(pair, at, 2) == [0, 0x40014]
    statuses = [guest.word(lists + 12 * i + 8, 2) for i in range(count)]
    assert statuses == [0] * count
