# SPDX-License-Identifier: Apache-2.0
"""Decompression against zlib: what it makes we read, what it refuses we refuse."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

ENOEXEC, EINVAL, ENOSPC, ENODATA, EILSEQ = 8, 22, 28, 61, 84

# Text that repeats at all distances, and noise that does not.
contents = st.one_of(
    st.binary(max_size=3000),
    st.lists(
        st.sampled_from([b"abc", b"x" * 70, b"\0" * 300, b"longer words repeat"]), max_size=80
    ).map(b"".join),
    st.tuples(st.binary(max_size=200), st.integers(1, 200)).map(lambda p: p[0] * p[1]),
)


def deflate(data: bytes, level: int, strategy: int, flush: bool = False) -> bytes:
    """A raw DEFLATE stream."""
    c = zlib.compressobj(level, zlib.DEFLATED, -15, 9, strategy)
    half = len(data) // 2
    middle = c.compress(data[:half]) + (c.flush(zlib.Z_FULL_FLUSH) if flush else b"")
    return middle + c.compress(data[half:]) + c.flush()


def inflate(core: Any, stream: bytes, room: int) -> tuple[int, bytes, int]:
    """Result, output, bytes used."""
    source, to = core.memory(stream), core.memory(size=room)
    out, used = core.ffi.new("size_t *"), core.ffi.new("size_t *")
    rc = core.lib.xen_inflate(to.pointer, room, source.pointer, len(stream), out, used)
    return rc, to.bytes(out[0]), used[0]


def gunzip(core: Any, stream: bytes, room: int) -> tuple[int, bytes]:
    """Result and output."""
    source, to = core.memory(stream), core.memory(size=room)
    out = core.ffi.new("size_t *")
    rc = core.lib.gunzip(to.pointer, room, source.pointer, len(stream), out)
    return rc, to.bytes(out[0])


strategies = [zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE]


@given(
    data=contents,
    how=st.tuples(st.integers(0, 9), st.sampled_from(strategies), st.booleans()),
    tail=st.binary(max_size=9),
)
def test_what_zlib_writes(core: Any, data: bytes, how: tuple[int, int, bool], tail: bytes) -> None:
    stream = deflate(data, *how)
    assert inflate(core, stream + tail, len(data)) == (0, data, len(stream))
    if data:
        rc, out, _ = inflate(core, stream, len(data) - 1)
        assert (rc, out) == (-ENOSPC, data[:-1])
    rc, out, _ = inflate(core, stream[:-1], len(data))
    assert rc == -ENODATA
    assert data.startswith(out)


@given(
    data=contents,
    flips=st.lists(st.tuples(st.integers(0), st.integers(0, 7)), min_size=1, max_size=4),
)
@settings(max_examples=300)
def test_what_zlib_refuses(core: Any, data: bytes, flips: list[tuple[int, int]]) -> None:
    stream = bytearray(deflate(data, 9, zlib.Z_DEFAULT_STRATEGY))
    for at, bit in flips:
        stream[at % len(stream)] ^= 1 << bit
    reference = zlib.decompressobj(-15)
    wanted: bytes | None
    try:
        wanted = reference.decompress(bytes(stream), 1 << 20)
    except zlib.error:
        wanted = None
    rc, out, _ = inflate(core, bytes(stream), 1 << 20)
    if wanted is None:
        assert rc in (-EINVAL, -ENODATA)
    elif reference.eof:
        assert (rc, out) == (0, wanted)
    else:
        assert rc == -ENODATA


@given(data=contents, name=st.booleans(), padding=st.binary(max_size=20))
def test_gzip(core: Any, data: bytes, name: bool, padding: bytes) -> None:
    stream = gzip.compress(data, mtime=0)
    if name:
        extra = b"\x04\x00abcd" + b"name.gz\0" + b"comment\0" + b"\x12\x34"
        stream = stream[:3] + b"\x1e" + stream[4:10] + extra + stream[10:]
    assert core.lib.gzip_recognise(core.memory(stream).pointer, len(stream))
    assert gunzip(core, stream + padding, len(data)) == (0, data)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda s: b"\x1f\x8c" + s[2:], ENOEXEC),
        (lambda s: s[:2] + b"\x07" + s[3:], ENOEXEC),
        (lambda s: s[:17], ENOEXEC),
        (lambda s: s[:3] + b"\x80" + s[4:], EINVAL),
        (lambda s: s[:3] + b"\x08" + b"x" * (len(s) - 4), ENODATA),
        (lambda s: s[:3] + b"\x04" + s[4:10] + b"\xff\xff" + s[10:], ENODATA),
        (lambda s: s[:-1], ENODATA),
        (lambda s: s[:-8] + b"\0\0\0\0" + s[-4:], EILSEQ),
        (lambda s: s[:-4] + b"\0\0\0\x7f", EILSEQ),
    ],
)
def test_damaged_gzip(core: Any, change: Any, error: int) -> None:
    stream = change(gzip.compress(b"hello hello hello hello hello", mtime=0))
    assert gunzip(core, stream, 100)[0] == -error


@given(data=st.binary(max_size=300), split=st.integers(0, 300))
def test_crc32(core: Any, data: bytes, split: int) -> None:
    first, second = data[:split], data[split:]
    crc = core.lib.xen_crc32(0, core.memory(first).pointer, len(first))
    crc = core.lib.xen_crc32(crc, core.memory(second).pointer, len(second))
    assert crc == zlib.crc32(data)


@given(data=st.binary(max_size=200), header=st.booleans())
def test_noise(core: Any, data: bytes, header: bool) -> None:
    data = (b"\x1f\x8b\x08\0" if header else b"") + data
    core.lib.fuzz_gzip(core.memory(data).pointer, len(data))
