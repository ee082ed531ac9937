# SPDX-License-Identifier: Apache-2.0
"""vsnprintf against Python's % operator, which follows C for these conversions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

RANGES = {"d": (-(2**31), 2**31 - 1), "ld": (-(2**63), 2**63 - 1), "zu": (0, 2**64 - 1)}


def render(core: Any, template: str, *args: Any, size: int = 400) -> tuple[int, bytes]:
    """Length reported, and the text in a buffer of `size`."""
    target = core.memory(b"\xee" * size)
    text = core.ffi.new("char[]", template.encode())
    buffer = core.ffi.cast("char *", target.pointer)
    length = core.lib.xen_snprintf(buffer, size, text, *args)
    return length, target.bytes().split(b"\0")[0] if size else b""


@given(
    value=st.integers(-(2**63), 2**63 - 1),
    flags=st.sets(st.sampled_from("-0+ ")),
    width=st.integers(0, 40),
    precision=st.none() | st.integers(0, 30),
)
def test_signed(core: Any, value: int, flags: set[str], width: int, precision: int | None) -> None:
    if " " in flags and "+" in flags:
        flags = flags - {" "}
    if precision == 0 and value == 0:
        precision = 1  # C prints nothing, Python "0"
    if precision is not None:
        flags = flags - {"0"}  # C ignores the flag then, Python does not
    spec = "".join(sorted(flags)) + (str(width) if width else "")
    spec += f".{precision}" if precision is not None else ""
    wanted = f"%{spec}d" % value
    assert render(core, f"%{spec}ld", core.ffi.cast("long", value)) == (
        len(wanted),
        wanted.encode(),
    )


@given(value=st.integers(0, 2**64 - 1), width=st.integers(0, 40), zero=st.booleans())
def test_unsigned(core: Any, value: int, width: int, zero: bool) -> None:
    spec = ("0" if zero else "") + (str(width) if width else "")
    for c, python in (("lu", "d"), ("zu", "d"), ("lx", "x"), ("llX", "X"), ("#lx", "#x")):
        alternate = "#" if c[0] == "#" and value else ""
        wanted = f"%{alternate}{spec}{python.lstrip('#')}" % value
        got = render(
            core, f"%{alternate}{spec}{c.lstrip('#')}", core.ffi.cast("unsigned long", value)
        )
        assert got == (len(wanted), wanted.encode())


@given(text=st.text("abcxyz %", max_size=60), width=st.integers(-70, 70), limit=st.integers(0, 70))
def test_text(core: Any, text: str, width: int, limit: int) -> None:
    unterminated = core.memory(text.encode()[:limit] + (b"\0" if len(text) < limit else b""))
    wanted = "%*.*s" % (width, limit, text)  # noqa: UP031
    got = render(
        core,
        "%*.*s",
        core.ffi.cast("int", width),
        core.ffi.cast("int", limit),
        core.ffi.cast("char *", unterminated.pointer),
    )
    assert got == (len(wanted), wanted.encode())


@given(size=st.integers(0, 20))
def test_cut(core: Any, size: int) -> None:
    length, text = render(
        core, "%s-%u", core.ffi.new("char[]", b"hello"), core.ffi.cast("int", 77), size=size
    )
    assert length == 8
    assert text == b"hello-77"[: max(size - 1, 0)]


@pytest.mark.parametrize(
    ("template", "value", "wanted"),
    [
        ("%hhd", 255, b"-1"),
        ("%hu", 65537, b"1"),
        ("%#x", 0, b"0"),
        ("%#08x", 0x1F, b"0x00001f"),
        ("%o|%%", 8, b"10|%"),
        ("%c!", 65, b"A!"),
        ("%y %d", 5, b"%y 5"),
        ("%", 0, b"%"),
        ("%-", 0, b"%-"),
        ("%5", 0, b"%5"),
        ("%x", 2**32 - 1, b"ffffffff"),
    ],
)
def test_corners(core: Any, template: str, value: int, wanted: bytes) -> None:
    assert render(core, template, core.ffi.cast("unsigned int", value))[1] == wanted


def test_pointer_and_null(core: Any) -> None:
    assert render(core, "%p", core.ffi.cast("void *", 0x1234))[1] == b"0000000000001234"
    assert render(core, "%s", core.ffi.cast("char *", 0))[1] == b"(null)"


def test_hostile_width_is_bounded(core: Any) -> None:
    length, _ = render(core, "%99999999999d", core.ffi.cast("int", 1))
    assert length < 100_000
