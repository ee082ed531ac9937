"""Bitmaps against Python integers."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

sizes = st.integers(1, 200)


def words(core: Any, value: int, bits: int, junk: int = 0) -> Any:
    """A map of `bits` bits; `junk` fills the rest of the last word."""
    count = (bits + 63) // 64
    value = (value & ((1 << bits) - 1)) | (junk << bits & ((1 << count * 64) - 1))
    return core.memory(value.to_bytes(count * 8, "little"))


def value_of(block: Any) -> int:
    """All bits of a map, those beyond its end too."""
    return int.from_bytes(block.bytes(), "little")


def pointer(core: Any, block: Any) -> Any:
    """As the functions want it."""
    return core.ffi.cast("uint64_t *", block.pointer)


@given(bits=sizes, a=st.integers(0, 2**200), b=st.integers(0, 2**200), junk=st.integers(0, 2**64))
def test_logic(core: Any, bits: int, a: int, b: int, junk: int) -> None:
    mask = (1 << bits) - 1
    x, y = words(core, a, bits, junk), words(core, b, bits, junk)
    p, q = pointer(core, x), pointer(core, y)
    a, b = a & mask, b & mask
    for name, wanted in (("and", a & b), ("or", a | b), ("andnot", a & ~b)):
        to = words(core, 2**200, bits, junk)
        getattr(core.lib, f"bitmap_{name}")(pointer(core, to), p, q, bits)
        assert value_of(to) == wanted
    assert core.lib.bitmap_equal(p, q, bits) == (a == b)
    assert core.lib.bitmap_equal(p, p, bits)
    assert core.lib.bitmap_intersects(p, q, bits) == (a & b != 0)
    assert core.lib.bitmap_subset(p, q, bits) == (a & ~b == 0)
    assert core.lib.bitmap_empty(p, bits) == (a == 0)
    assert core.lib.bitmap_full(p, bits) == (a == mask)
    assert core.lib.bitmap_weight(p, bits) == a.bit_count()


@given(bits=sizes, a=st.integers(0, 2**200), junk=st.integers(0, 2**64))
def test_search(core: Any, bits: int, a: int, junk: int) -> None:
    p = words(core, a, bits, junk)
    found = {bit for bit in range(bits) if a >> bit & 1}
    for start in range(0, bits + 3, 7):
        wanted = min((bit for bit in found if bit >= start), default=bits)
        assert core.lib.bitmap_next_set(pointer(core, p), bits, start) == wanted
        wanted = min((b for b in range(start, bits) if b not in found), default=bits)
        assert core.lib.bitmap_next_clear(pointer(core, p), bits, start) == wanted


@given(bits=sizes, a=st.integers(0, 2**200), at=st.data())
def test_ranges(core: Any, bits: int, a: int, at: st.DataObject) -> None:
    first = at.draw(st.integers(0, bits))
    count = at.draw(st.integers(0, bits - first))
    mask = ((1 << count) - 1) << first
    a &= (1 << bits) - 1
    block = words(core, a, bits)
    core.lib.bitmap_set_range(pointer(core, block), first, count)
    assert value_of(block) == a | mask
    core.lib.bitmap_clear_range(pointer(core, block), first, count)
    assert value_of(block) == a & ~mask


@given(bits=sizes, a=st.integers(0, 2**200), junk=st.integers(0, 2**64))
def test_whole(core: Any, bits: int, a: int, junk: int) -> None:
    mask = (1 << bits) - 1
    source, to = words(core, a, bits, junk), words(core, 0, bits, junk)
    core.lib.bitmap_copy(pointer(core, to), pointer(core, source), bits)
    assert value_of(to) == a & mask
    core.lib.bitmap_fill(pointer(core, to), bits)
    assert value_of(to) == mask
    core.lib.bitmap_zero(pointer(core, to), bits)
    assert value_of(to) == 0

    raw = core.memory(size=(bits + 7) // 8)
    core.lib.bitmap_to_bytes(raw.pointer, pointer(core, source), bits)
    assert int.from_bytes(raw.bytes(), "little") == a & mask
    dirty = core.memory(((a & mask) | junk << bits).to_bytes(64, "little")[: raw.size])
    core.lib.bitmap_from_bytes(pointer(core, to), dirty.pointer, bits)
    assert value_of(to) == a & mask
