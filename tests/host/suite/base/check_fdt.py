# SPDX-License-Identifier: Apache-2.0
"""The device tree reader against the fdt package, and against damaged trees."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

E2BIG, ENOEXEC, EFAULT, EINVAL, EMSGSIZE, EOPNOTSUPP = 7, 8, 14, 22, 90, 95

names = st.text("abcdefgh,-", min_size=1, max_size=12)
values = st.one_of(
    st.just(True),
    st.binary(min_size=1, max_size=40),
    st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=6),
    st.lists(st.text("abc ", max_size=8), min_size=1, max_size=4),
)


def with_prefix(prefix: str, items: Any) -> Any:
    """Dictionaries whose keys cannot collide with the other kind's."""
    return st.dictionaries(names.map(lambda name: prefix + name), items, max_size=4)


def merged(pair: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, Any]:
    """Properties first, then children."""
    return pair[0] | pair[1]


trees = st.recursive(
    with_prefix("p", values),
    lambda inner: st.tuples(with_prefix("p", values), with_prefix("n@", inner)).map(merged),
    max_leaves=20,
)


def opened(core: Any, data: bytes) -> tuple[int, Any, Any]:
    """Result, the opened tree, its memory."""
    block = core.memory(data)
    tree = core.ffi.new("struct dt *")
    return core.lib.dt_open(tree, block.pointer, len(data)), tree, block


def read_back(core: Any, tree: Any, node: Any) -> dict[str, Any]:
    """A node as a dictionary of bytes and dictionaries."""
    found: dict[str, Any] = {}
    prop = core.ffi.new("struct fdt_prop *", {"next": node.props})
    while core.lib.dt_next_prop(tree, prop):
        found[core.text(prop.name)] = bytes(core.ffi.buffer(prop.data, prop.len))
    child = core.lib.dt_first_child(tree, node)
    while child != core.ffi.NULL:
        assert core.lib.dt_parent(tree, child) == node
        found[core.node_name(tree, child)] = read_back(core, tree, child)
        child = core.lib.dt_next_sibling(tree, child)
    return found


def as_bytes(content: dict[str, Any], encode: Callable[[Any], bytes]) -> dict[str, Any]:
    """The same with property values as bytes."""
    return {
        key: as_bytes(value, encode) if isinstance(value, dict) else encode(value)
        for key, value in content.items()
    }


@given(
    content=trees,
    reserved=st.lists(st.tuples(st.integers(1, 2**64 - 1), st.integers(1, 2**40)), max_size=3),
)
@settings(max_examples=150)
def test_reads_what_the_fdt_package_writes(
    core: Any,
    make_blob: Any,
    encode_value: Any,
    content: dict[str, Any],
    reserved: list[tuple[int, int]],
) -> None:
    rc, tree, _block = opened(core, make_blob(content, reserved))
    assert rc == 0
    assert read_back(core, tree, tree.nodes + 0) == as_bytes(content, encode_value)
    start, size = core.ffi.new("uint64_t *"), core.ffi.new("uint64_t *")
    for i, entry in enumerate(reserved):
        assert core.lib.fdt_reserve(core.ffi.addressof(tree.fdt), i, start, size)
        assert (start[0], size[0]) == entry
    end = len(reserved)
    assert not core.lib.fdt_reserve(core.ffi.addressof(tree.fdt), end, start, size)


@given(
    content=trees,
    changes=st.lists(st.tuples(st.integers(0), st.integers(0, 255)), min_size=1, max_size=6),
)
@settings(max_examples=400)
def test_survives_damage(
    core: Any, make_blob: Any, content: dict[str, Any], changes: list[tuple[int, int]]
) -> None:
    data = bytearray(make_blob(content))
    for at, byte in changes:
        data[at % len(data)] = byte
    core.lib.fuzz_dt(core.memory(bytes(data)).pointer, len(data))
    cut = bytes(data[: changes[0][0] % len(data)])
    core.lib.fuzz_dt(core.memory(cut).pointer, len(cut))


