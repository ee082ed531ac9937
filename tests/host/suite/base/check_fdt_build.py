# SPDX-License-Identifier: Apache-2.0
"""The device tree writer: what it writes the fdt package reads, and wrong use is latched."""

from __future__ import annotations

from typing import Any

import fdt
import pytest
from hypothesis import given
from hypothesis import strategies as st

EINVAL, ENOSPC, ERANGE = 22, 28, 34

names = st.text("abcdefgh,-", min_size=1, max_size=12)
values = st.binary(max_size=40)
trees = st.recursive(
    st.dictionaries(names.map(lambda n: "p" + n), values, max_size=4),
    lambda inner: st.tuples(
        st.dictionaries(names.map(lambda n: "p" + n), values, max_size=4),
        st.dictionaries(names.map(lambda n: "n" + n), inner, max_size=4),
    ).map(lambda pair: pair[0] | pair[1]),
    max_leaves=20,
)


class Writer:
    """A builder and its buffer."""

    def __init__(self, core: Any, size: int = 8192) -> None:
        self.core, self.lib = core, core.lib
        self.block = core.memory(b"\xaa" * size)
        self.b = core.ffi.new("struct fdt_builder *")
        self.lib.fdt_build_start(self.b, self.block.pointer, size)

    def node(self, name: str, content: dict[str, Any]) -> None:
        """A node with byte-string properties and child nodes."""
        self.lib.fdt_build_begin(self.b, name.encode())
        for key, value in content.items():
            if isinstance(value, dict):
                self.node(key, value)
            else:
                self.lib.fdt_build_prop(self.b, key.encode(), value, len(value))
        self.lib.fdt_build_end(self.b)

    def finish(self) -> tuple[int, bytes]:
        """Result and blob."""
        size = self.core.ffi.new("size_t *")
        rc = self.lib.fdt_build_finish(self.b, size)
        return rc, self.block.bytes(size[0]) if rc == 0 else b""


def content_of(node: Any) -> dict[str, Any]:
    """A node of the fdt package as a dictionary of bytes and dictionaries."""
    found: dict[str, Any] = {}
    for prop in node.props:
        raw = prop.to_dtb("x" * 40, 0, 17)[0] if hasattr(prop, "to_dtb") else b""
        length = int.from_bytes(raw[4:8], "big")
        found[prop.name] = raw[12 : 12 + length]
    for child in node.nodes:
        found[child.name] = content_of(child)
    return found


@given(content=trees)
def test_the_fdt_package_reads_it(core: Any, content: dict[str, Any]) -> None:
    writer = Writer(core)
    writer.node("", content)
    rc, data = writer.finish()
    assert rc == 0
    assert content_of(fdt.parse_dtb(data).root) == content
    tree = core.open_tree(data)
    assert tree.fdt.reserve_count == 0


@given(content=trees, size=st.integers(0, 600))
def test_bounds(core: Any, content: dict[str, Any], size: int) -> None:
    whole = Writer(core)
    whole.node("", content)
    _, data = whole.finish()
    writer = Writer(core, size)
    writer.node("", content)
    rc, small = writer.finish()
    assert (rc, small) == ((0, data) if len(data) <= size else (-ENOSPC, b""))


def test_values(core: Any) -> None:
    w = Writer(core)
    lib, b = w.lib, w.b
    lib.fdt_build_begin(b, b"")
    lib.fdt_build_begin_at(b, b"memory", 0x4_0000_0000)
    lib.fdt_build_string(b, b"device_type", b"memory")
    strings = [core.ffi.new("char[]", text) for text in (b"one", b"", b"three")]
    lib.fdt_build_strings(b, b"compatible", core.ffi.new("char *[]", strings), 3)
    lib.fdt_build_u32(b, b"u32", 0x12345678)
    lib.fdt_build_u64(b, b"u64", 0x123456789ABCDEF0)
    lib.fdt_build_empty(b, b"ranges")
    lib.fdt_build_open(b, b"reg")
    lib.fdt_build_add(b, 0x400000000, 2)
    lib.fdt_build_add(b, 0x80000000, 1)
    lib.fdt_build_add(b, 0, 0)
    lib.fdt_build_add(b, 3, 3)
    lib.fdt_build_add_cells(b, core.ffi.new("uint32_t[]", [1, 2]), 2)
    lib.fdt_build_close(b)
    lib.fdt_build_end(b)
    lib.fdt_build_end(b)
    rc, data = w.finish()
    assert rc == 0
    assert content_of(fdt.parse_dtb(data).root)["memory@400000000"] == {
        "device_type": b"memory\0",
        "compatible": b"one\0\0three\0",
        "u32": bytes.fromhex("12345678"),
        "u64": bytes.fromhex("123456789abcdef0"),
        "ranges": b"",
        "reg": bytes.fromhex(
            "0000000400000000 80000000 000000000000000000000003 00000001 00000002"
        ),
    }


