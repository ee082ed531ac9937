# SPDX-License-Identifier: Apache-2.0
"""Pictures of runs: readable by every XML parser, and the same but for numbers when made again."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from xenolith.errors import UserError
from xenolith.lab import picture
from xenolith.lab.protocol import Result

WORDS = ["./xenolith", "run", "--exec", "xl list | grep '<0>'"]


def result(out: bytes, err: bytes = b"") -> Result:
    return Result(WORDS[-1], 0, out, err)


def test_it_shows_what_was_typed_and_printed() -> None:
    drawn = picture.draw(WORDS, [result(b"Domain-0   0\n", b"a & b\n")])
    shown = picture.shape(drawn)
    assert shown[0].startswith("$ ./xenolith run --exec")
    assert shown[1:] == ["dom0:~# xl list | grep '<0>'", "Domain-0 0", "a & b"]


def test_it_says_how_to_make_it_again() -> None:
    assert picture.made_by(picture.draw(WORDS, [])) == WORDS
    with pytest.raises(ValueError, match="does not say"):
        picture.made_by("<svg xmlns='http://www.w3.org/2000/svg'/>")


def test_only_numbers_may_differ() -> None:
    once, again, other = (
        picture.draw(WORDS, [result(text)]) for text in (b"9 free, 7.5 s", b"12 free, 10 s", b"x")
    )
    assert picture.shape(once) == picture.shape(again) != picture.shape(other)


@pytest.mark.parametrize("option", [["--picture", "a.svg"], ["--picture=a.svg"]])
def test_the_picture_is_no_part_of_its_run(option: list[str]) -> None:
    assert picture.typed(["/x/xenolith", "run", *option, *WORDS[2:]]) == WORDS


@pytest.mark.parametrize("hostile", [bytes(range(256)) * 2, b"\x1b[31mred\x1b]0;title\x07</svg>"])
def test_no_output_breaks_it(hostile: bytes) -> None:
    drawn = picture.draw(WORDS, [result(hostile)])
    assert ET.fromstring(drawn).tag == f"{picture.SVG}svg"


def test_it_asks_nobody_for_fonts() -> None:
    assert "url(http" not in picture.draw(WORDS, [])


@pytest.mark.parametrize(
    ("name", "message"), [("run.png", "name it run.svg"), ("nowhere/run.svg", "no folder nowhere")]
)
def test_a_name_is_checked_before_the_run(name: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        picture.check(Path(name))
    assert caught.value.code == 2
