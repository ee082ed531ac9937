# SPDX-License-Identifier: Apache-2.0
"""hypfs_op on the third port: the tree, options that are set while it runs, wrong calls."""

from __future__ import annotations

import struct
from typing import Any

import pytest

EPERM, ENOENT, EACCES, EFAULT, EINVAL, ENOSPC, EDOM, EOPNOTSUPP, ENOBUFS = (
    *(1, 2, 13, 14, 22, 28, 33, 95, 105),
)
DIR, STRING, UINT = 0, 2, 3
VERSION, READ, WRITE = 0, 1, 2
NOWHERE = 0x10  # no memory of dom0 there
HEAD = struct.Struct("<BBHII")
TREE = {
    "/": ["buildinfo", "params"],
    "/buildinfo": ["changeset", "compileinfo", "version"],
    "/buildinfo/compileinfo": ["compile_by", "compile_date", "compile_domain", "compiler"],
    "/buildinfo/version": ["extra", "major", "minor"],
    "/params": [
        *("console_timestamps", "gnttab_max_frames", "gnttab_max_maptrack_frames"),
        *("guest_loglvl", "loglvl"),
    ],
}


def call(machine: Any, command: int, path: str, at: int, size: int) -> int:
    """One hypercall on a path."""
    name = path.encode() + b"\0"
    where = machine.write(name, at=machine.scratch + 8192)
    return int(machine.call("hypfs_op", command, where, len(name), at, size))


def read(machine: Any, path: str) -> tuple[int, int, bytes]:
    """Type, most bytes that may be written, content."""
    size = 4096
    assert call(machine, READ, path, machine.scratch, size) == 0, path
    data = machine.read(machine.scratch, size)
    kind, encoding, pad, length, most = HEAD.unpack_from(data)
    assert encoding == pad == 0
    return kind, most, data[HEAD.size : HEAD.size + length]


def write(machine: Any, path: str, value: bytes) -> int:
    return call(machine, WRITE, path, machine.write(value), len(value))


def listed(content: bytes) -> list[tuple[str, int, int]]:
    """Name, type and size of each entry of a directory, whose last one ends the content."""
    found, at = [], 0
    while True:
        kind, _, _, length, _ = HEAD.unpack_from(content, at)
        (step,) = struct.unpack_from("<H", content, at + HEAD.size)
        name = content[at + HEAD.size + 2 :].split(b"\0")[0].decode()
        found.append((name, kind, length))
        if step == 0:
            assert len(content) - at == HEAD.size + 2 + (len(name) + 4) // 4 * 4
            return found
        at += step


def test_tree(machine: Any) -> None:
    """What a directory says of its entries is what they say of themselves."""
    machine.write(b"\xff" * 4096)
    for path, names in TREE.items():
        kind, most, content = read(machine, path)
        assert (kind, most) == (DIR, 0)
        entries = listed(content)
        assert [name for name, _, _ in entries] == names
        for name, kind, length in entries:
            of, most, inside = read(machine, f"{path.rstrip('/')}/{name}")
            assert (of, len(inside)) == (kind, length)
            assert (most > 0) == (path == "/params")
    assert read(machine, "/params/")[2] == read(machine, "/params")[2]


@pytest.mark.parametrize(
    ("path", "kind", "value"),
    [
        ("/buildinfo/changeset", STRING, b"none\0"),
        ("/buildinfo/compileinfo/compile_by", STRING, b"tester\0"),
        ("/buildinfo/version/extra", STRING, b".4-xenolith\0"),
        ("/buildinfo/version/major", UINT, (4).to_bytes(4, "little")),
        ("/buildinfo/version/minor", UINT, (20).to_bytes(4, "little")),
        ("/params/console_timestamps", STRING, b"none\0"),
        ("/params/gnttab_max_frames", STRING, b"64\0"),
        ("/params/gnttab_max_maptrack_frames", STRING, b"1024\0"),
        ("/params/loglvl", STRING, b"all/all\0"),
    ],
)
def test_values(machine: Any, path: str, kind: int, value: bytes) -> None:
    assert read(machine, path)[::2] == (kind, value)


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("gnttab_max_frames", b"48\0", b"48\0"),
        ("gnttab_max_frames", b"0x10\0", b"16\0"),
        ("gnttab_max_frames", b"0x" + b"0" * 100 + b"30\0", b"48\0"),
        ("gnttab_max_maptrack_frames", b"4294967295\0", b"4294967295\0"),
        ("guest_loglvl", b"none/warning\0", b"none/warning\0"),
        ("loglvl", b"debug\0", b"all/all\0"),
        ("console_timestamps", b"boot\0", b"boot\0"),
    ],
)
def test_options_are_set(machine: Any, name: str, given: bytes, value: bytes) -> None:
    assert write(machine, f"/params/{name}", given) == 0
    assert read(machine, f"/params/{name}")[2] == value


