# SPDX-License-Identifier: Apache-2.0
"""The floors of xen/ and the circles of files, checked on the objects of a build."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from xenolith.lint import floors
from xenolith.lint.contract import Object

Expect = Callable[[list[str]], None]


@pytest.fixture(scope="module")
def house() -> floors.House:
    return floors.read((Path(__file__).parent / "floors.toml").read_text())


def test_the_page_shows_the_floors(root: Path, house: floors.House) -> None:
    page = (root / "docs/ARCHITECTURE.md").read_text()
    table = re.findall(r"^\| (\d) \| ([a-z ]+) \|", page, re.MULTILINE)
    shown = [(int(number), tuple(rooms.split())) for number, rooms in table]
    assert shown == list(enumerate(house.floors))[::-1]


def test_the_picture_shows_the_floors(root: Path, house: floors.House) -> None:
    picture = html.unescape((root / "docs/architecture.svg").read_text())
    drawn = re.findall(r'class="small">(\d)</text>\s*<text[^>]*class="head">([a-z ·]+)<', picture)
    shown = [(int(number), tuple(rooms.split(" · "))) for number, rooms in drawn]
    assert shown == list(enumerate(house.floors))[::-1]


def test_core_uses_floors_below(
    house: floors.House, core: list[Object], expect_none: Expect
) -> None:
    expect_none(floors.check_floors(house, core))


def test_core_has_no_circles(house: floors.House, core: list[Object], expect_none: Expect) -> None:
    expect_none(floors.check_circles(house, core))


def test_port_has_no_circles(house: floors.House, port: list[Object], expect_none: Expect) -> None:
    expect_none(floors.check_circles(house, port))
