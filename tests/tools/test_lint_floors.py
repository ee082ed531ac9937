# SPDX-License-Identifier: Apache-2.0
"""The rule of floors: it finds arrows up and circles, and leaves the rest alone."""

from __future__ import annotations

from xenolith.lint import floors
from xenolith.lint.contract import Object

HOUSE = floors.read(
    """
floors = [["lib"], ["mm", "irq"], ["domain", "event"]]
[tie]
rooms = ["domain", "event"]
files = 2
"""
)


def thing(source: str, defined: str, undefined: str = "") -> Object:
    return Object(source, frozenset(defined.split()), frozenset(undefined.split()))


def test_arrows() -> None:
    good = [
        thing("xen/lib/a.c", "a", "outside"),
        thing("xen/mm/b.c", "b", "a c"),
        thing("xen/irq/c.c", "c", "a"),
        thing("xen/domain/d.c", "d", "a b"),
    ]
    assert floors.check_floors(HOUSE, good) == []
    bad = [*good, thing("xen/lib/e.c", "e", "d a")]
    (finding,) = floors.check_floors(HOUSE, bad)
    assert finding.startswith("xen/lib/e.c (floor 0) uses d of xen/domain/d.c (floor 2): ")
    (finding,) = floors.check_floors(HOUSE, [thing("xen/attic/f.c", "f")])
    assert finding.startswith("xen/attic/f.c: its folder has no floor")


def test_circles() -> None:
    chain = [thing("xen/mm/a.c", "a", "b"), thing("xen/mm/b.c", "b", "c"), thing("xen/mm/c.c", "c")]
    assert floors.circles(chain) == []
    circle = [*chain[:2], thing("xen/mm/c.c", "c", "a"), thing("xen/mm/d.c", "d", "a")]
    assert floors.circles(circle) == [["xen/mm/a.c", "xen/mm/b.c", "xen/mm/c.c"]]
    assert len(floors.check_circles(HOUSE, circle)) == 1


def test_tied_rooms() -> None:
    two = [thing("xen/domain/a.c", "a", "b"), thing("xen/event/b.c", "b", "a")]
    assert floors.check_circles(HOUSE, two) == []
    three = [two[0], thing("xen/event/b.c", "b", "c"), thing("xen/domain/c.c", "c", "a")]
    (finding,) = floors.check_circles(HOUSE, three)
    assert finding.startswith("a circle of 3 files, 2 may be: ")
    port = [thing("arch/arm64/event/a.c", "a", "b"), thing("arch/arm64/event/b.c", "b", "a")]
    assert len(floors.check_circles(HOUSE, port)) == 1
