# SPDX-License-Identifier: Apache-2.0
"""A granter that stores into its entries without end: who maps them is done in time."""

from __future__ import annotations

from typing import Any

import pytest

ACCESS, READING, WRITING, HOST = 1, 8, 16, 2
AT = 0x8000000
FOR_EVER = 10**6
MOST = 4 * (1 + 64 + 2000)
"""Attempts of one call: as many as its words, each with GUEST_ATOMIC_TRIES and STOPPED_TRIES."""


def grant_map(pair: Any) -> Any:
    """Maps entry 3 of dom1 into dom0."""
    return pair.dom0.grant("map_grant_ref", host_addr=AT, flags=HOST, ref=3, dom=pair.dom1.id)


@pytest.mark.parametrize("failing", [1, 65, 1000, FOR_EVER])
def test_a_grant_is_not_waited_for_without_end(pair: Any, granter: Any, failing: int) -> None:
    lib = pair.machine.lib
    granter.entry(3, ACCESS)
    lib.host_fail_atomics(failing)
    value = grant_map(pair)
    assert failing - lib.host_atomics_to_fail() <= MOST
    lib.host_fail_atomics(0)
    if failing == FOR_EVER:
        assert value.status != 0
        assert granter.flags(3) == ACCESS
        value = grant_map(pair)
    assert value.status == 0
    assert granter.flags(3) == ACCESS | READING | WRITING
    lib.host_fail_atomics(failing)
    value = pair.dom0.grant("unmap_grant_ref", host_addr=AT, handle=value.handle)
    assert value.status == 0
    assert failing - lib.host_atomics_to_fail() <= MOST
