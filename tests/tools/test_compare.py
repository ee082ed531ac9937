# SPDX-License-Identifier: Apache-2.0
"""The comparison of xl: its lists, its guests, its verdicts and its page; no QEMU here."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from xenolith import ROOT
from xenolith.cli import compare as verb
from xenolith.cli import main as cli
from xenolith.compare import judge, kernel, page, record, rows, session, words
from xenolith.compare.rows import Group, Reason, Row, Said
from xenolith.errors import UserError

SAME = Said(0, ("Pool-0 0,1",))
OTHER = Said(1, ("no",))
LISTED = {"arm64": Reason("missing", "no pools", OTHER)}


def test_page_says_what_the_lists_say() -> None:
    """The page is made from them; this leaves the right one in build/."""
    made = verb.listed_page()
    if not page.PAGE.exists() or page.PAGE.read_text() != made:
        new = ROOT / "build" / "XL.md"
        new.parent.mkdir(exist_ok=True)
        new.write_text(made)
        pytest.fail("docs/XL.md is not what tests/xl says: cp build/XL.md docs/", pytrace=False)


def test_every_verb_has_a_row() -> None:
    """Those of `xl help`, as real Xen said it."""
    groups = rows.load()
    host = next(group for group in groups if group.name == "host")
    index = next(i for i, row in enumerate(host.rows) if row.run == "xl help")
    lines = record.load(groups)["host"][index].lines[2:]
    verbs = {found[1] for line in lines if (found := re.match(r"([a-z0-9-]+)(?= [A-Z]|$)", line))}
    shown = {row.of for group in groups if group.name != page.KEYS for row in group.rows}
    assert len(verbs) > 75
    assert verbs | {"help"} == shown


@pytest.mark.parametrize("arch", ["arm64", "riscv"])
def test_guests_have_the_header_that_xl_knows(arch: str) -> None:
    images = kernel.images(arch)
    magic = {"arm64": (56, b"ARM\x64"), "riscv": (48, b"RISCV\0\0\0RSC\x05")}[arch]
    for image in images.values():
        assert image[magic[0] :].startswith(magic[1])
        assert kernel.HEADER < len(image) < kernel.SIZE
    assert struct.unpack("<I", images["crash"][-4:]) == (3,)


def test_normal_form() -> None:
    rules = words.load()
    said = """
