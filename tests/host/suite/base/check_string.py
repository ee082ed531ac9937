# SPDX-License-Identifier: Apache-2.0
"""String and memory functions against Python's own notion of bytes."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

texts = st.binary(max_size=200).map(lambda data: data.replace(b"\0", b"x"))
skews = st.integers(0, 15)


@given(data=st.binary(max_size=500), to=skews, source=skews)
def test_memcpy(core: Any, data: bytes, to: int, source: int) -> None:
    target = core.memory(size=len(data), skew=to)
    block = core.memory(data, skew=source)
    assert core.lib.xen_memcpy(target.pointer, block.pointer, len(data)) == target.pointer
    assert target.bytes() == data


@given(data=st.binary(min_size=1, max_size=500), at=st.data())
def test_memmove(core: Any, data: bytes, at: st.DataObject) -> None:
    to = at.draw(st.integers(0, len(data)))
    source = at.draw(st.integers(0, len(data)))
    size = at.draw(st.integers(0, len(data) - max(to, source)))
    block = core.memory(data, skew=at.draw(skews))
    core.lib.xen_memmove(block.pointer + to, block.pointer + source, size)
    wanted = bytearray(data)
    wanted[to : to + size] = data[source : source + size]
    assert block.bytes() == bytes(wanted)


@given(size=st.integers(0, 500), byte=st.integers(-300, 300), skew=skews)
def test_memset(core: Any, size: int, byte: int, skew: int) -> None:
    block = core.memory(size=size, skew=skew)
    core.lib.xen_memset(block.pointer, byte, size)
    assert block.bytes() == bytes([byte & 0xFF]) * size


@given(a=st.binary(max_size=100), b=st.binary(max_size=100), skew=st.tuples(skews, skews))
def test_memcmp(core: Any, a: bytes, b: bytes, skew: tuple[int, int]) -> None:
    size = min(len(a), len(b))
    for left, right in ((a[:size], b[:size]), (a, a), (a, a[:-1] + bytes([a[-1] ^ 1]) if a else a)):
        x, y = core.memory(left, skew=skew[0]), core.memory(right, skew=skew[1])
        wanted = (left > right) - (left < right)
        assert core.lib.xen_memcmp(x.pointer, y.pointer, len(left)) == wanted


@given(a=texts, b=texts, limit=st.integers(0, 210))
def test_compare(core: Any, a: bytes, b: bytes, limit: int) -> None:
    x, y = core.memory(a + b"\0"), core.memory(b + b"\0")
    s, t = core.ffi.cast("char *", x.pointer), core.ffi.cast("char *", y.pointer)
    assert core.lib.xen_strcmp(s, t) == (a > b) - (a < b)
    assert core.lib.xen_strcmp(s, s) == 0
    cut, other = a[:limit], b[:limit]
    assert core.lib.xen_strncmp(s, t, limit) == (cut > other) - (cut < other)
    assert core.lib.xen_strlen(s) == len(a)
    unterminated = core.memory(a)
    n = core.lib.xen_strnlen(core.ffi.cast("char *", unterminated.pointer), len(a))
    assert n == len(a)


@given(text=texts, what=st.binary(max_size=3).map(lambda d: d.replace(b"\0", b"x")))
def test_search(core: Any, text: bytes, what: bytes) -> None:
    block = core.memory(text + b"\0")
    s = core.ffi.cast("char *", block.pointer)

    def offset(found: Any) -> int:
        return -1 if found == core.ffi.NULL else int(found - s)

    for byte in what or b"a":
        assert offset(core.lib.xen_strchr(s, byte)) == text.find(bytes([byte]))
        found = core.ffi.cast("char *", core.lib.xen_memchr(block.pointer, byte, len(text)))
        assert offset(found) == text.find(bytes([byte]))
    assert offset(core.lib.xen_strchr(s, 0)) == len(text)


@given(text=texts, size=st.integers(0, 100), start=st.binary(max_size=20))
def test_bounded_copy(core: Any, text: bytes, size: int, start: bytes) -> None:
    source = core.memory(text + b"\0")
    s = core.ffi.cast("char *", source.pointer)
    target = core.memory(size=size)
    assert core.lib.xen_strlcpy(core.ffi.cast("char *", target.pointer), s, size) == len(text)
    if size:
        assert target.bytes(min(size, len(text) + 1)) == text[: size - 1] + b"\0"

    start = start.replace(b"\0", b"y")[: max(size - 1, 0)]
    target = core.memory((start + b"\0")[:size], size=size)
    wanted = (len(start) if size else 0) + len(text)
    assert core.lib.xen_strlcat(core.ffi.cast("char *", target.pointer), s, size) == wanted
    if size:
        whole = (start + text)[: size - 1] + b"\0"
        assert target.bytes(len(whole)) == whole
