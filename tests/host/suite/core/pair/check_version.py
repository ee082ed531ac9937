# SPDX-License-Identifier: Apache-2.0
"""xen_version: each command with good and bad arguments."""

from __future__ import annotations

from typing import Any

import pytest

EPERM, EFAULT, EINVAL, ENOSYS, ENOBUFS = 1, 14, 22, 38, 105
NOWHERE = 0x7000000000


def text(pair: Any, guest: Any, command: str, size: int) -> bytes:
    """A fixed-size string of xen_version, and that nothing behind it was touched."""
    guest.write(guest.scratch, b"\xaa" * (size + 8))
    assert guest.call("xen_version", getattr(guest.k, command), guest.scratch) == 0
    data = guest.read(guest.scratch, size + 8)
    assert data[size:] == b"\xaa" * 8
    return bytes(data[:size].rstrip(b"\0"))


def test_version_strings(pair: Any) -> None:
    for guest in (pair.dom0, pair.dom1):
        assert guest.call("xen_version", 0, 0) == 0x40014
        assert text(pair, guest, "XENVER_extraversion", 16) == b".4-xenolith"
        assert text(pair, guest, "XENVER_capabilities", 1024)
        assert text(pair, guest, "XENVER_changeset", 64)
        assert guest.call("xen_version", guest.k.XENVER_pagesize, 0) == 4096
        assert guest.call("xen_version", guest.k.XENVER_pagesize, 1) == -EINVAL
        assert guest.call("xen_version", 15, guest.scratch) == -ENOSYS
        assert guest.call("xen_version", 2**32, NOWHERE) == 0x40014
    assert b"dom0_mem" in text(pair, pair.dom0, "XENVER_commandline", 1024)
    pair.dom1.write(pair.dom1.scratch, b"\xaa" * 16)
    assert pair.dom1.call("xen_version", pair.dom1.k.XENVER_commandline, pair.dom1.scratch) == 0
    assert pair.dom1.read(pair.dom1.scratch, 10) == b"<denied>\0\xaa"


@pytest.mark.parametrize("command", range(1, 15))
def test_version_bad_pointer(pair: Any, command: int) -> None:
    expected = -EINVAL if command == 7 else -EFAULT
    assert pair.dom0.call("xen_version", command, NOWHERE) == expected
    assert pair.dom0.call("xen_version", command, 2**64 - 4) == expected


@pytest.mark.parametrize("name", ["extraversion2", "capabilities2", "changeset2", "commandline2"])
def test_varbuf(pair: Any, name: str) -> None:
    guest = pair.dom0
    command = getattr(guest.k, f"XENVER_{name}")
    size = guest.call("xen_version", command, 0)
    assert size > 0
    guest.write(guest.scratch, (size - 1).to_bytes(4, "little") + b"\xaa" * (size + 1))
    assert guest.call("xen_version", command, guest.scratch) == -ENOBUFS
    guest.put_word(guest.scratch, size)
    assert guest.call("xen_version", command, guest.scratch) == size
    data = guest.read(guest.scratch + 4, size + 1)
    assert data[size] == 0xAA and 0 not in data[:size]


def test_varbuf_at_the_end_of_memory(pair: Any) -> None:
    """Its length can be read, and nothing can be written behind it."""
    guest = pair.dom1
    at = guest.scratch + (1 << 20) - 4
    guest.put_word(at, 1000)
    assert guest.call("xen_version", guest.k.XENVER_extraversion2, at) == -EFAULT


def test_varbuf_denied(pair: Any) -> None:
    for name in ("build_id", "commandline2"):
        assert pair.dom1.call("xen_version", getattr(pair.dom1.k, f"XENVER_{name}"), 0) == -EPERM


def test_features(pair: Any) -> None:
    for guest, expected in ((pair.dom0, 1 << 17 | 1 << 11), (pair.dom1, 1 << 16)):
        value = guest.new("xen_feature_info")
        assert guest.op("xen_version", guest.k.XENVER_get_features, value) == 0
        assert value.submap & (7 << 16 | 1 << 11) == expected | 1 << 18 & (7 << 16)
        assert value.submap & 0x42005 == 0x42005
        value.submap_idx = 1
        assert guest.op("xen_version", guest.k.XENVER_get_features, value) == -EINVAL