def test_a_new_limit_holds_for_the_next_domain(tools: Any) -> None:
    machine = tools.machine
    assert write(machine, "/params/gnttab_max_frames", b"3\0") == 0
    config = tools.config(max_grant_frames=4)
    assert tools.domctl("createdomain", createdomain=config)[0] == -EINVAL
    assert "gnttab_max_frames=3" in "\n".join(machine.core.log())
    assert write(machine, "/params/gnttab_max_frames", b"4\0") == 0
    assert tools.domctl("createdomain", createdomain=config)[0] == 0


@pytest.mark.parametrize(
    "config",
    [
        *({"max_grant_frames": (1 << 15) + 1}, {"max_maptrack_frames": (1 << 16) + 1}),
        *({"max_grant_frames": -1}, {"max_maptrack_frames": -1}),
    ],
)
def test_no_limit_lets_the_lists_be_huge(tools: Any, config: dict[str, int]) -> None:
    """They are zeroed in one go: 2^24 frames would be 128 MiB."""
    for name in ("gnttab_max_frames", "gnttab_max_maptrack_frames"):
        assert write(tools.machine, f"/params/{name}", b"4294967295\0") == 0
    assert tools.domctl("createdomain", createdomain=tools.config(**config))[0] == -EINVAL


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        ("/params/gnttab_max_frames", b"junk\0", EINVAL),
        ("/params/gnttab_max_frames", b"4294967296\0", EINVAL),
        ("/params/gnttab_max_frames", b"\0", EINVAL),
        ("/params/loglvl", b"loud\0", EINVAL),
        ("/params/gnttab_max_frames", b"48", EDOM),
        ("/params/gnttab_max_frames", b"4\0008\0", EDOM),
        ("/params/gnttab_max_frames", b"", EDOM),
        ("/params/gnttab_max_frames", b"0" * 128 + b"\0", ENOSPC),
        ("/params", b"1\0", EACCES),
        ("/buildinfo/version/major", b"5\0\0\0", EACCES),
        ("/params/nothing", b"1\0", ENOENT),
    ],
)
def test_what_cannot_be_written(machine: Any, path: str, value: bytes, error: int) -> None:
    before = read(machine, "/params/gnttab_max_frames"), read(machine, "/params/loglvl")
    assert write(machine, path, value) == -error
    assert (read(machine, "/params/gnttab_max_frames"), read(machine, "/params/loglvl")) == before


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("", EINVAL),
        ("params", EINVAL),
        ("//", ENOENT),
        ("/param", ENOENT),
        ("/params/loglvl/", ENOENT),
        ("/params/loglvl/x", ENOENT),
        ("/params//loglvl", ENOENT),
        ("/buildinfo/version/major\0x", EINVAL),
        ("/" * 200, ENOENT),
        ("/" * 1024, EINVAL),
    ],
)
def test_paths_that_are_none(machine: Any, path: str, error: int) -> None:
    for command in (READ, WRITE, 3, 2**32 - 1):
        assert call(machine, command, path, machine.scratch, 64) == -error, command


def test_wrong_calls(machine: Any) -> None:
    at = machine.scratch
    name = machine.write(b"/params/loglvl\0", at=at + 8192)
    assert machine.call("hypfs_op", VERSION, 0, 0, 0, 0) == 1
    for arguments in ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)):
        assert machine.call("hypfs_op", VERSION, *arguments) == -EINVAL
    assert machine.call("hypfs_op", READ, name, 0, at, 64) == -EINVAL
    assert machine.call("hypfs_op", READ, name, 2**64 - 1, at, 64) == -EINVAL
    assert machine.call("hypfs_op", READ, NOWHERE, 8, at, 64) == -EFAULT
    assert machine.call("hypfs_op", 3, name, 15, at, 64) == -EOPNOTSUPP
    for command in (READ, WRITE):
        assert call(machine, command, "/params/loglvl", NOWHERE, 16) == -EFAULT
    assert call(machine, READ, "/params", NOWHERE, 4096) == -EFAULT
    for size in (0, 11):
        assert call(machine, READ, "/params/loglvl", at, size) == -EINVAL


def test_little_room_shows_the_size(machine: Any) -> None:
    """The head only, and not a byte behind it; one byte less than all is not enough."""
    for path in ("/params/loglvl", "/params", "/buildinfo/version/minor"):
        whole = HEAD.size + len(read(machine, path)[2])
        machine.write(b"\xee" * 4096)
        assert call(machine, READ, path, machine.scratch, whole - 1) == -ENOBUFS
        data = machine.read(machine.scratch, 4096)
        assert HEAD.unpack_from(data)[3] == whole - HEAD.size
        assert set(data[HEAD.size :]) == {0xEE}
        assert call(machine, READ, path, machine.scratch, whole) == 0
        assert set(machine.read(machine.scratch, 4096)[whole:]) == {0xEE}


def test_guests_may_not(tools: Any) -> None:
    domain = tools.create()
    for command in (VERSION, READ, WRITE, 3):
        assert tools.machine.call("hypfs_op", command, 0, 0, 0, 0, domain=domain) == -EPERM