def words(**change: int) -> bytes:
    """A minimal tree (one empty root) with header fields changed."""
    fields = {
        "magic": 0xD00DFEED,
        "total": 76,
        "structs": 56,
        "strings": 72,
        "reserves": 40,
        "version": 17,
        "compatible": 16,
        "cpu": 0,
        "strings_size": 4,
        "structs_size": 16,
    } | change
    body = struct.pack(">QQ", 0, 0) + struct.pack(">IIII", 1, 0, 2, 9) + b"abc\0"
    return struct.pack(">10I", *fields.values()) + body


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({}, 0),
        ({"magic": 0xD00DFEEC}, ENOEXEC),
        ({"total": 77}, E2BIG),
        ({"total": 39}, EINVAL),
        ({"version": 15}, EOPNOTSUPP),
        ({"version": 18, "compatible": 17}, 0),
        ({"compatible": 18}, EOPNOTSUPP),
        ({"version": 16, "structs_size": 0xFFFFFFFF}, 0),
        ({"structs": 58}, EINVAL),
        ({"structs": 80}, EINVAL),
        ({"structs": 0}, EINVAL),
        ({"structs_size": 24}, EINVAL),
        ({"structs_size": 12}, EINVAL),
        ({"strings": 80}, EINVAL),
        ({"strings_size": 5}, EINVAL),
        ({"strings_size": 0xFFFFFFFF}, EINVAL),
        ({"reserves": 44}, EINVAL),
        ({"reserves": 64}, EINVAL),
        ({"total": 0x02000000}, E2BIG),
    ],
)
def test_header(core: Any, change: dict[str, int], error: int) -> None:
    rc, _tree, _block = opened(core, words(**change))
    assert rc == -error
    assert core.text(core.lib.fdt_strerror(rc))


def test_address(core: Any) -> None:
    block = core.memory(words(), skew=4)
    tree = core.ffi.new("struct dt *")
    assert core.lib.dt_open(tree, block.pointer, block.size) == -EFAULT
    assert core.lib.dt_open(tree, core.memory(b"").pointer, 0) == -ENOEXEC


def nested(depth: int) -> dict[str, Any]:
    """A tree of so many nodes below each other, the root counted."""
    return {"n": nested(depth - 1)} if depth > 1 else {}


def test_depth(core: Any, make_blob: Any) -> None:
    assert opened(core, make_blob(nested(32)))[0] == 0
    assert opened(core, make_blob(nested(33)))[0] == -EMSGSIZE
    core.lib.fuzz_dt(core.memory(make_blob(nested(32))).pointer, len(make_blob(nested(32))))


def structure(*cells: int) -> bytes:
    """A tree with this structure block, and the property name "abc"."""
    block = struct.pack(f">{len(cells)}I", *cells)
    data = words(total=56 + len(block) + 4, strings=56 + len(block), structs_size=len(block))
    return data[:56] + block + b"abc\0"


A = 0x61000000  # "a"


@pytest.mark.parametrize(
    ("cells", "good"),
    [
        ((4, 1, 0, 4, 3, 0, 0, 4, 2, 4, 9), True),  # padded with nothing
        ((1, 0, 3, 5, 0, 7, 7, 2, 9), True),
        ((1, 0, 3, 0xFFFFFFFF, 0, 2, 9), False),  # lengths that wrap
        ((1, 0, 3, 0xFFFFFFF8, 0, 2, 9), False),
        ((1, 0, 3, 9, 0, 2, 9), False),
        ((1, 0, 3, 0, 4, 2, 9), False),  # a name outside the strings
        ((1, 0, 1, A, 2, 3, 0, 0, 2, 9), False),  # a property behind a child
        ((1, 0, 2, 1, 0, 2, 9), False),  # two roots
        ((1, 0, 2, 2, 9), False),
        ((1, 0, 9), False),
        ((2, 9), False),
        ((9,), False),
        ((3, 0, 0, 9), False),
        ((1, 0x61616161), False),  # a name without an end
        ((1, 0, 2), False),
        ((1, 0, 5, 2, 9), False),
        ((), False),
    ],
)
def test_structure(core: Any, cells: tuple[int, ...], good: bool) -> None:
    rc, tree, _block = opened(core, structure(*cells))
    assert rc == (0 if good else -EINVAL)
    if good:
        read_back(core, tree, tree.nodes + 0)


def test_damage_is_named(core: Any) -> None:
    """Which node it is in, for the panic, and the byte."""
    a, b = A, 0x62000000
    for cells, where, name in (
        ((1, 0, 1, a, 1, b, 3, 8, 0, 0, 0, 2, 2, 7, 2, 9), 13, "b"),
        ((1, 0, 1, a, 3, 0, 4, 2, 2, 9), 4, "a"),
        ((7, 9), 0, None),
    ):
        block, tree = core.memory(structure(*cells)), core.ffi.addressof(core.lib, "dt_host")
        core.lib.dt_reading = core.ffi.NULL
        assert core.lib.dt_open(tree, block.pointer, block.size) == -EINVAL
        assert tree.at == 56 + 4 * where
        node = core.lib.dt_reading
        assert (core.node_name(tree, node) if node else None) == name
