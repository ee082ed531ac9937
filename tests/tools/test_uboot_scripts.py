# SPDX-License-Identifier: Apache-2.0
"""U-Boot's script images and their text: bytes as mkimage writes them, quoting, what is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenolith.dt import edit
from xenolith.errors import UserError
from xenolith.uboot import legacy, script
from xenolith.uboot.legacy import Script


@pytest.mark.parametrize(("port", "name"), [("arm64", "arm64"), ("riscv", "riscv")])
def test_bytes_are_those_of_mkimage(
    port: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    text = "echo one\nfdt set /chosen \\#address-cells <0x2>\n"
    (tmp_path / "source").write_text(text)
    command = ["mkimage", "-T", "script", "-A", name, "-C", "none", "-a", "0xC00000"]
    command += ["-e", "0xC00000", "-n", "boot", "-d", "source", "scr"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    ours = legacy.pack(Script(text, port, 0xC0_0000, "boot", legacy.now()))
    assert ours == (tmp_path / "scr").read_bytes()


@given(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), min_size=1))
def test_an_image_gives_its_script_back(text: str) -> None:
    want = Script(text, "riscv", 0x8000_0000, "name", 7)
    assert legacy.unpack(legacy.pack(want)) == want


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_any_changed_byte_is_noticed(position: int, change: int) -> None:
    image = bytearray(legacy.pack(Script("echo hello\n", "arm64", 0, "n", 1)))
    image[position % len(image)] ^= change
    with pytest.raises(UserError):
        legacy.unpack(bytes(image))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (Script("", "arm64"), "empty"),
        (Script("a\0b", "arm64"), "NUL"),
        (Script("a", "mips"), "mips"),
        (Script("a", "arm64", 1 << 32), "32 bits"),
        (Script("a", "arm64", name="n" * 33), "32 bytes"),
        (Script("a" * (legacy.MAX_SCRIPT + 1), "arm64"), "1 MiB"),
    ],
)
def test_what_the_format_cannot_hold(bad: Script, message: str) -> None:
    with pytest.raises(UserError, match=message):
        legacy.pack(bad)


def test_truncated_images() -> None:
    image = legacy.pack(Script("echo hello\n", "arm64"))
    for size in range(len(image)):
        with pytest.raises(UserError):
            legacy.unpack(image[:size])


def test_wrong_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(UserError, match="SOURCE_DATE_EPOCH"):
        legacy.now()


@pytest.mark.parametrize(
    ("change", "command"),
    [
        (edit.Node("/chosen/domU0"), "fdt mknod /chosen domU0"),
        (edit.Node("/chosen"), "fdt mknod / chosen"),
        (edit.cells("/chosen", "#size-cells", 2), "fdt set /chosen \\#size-cells <0x2>"),
        (edit.wide("/c", "reg", 0x1_0000_0002), "fdt set /c reg <0x1 0x2>"),
        (edit.strings("/c", "s", "a,b", "c d"), "fdt set /c s a,b 'c d'"),
        (edit.Set("/c", "direct-map", edit.Flag()), "fdt set /c direct-map"),
        (edit.Remove("/c", "#x"), "fdt rm /c \\#x"),
        (edit.Remove("/c"), "fdt rm /c"),
    ],
)
def test_edits_as_commands(change: edit.Edit, command: str) -> None:
    assert script.fdt_command(change) == command


@pytest.mark.parametrize("text", ["a\nb", "ä", "tab\there", "\x7f"])
def test_what_cannot_be_quoted(text: str) -> None:
    with pytest.raises(UserError):
        script.quote(text)