Name                                        ID   Mem VCPUs	State	Time(s)
g                                           17    16     1     --p---       0.3
libxl: error: libxl_domain.c:12:domain_x: Domain 17:Not found
xc: error: panic: xg_dom_boot.c:120: no (12 = Cannot allocate memory): Internal error
libxl: error: libxl_exec.c:117:libxl_report: /etc/xen/scripts/vif online [1667] exited
"""
    assert words.normal(said, "", rules) == (
        "Name ID Mem VCPUs State Time(s)",
        "g ID 16 1 p--- TIME",
        "libxl: error: Not found",
        "xc: error: panic: no (12 = Cannot allocate memory): Internal error",
        "libxl: error: /etc/xen/scripts/vif online exited",
    )
    assert words.normal(said, "^g", rules) == ("g ID 16 1 p--- TIME",)


def test_answers_are_taken_apart() -> None:
    """Rows of another architecture are not run; text without a last newline is whole."""
    group = Group(
        "host", "", "truncate x", (Row("a", "xl a", "k"), Row("b", "b", on="riscv"), Row("c", "c"))
    )
    typed = session.script(group, "arm64")
    assert "truncate x" in typed and "begin 0" in typed and "begin 1" not in typed
    text = "\n@@ begin 0\nkept\r\nnot\n\n@@ end 3\n\n@@ begin 2\nlast\n@@ end 143\n"
    assert session.answers(group, text, []) == {0: Said(3, ("kept",)), 2: Said(143, ("last",))}


@pytest.mark.parametrize(
    ("reasons", "ours", "word"),
    [
        ({}, SAME, "same"),
        ({}, OTHER, "different"),
        ({}, None, "different"),
        (LISTED, OTHER, "missing"),
        (LISTED, SAME, "different"),
        (LISTED, Said(1, ("what",)), "different"),
    ],
)
def test_verdicts(reasons: dict[str, Reason], ours: Said | None, word: str) -> None:
    """A reason covers its own words only, and not one more row than it must."""
    group = Group("pools", "", "", (Row("cpupool-list", "xl cpupool-list", reasons=reasons),))
    answers = {"pools": {} if ours is None else {0: ours}}
    (found,) = judge.judge([group], {"pools": (SAME,)}, answers, "arm64")
    assert found.word == word
    assert bool(found.why) == (word != "same")


def test_page_takes_the_worst_of_several_commands() -> None:
    group = Group("pools", "", "", (Row("x", "xl x", reasons=LISTED), Row("x", "xl x 2")))
    known = {"pools": (SAME, SAME)}
    found = {arch: judge.listed([group], known, arch) for arch in ("arm64", "riscv")}
    text = page.text([group], found)
    assert "| `x` | 2 | missing | same | arm64: no pools |" in text
    assert "| verbs, arm64 | 0 | 0 | 1 |" in text


def test_page_leaves_out_what_ours_is_not_asked_yet() -> None:
    group = Group("keys", "", "", (Row("x", "xl x"), Row("y", "xl y", later="being built")))
    found = {"arm64": judge.listed([group], {"keys": (SAME, SAME)}, "arm64")}
    text = page.text([group], found)
    assert "`x`" in text and "`y`" not in text and "\n1 commands are compared" in text
    assert "begin 1" not in session.script(group, "arm64")
    assert "begin 1" in session.script(group, "arm64", xen=True)


def test_record_is_written_and_read(tmp_path: Path) -> None:
    """Quotes, backslashes and letters of others survive; other rows than it has are refused."""
    group = Group("pools", "", "", (Row("x", "xl 'x' \"y\" \\", keep="a|b"), Row("x", "xl z")))
    answers = (Said(1, ('a "b" \\ ü\x1b',)), Said(0, ()))
    (tmp_path / record.FILE).write_text(record.text([group], {"pools": answers}))
    assert record.load([group], tmp_path) == {"pools": answers}
    other = Group("pools", "", "", (group.rows[0],))
    with pytest.raises(UserError, match=r"other rows than pools.toml has; .* --groups pools"):
        record.load([other], tmp_path)


HEAD = 'about = "x"\n[[row]]\nof = "x"\nrun = "x"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("about", "git restore"),
        ('about = "x"\n', "no [[row]]"),
        ('about = "x"\n[[row]]\nof = "x"\n', "run is no text"),
        (HEAD + 'onn = "x"', "unknown 'onn'"),
        (HEAD + 'on = "x86"', "there are arm64, riscv"),
        (HEAD + "status = 1", "no reason"),
        (HEAD + 'better = "x"\nmissing = "x"', "choose one"),
        (HEAD + 'missing = ""', "missing is no text"),
        (HEAD + 'missing = "x"\nours = "x"', "a list of lines"),
        (HEAD + 'riscv = "x"', "riscv is no table"),
        (HEAD + 'keep = "("', "row 'x': "),
    ],
)
def test_bad_rows_are_one_line(tmp_path: Path, text: str, message: str) -> None:
    for name in rows.GROUPS:
        (tmp_path / f"{name}.toml").write_text(text)
    with pytest.raises(UserError, match=re.escape(message)) as error:
        rows.load(tmp_path)
    assert "\n" not in error.value.message and "host.toml" in error.value.message


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["xm"], "invalid choice"),
        (["xl", "--groups", "verbs"], "no group of rows 'verbs'; there are: host"),
        (["xl", "--groups", ","], "no group of rows"),
        (["xl", "--board", "qemu-virt-riscv64", "--live"], "Debian has no Xen for riscv"),
        (["xl", "--board", "rpi4"], "the rows are for QEMU's virt machines; rpi4 is none"),
        (["xl", "--hypervisor", "/nowhere"], "/nowhere: no such file"),
    ],
)
def test_wrong_use_is_one_line(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["compare", *argv]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1
