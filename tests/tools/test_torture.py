# SPDX-License-Identifier: Apache-2.0
"""The torture suite's reading of consoles and tables; no QEMU here."""

from __future__ import annotations

from pathlib import Path

import pytest

from xenolith.errors import UserError
from xenolith.torture import report, session, tables

CONSOLE = """(XEN) Brought up 4 CPUs
BEGIN T1 seed 7
RC T1 12 zeros 0 1 0
RC T1 12 zeros 2 255 -38
RC T1 13 all 0 255 -38
SEEN T1 12 4000000001 0 8000000000000000
CALLS T1 1000
CALLS T1 24
DRIFT T1 0
END T1 1500 ms
REG S3_0_C0-EL1-read 00000000000000000000000000000061
LONGEST T9-4 1803
LONGEST T9-4 200
FAIL T9: the other domain answers in time
DONE passed 1 failed 1 known 0
"""


def test_report() -> None:
    """Calls add up, tables are by place, failures are kept."""
    found = report.read(CONSOLE)
    assert found.complete
    assert found.calls == 1024
    assert found.rows["T1"].seconds == pytest.approx(1.5)
    assert found.codes["T1", 12, "zeros", 1] == 0
    assert found.codes["T1", 12, "zeros", 2] == -38
    assert found.codes["T1", 13, "hole", 255] == -38
    assert found.seen == {12: {0, -38, tables.ODD}}
    assert found.registers == {"S3_0_C0-EL1-read": "00000000000000000000000000000061"}
    assert found.longest == {"T9-4": 1803}
    assert found.failures == ["T9: the other domain answers in time"]


@pytest.mark.parametrize(
    "line",
    [
        *(
            "RC T1 x zeros 0 1 0",
            "RC T1 12 zeros 0 1",
            "RC T1 12 odd 0 1 0",
            "RC T1 12 zeros 2 1 0",
        ),
        *("RC T1 12 zeros 0 256 0", "RC T1 12 all 0 4000000000 0", "RC (XEN) 12 zeros 0 1 0"),
        *("SEEN T1 12 zz 0 0", "SEEN T1 12 0 0", "SEEN T1 12 10000000000000000 0 0"),
        *("CALLS T1 many", "CALLS T1 -1", "CALLS T1", "CALLS T1 1(XEN) x", "CALLS T1 \u0663"),
        *("DRIFT T1 -", "END T1 5", "END T1 (XEN) ms", "LONGEST T9-4", "LONGEST T9-4 1 2"),
        *("REG G 00(XEN) x", "REG G", "REG G 00", "INFO T1", "INFO", "FAIL"),
    ],
)
def test_a_broken_line(line: str) -> None:
    """A line that is not right is a failure, not an exception."""
    found = report.read(f"{line}\n")
    assert len(found.failures) == 1
    assert not found.codes and not found.seen and not found.registers and not found.longest
    assert tables.unlisted_registers(found, report.Report(), {}) == []


def test_not_complete() -> None:
    """Without the last line the run did not end."""
    assert not report.read(CONSOLE.replace("DONE", "(XEN) DONE")).complete


def _report(code: int, seen: int = 0) -> report.Report:
    found = report.Report()
    found.codes = {("T1", 36, "zeros", sub): code for sub in (3, 4, 9)}
    found.seen = {36: {seen}}
    return found


def test_unlisted() -> None:
    """What differs is listed, or is a line; what one side did not call is neither."""
    listed = [
        tables.Difference("T1", 36, frozenset([3, 4]), frozenset(), -1, None, "order"),
    ]
    known, found = tables.unlisted(_report(-1), _report(-22), listed)
    assert known == 2
    assert found == ["T1: hypercall 36, sub-operations 9, zeros: here -1, Xen -22"]
    assert tables.unlisted(_report(-1), _report(-1), []) == (0, [])
    assert tables.unlisted(_report(-1), _report(report.SKIPPED), []) == (0, [])
    assert len(tables.unlisted(_report(-2), _report(-22), listed)[1]) == 1


def test_registers() -> None:
    """Bits that differ are listed, or the group is a line."""
    ours, xen = report.Report(), report.Report()
    ours.registers = {"A": "f1", "B": "1"}
    xen.registers = {"A": "f0"}
    assert tables.unlisted_registers(ours, xen, {"A": 3, "B": 1}) == []
    assert len(tables.unlisted_registers(ours, xen, {"A": 2, "B": 1})) == 1
    assert len(tables.unlisted_registers(xen, ours, {"A": 1})) == 1
    assert tables.registers()["S2_0_C0-EL1-read"] == 0x4010004


def test_wrong_codes() -> None:
    """A result outside of the table is named."""
    assert tables.wrong_codes(_report(0, -1), {36: frozenset([0, -1])}) == []
    assert "hypercall 36: -5 is" in tables.wrong_codes(_report(0, -5), tables.allowed())[0]
    assert "no error number" in tables.wrong_codes(_report(0, tables.ODD), tables.allowed())[0]


def test_the_tables() -> None:
    """The tables in the tree can be read, and each difference has a reason."""
    assert all(one.why for one in tables.differences())
    assert -1 in tables.allowed()[36]


@pytest.mark.parametrize(
    "text", ["[[difference]]\nnr = 3\n", "x =", '[[difference]]\nnr = "a"\nwhy = ""']
)
def test_a_wrong_list(tmp_path: Path, text: str) -> None:
    """A list that is none is the user's error."""
    path = tmp_path / "differences.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"differences\.toml: "):
        tables.differences(path)


@pytest.mark.parametrize(
    "text",
    [
        *("x =", "hypercall = 5\nregister = 5", "hypercall = [5]\nregister = [5]"),
        "[[hypercall]]\nnr = 3\n[[register]]\ngroup = 'A'",
        "[[hypercall]]\nnr = 3\nerrors = 7\n[[register]]\ngroup = 'A'\nbits = 'x'",
        "[[hypercall]]\nnr = 3\nerrors = ['a']\n[[register]]\nbits = '1'",
    ],
)
def test_a_wrong_table(tmp_path: Path, text: str) -> None:
    """Results and registers, too."""
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    for read in (tables.allowed, tables.registers):
        with pytest.raises(UserError, match=r"wrong\.toml: "):
            read(path)


def test_rows() -> None:
    """Rows by name, in their order."""
    assert session.rows_of(None) == session.ROWS
    assert session.rows_of("T3, T1") == ("T1", "T3")
    assert session.Order(("T1", "T3")).mask == 5
    with pytest.raises(UserError, match="no row 'T7'"):
        session.rows_of("T7")
    for text in ("", ",", " , "):
        with pytest.raises(UserError, match="no row in"):
            session.rows_of(text)