def test_names_are_kept_once(core: Any) -> None:
    w = Writer(core)
    w.node("", {"interrupts": b"", "a": {"interrupts": b"", "reg": b""}, "b": {"reg": b""}})
    rc, data = w.finish()
    assert rc == 0
    assert (data.count(b"interrupts\0"), data.count(b"reg\0")) == (1, 1)


@pytest.mark.parametrize("count", [4094, 4095, 4096])
def test_many_names(core: Any, count: int) -> None:
    w = Writer(core, 1 << 18)
    content = {f"p{i}": i.to_bytes(4, "big") for i in range(count)}
    w.node("", content)
    rc, data = w.finish()
    assert rc == (0 if count <= 4095 else -ENOSPC)
    if rc == 0:
        assert content_of(fdt.parse_dtb(data).root) == content


BEGIN, END = ("begin", b"x"), ("end",)
ROOT = ("begin", b"")


@pytest.mark.parametrize(
    ("steps", "error"),
    [
        ([ROOT, END], 0),
        ([], EINVAL),
        ([ROOT], EINVAL),
        ([BEGIN, END], EINVAL),
        ([ROOT, ("begin", b""), END, END], EINVAL),
        ([ROOT, ("begin", b"a/b"), END, END], EINVAL),
        ([ROOT, END, END], EINVAL),
        ([ROOT, END, ROOT, END], EINVAL),
        ([("empty", b"p"), ROOT, END], EINVAL),
        ([ROOT, BEGIN, END, ("empty", b"p"), END], EINVAL),
        ([ROOT, ("open", b"p"), END], EINVAL),
        ([ROOT, ("open", b"p"), BEGIN, END, END], EINVAL),
        ([ROOT, ("open", b"p"), ("open", b"q"), ("close",), END], EINVAL),
        ([ROOT, ("close",), END], EINVAL),
        ([ROOT, ("add", 1, 1), END], EINVAL),
        ([ROOT, ("open", b"p"), ("add", 1 << 32, 1), ("close",), END], ERANGE),
        ([ROOT, ("open", b"p"), ("add", 1, 0), ("close",), END], ERANGE),
        ([ROOT, ("open", b"p"), ("add", 1 << 63, 4), ("close",), END], 0),
        ([ROOT, ("begin_at", b"x" * 80, 1), END, END], EINVAL),
        ([ROOT, *[BEGIN] * 31, *[END] * 32], 0),
        ([ROOT, *[BEGIN] * 32, *[END] * 33], EINVAL),
    ],
)
def test_wrong_use(core: Any, steps: list[tuple[Any, ...]], error: int) -> None:
    w = Writer(core)
    for name, *args in steps:
        getattr(w.lib, f"fdt_build_{name}")(w.b, *args)
    rc, _ = w.finish()
    assert rc == -error


def test_unaligned_buffer(core: Any) -> None:
    w = Writer(core)
    w.lib.fdt_build_start(w.b, w.block.pointer + 4, 4096)
    w.node("", {})
    assert w.finish()[0] == -EINVAL


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        (["b", "missing", "a"], {"b": b"", "a": b"1"}),
        (["a"], {"a": b"1"}),
        (["missing"], {}),
        ([], {}),
    ],
)
def test_properties_of_another_tree(core: Any, wanted: list[str], kept: dict[str, bytes]) -> None:
    """Those asked for that are there, in the order asked; or all."""
    props = {"a": b"1", "b": b"", "c": b"\0\0\0\7"}
    tree = core.tree({"from": props | {"child": {"a": b"2"}}})
    node = core.lib.dt_path(tree, b"/from")
    strings = [core.ffi.new("char[]", name.encode()) for name in wanted]
    names = core.ffi.new("char *[]", [*strings, core.ffi.NULL])
    writer = Writer(core)
    writer.lib.fdt_build_begin(writer.b, b"")
    writer.lib.fdt_build_begin(writer.b, b"kept")
    assert writer.lib.fdt_build_keep(writer.b, tree, node, names) == len(kept)
    assert writer.lib.fdt_build_keep(writer.b, tree, core.ffi.NULL, names) == 0
    writer.lib.fdt_build_end(writer.b)
    writer.lib.fdt_build_begin(writer.b, b"all")
    writer.lib.fdt_build_copy(writer.b, tree, node)
    writer.lib.fdt_build_end(writer.b)
    writer.lib.fdt_build_end(writer.b)
    rc, data = writer.finish()
    assert rc == 0
    written = core.open_tree(data)
    for name, content in (("kept", kept), ("all", props)):
        at = core.lib.dt_path(written, f"/{name}".encode())
        found, p = {}, core.ffi.new("struct fdt_prop *")
        p.next = at.props
        while core.lib.dt_next_prop(written, p):
            found[core.text(p.name)] = bytes(core.ffi.buffer(p.data, p.len))
        assert list(found.items()) == list(content.items())
