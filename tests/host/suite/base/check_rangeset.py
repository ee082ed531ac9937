# SPDX-License-Identifier: Apache-2.0
"""Range sets against Python sets."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

ENOSPC, EINVAL = 28, 22
LIMIT = 60


class Model:
    """A range set in C beside a set of numbers."""

    def __init__(self, core: Any, capacity: int = 40) -> None:
        self.core = core
        self.storage = core.memory(size=16 * capacity)
        self.rs = core.ffi.new("struct rangeset *")
        ranges = core.ffi.cast("struct range *", self.storage.pointer)
        core.lib.rangeset_init(self.rs, ranges, capacity)
        self.numbers: set[int] = set()

    def runs(self) -> list[tuple[int, int]]:
        """What the array must hold: maximal runs."""
        edges = [n for n in sorted(self.numbers) if n - 1 not in self.numbers]
        return [(n, next(e for e in range(n, LIMIT + 2) if e not in self.numbers)) for n in edges]

    def ranges(self) -> list[tuple[int, int]]:
        """What it holds."""
        return [(self.rs.ranges[i].start, self.rs.ranges[i].end) for i in range(self.rs.count)]

    def change(self, add: bool, start: int, end: int) -> int:
        """Add or remove on both sides; the set does not change on errors."""
        name = "rangeset_add" if add else "rangeset_remove"
        rc = int(getattr(self.core.lib, name)(self.rs, start, end))
        if rc == 0:
            self.numbers = (
                self.numbers | set(range(start, end))
                if add
                else self.numbers - set(range(start, end))
            )
        return rc


numbers = st.integers(0, LIMIT)
changes = st.lists(st.tuples(st.booleans(), numbers, numbers), max_size=40)


@given(steps=changes, capacity=st.sampled_from([1, 2, 3, 40]))
def test_changes(core: Any, steps: list[tuple[bool, int, int]], capacity: int) -> None:
    model = Model(core, capacity)
    for add, a, b in steps:
        rc = model.change(add, a, b)
        if a > b:
            assert rc == -EINVAL
        else:
            assert rc == 0 or (rc == -ENOSPC and model.rs.count >= capacity)
        assert model.ranges() == model.runs()


@given(steps=changes, a=numbers, b=numbers)
def test_questions(core: Any, steps: list[tuple[bool, int, int]], a: int, b: int) -> None:
    model = Model(core)
    for add, start, end in steps:
        model.change(add, min(start, end), max(start, end))
    asked = set(range(a, b))
    if a <= b:
        assert core.lib.rangeset_contains(model.rs, a, b) == (asked <= model.numbers)
        assert core.lib.rangeset_overlaps(model.rs, a, b) == bool(asked & model.numbers)
    assert core.lib.rangeset_total(model.rs) == len(model.numbers)
    found = core.lib.rangeset_find(model.rs, a)
    assert (found != core.ffi.NULL) == (a in model.numbers)

    other = Model(core)
    assert core.lib.rangeset_copy(other.rs, model.rs) == 0
    assert other.ranges() == model.ranges()
    assert core.lib.rangeset_subtract(other.rs, model.rs) == 0
    assert other.ranges() == []


@given(
    steps=changes,
    what=st.tuples(st.integers(1, 20), st.sampled_from([1, 2, 4, 8, 16])),
    bounds=st.tuples(numbers, numbers),
    top=st.booleans(),
)
def test_place(
    core: Any,
    steps: list[tuple[bool, int, int]],
    what: tuple[int, int],
    bounds: tuple[int, int],
    top: bool,
) -> None:
    (size, align), (low, high) = what, bounds
    model = Model(core)
    for add, start, end in steps:
        model.change(add, min(start, end), max(start, end))
    fits = [
        at
        for at in range(0, LIMIT + 1, align)
        if low <= at and at + size <= high and set(range(at, at + size)) <= model.numbers
    ]
    where = core.ffi.new("uint64_t *")
    rc = core.lib.rangeset_place(model.rs, size, align, low, high, top, where)
    assert rc == (0 if fits else -ENOSPC)
    if fits:
        assert where[0] == (fits[-1] if top else fits[0])


def test_ends_of_the_world(core: Any) -> None:
    model = Model(core)
    top = 2**64 - 1
    assert core.lib.rangeset_add(model.rs, 0, top) == 0
    assert core.lib.rangeset_contains(model.rs, top - 1, top)
    assert core.lib.rangeset_find(model.rs, top) == core.ffi.NULL
    where = core.ffi.new("uint64_t *")
    assert core.lib.rangeset_place(model.rs, 1, 1 << 63, 1, top, True, where) == 0
    assert where[0] == 1 << 63
    assert core.lib.rangeset_place(model.rs, 1 << 63, 1 << 63, 1, top, False, where) == -ENOSPC
