# SPDX-License-Identifier: Apache-2.0
"""The image as a whole: made by the command's own function, read by others' tools."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from xenolith import ROOT
from xenolith.boards import find
from xenolith.card import boot, ext4, image, login, mbr, packages, recipe
from xenolith.card.image import Request
from xenolith.cli import image as verb
from xenolith.cli import main as cli
from xenolith.dom0 import recipe as dom0_recipe
from xenolith.errors import UserError
from xenolith.uboot import legacy

MIB = 1 << 20
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


@pytest.fixture(scope="module")
def wishes(tmp_path_factory: pytest.TempPathFactory) -> Request:
    """A card with a hypervisor that is a header only."""
    path = tmp_path_factory.mktemp("hypervisor") / "xenolith"
    fields = (0x14000010, 0, 0, 2 * MIB, 0xA, 0, 0, 0, 0x644D5241, 0)
    path.write_bytes(struct.pack("<II6QII", *fields).ljust(4096, b"\0"))
    return Request(find("rpi4"), path, "console=dtuart", "console=hvc0", minimal=True)


@pytest.fixture(scope="module")
def made(wishes: Request, tmp_path_factory: pytest.TempPathFactory) -> image.Made:
    return image.build(wishes, tmp_path_factory.mktemp("card") / "live.raw")


def part(made: image.Made, number: int, to: Path) -> Path:
    """A partition as a file."""
    _, table = mbr.parse(made.path.read_bytes()[:512])
    found = table[number - 1]
    with made.path.open("rb") as f:
        f.seek(found.start)
        to.write_bytes(f.read(found.size))
    return to


def tool(*command: str | Path) -> bytes:
    env = {**os.environ, "PATH": PATH, "LC_ALL": "C"}
    return subprocess.run([*map(str, command)], env=env, capture_output=True, check=True).stdout


def test_both_file_systems_are_clean(made: image.Made, tmp_path: Path) -> None:
    tool("fsck.vfat", "-n", part(made, 1, tmp_path / "p1"))
    tool("e2fsck", "-fn", part(made, 2, tmp_path / "p2"))
    assert made.path.stat().st_size == 128 * MIB
    inside = tool("debugfs", "-R", "ls -p /", tmp_path / "p2").decode()
    assert "/040755/0/0/xenolith/" in inside and "/100755/0/0/init/" in inside


def test_what_programs_are_told(made: image.Made) -> None:
    told = verb.described(made)
    assert told["sha256"] == hashlib.sha256(made.path.read_bytes()).hexdigest()
    identifier, parts = mbr.parse(made.path.read_bytes()[:512])
    assert (told["size"], told["identifier"]) == (128 * MIB, f"{identifier:08x}")
    assert told["partitions"] == [
        {"name": name, "type": part.kind, "start": part.start, "size": part.size}
        for name, part in zip(("boot", "root"), parts, strict=True)
    ]
    json.dumps(told)


def test_what_the_firmware_and_uboot_find(made: image.Made, tmp_path: Path) -> None:
    first = part(made, 1, tmp_path / "p1")
    listed = {x.removeprefix("::/") for x in tool("mdir", "-b", "-i", first, "::").decode().split()}
    assert {"config.txt", "extraconfig.txt", "start4.elf", "fixup4.dat", "u-boot.bin"} <= listed
    assert {"bcm2711-rpi-4-b.dtb", "xenolith", "kernel.gz", "initrd.gz", "boot.scr"} <= listed
    assert "bl31.bin" not in listed
    text = legacy.unpack(tool("mtype", "-i", first, "::boot.scr")).text
    assert text.encode() == tool("mtype", "-i", first, "::boot.source")
    assert f"root=PARTUUID={made.identifier:08x}-02 rw" in text
    assert "${devtype} ${devnum}" in text and "mmc 0" not in text


def test_the_same_wishes_give_the_same_bytes(
    made: image.Made, wishes: Request, tmp_path: Path
) -> None:
    def digest(path: Path) -> str:
        return hashlib.sha256(path.read_bytes()).hexdigest()

    again = image.build(wishes, tmp_path / "again.raw")
    assert digest(again.path) == digest(made.path)
    other = image.build(replace(wishes, hostname="other"), tmp_path / "other.raw")
    assert other.identifier != made.identifier


def test_trusted_firmware(wishes: Request, tmp_path: Path) -> None:
    made = image.build(replace(wishes, trusted=True), tmp_path / "live.raw")
    first = part(made, 1, tmp_path / "p1")
    assert b"\narmstub=bl31.bin\n" in tool("mtype", "-i", first, "::config.txt").replace(b"\r", b"")
    assert len(tool("mtype", "-i", first, "::bl31.bin")) > 10_000


def test_nothing_is_half_written(
    wishes: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "live.raw"
    out.write_bytes(b"the old one")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(ext4, "write", full)
        with pytest.raises(UserError, match="disk full: no room for the image"):
            image.build(wishes, out)
    with pytest.raises(UserError, match="--size 32M is too small"):
        image.build(replace(wishes, size=32 * MIB), out)
    assert out.read_bytes() == b"the old one"
    assert [path.name for path in tmp_path.iterdir()] == ["live.raw"]
    with pytest.raises(UserError, match="is a folder"):
        image.build(wishes, tmp_path)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--board", "pi5"], "no board 'pi5'"),
        (["--hostname", "a b"], "--hostname"),
        (["--user", "0"], "--user"),
        (["--ssh-key", "/nonexistent"], "No such file or directory; `ls ~/.ssh/*.pub` lists keys"),
        (["--no-console-login"], "the console is the only way in without a key"),
        (["--minimal", "--no-console-login"], "--no-console-login: a --minimal dom0"),
        (["--packages", "A"], "no name of a Debian package"),
        (["--minimal", "--packages", "vim"], "--packages: a --minimal dom0"),
        (["--minimal", "--user", "pi"], "--user: a --minimal dom0"),
        (["--size", "big"], "is no size"),
        (["--xen-args", "dom0_mem=9G"], "does not fit"),
        (["--card", "/dev/null"], "no such disk"),
        (["--card", "/nonexistent"], "no such disk"),
    ],
)
def test_wrong_use_is_one_line_before_any_work(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["image", *argv]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1


def test_the_advice(made: image.Made, capsys: pytest.CaptureFixture[str]) -> None:
    args = argparse.Namespace(card=None, minimal=False)
    verb.advise(find("rpi4"), made, login.Login(), args)
    said = capsys.readouterr().err
    assert "128 MiB" in said and f"dd if={made.path} of=/dev/sdX" in said
    assert "you will set a password" in said
    verb.advise(find("qemu-virt-riscv64"), made, login.Login(), args)
    run = f"start it: ./xenolith run --board qemu-virt-riscv64 --from {made.path}"
    said = capsys.readouterr().err
    assert run in said and "you will set a password" in said


def test_boards_without_a_card() -> None:
    with pytest.raises(UserError, match="rpi4 does not start from a card") as e:
        boot.facts(replace(find("rpi4"), card=None))
    assert "rpi4" in e.value.message and e.value.code == 2


def test_config_txt_is_all_that_the_firmware_needs() -> None:
    """Every key on a line of its own, explained by a comment before it."""
    card = boot.facts(find("rpi4"))
    lines = (ROOT / "boards/rpi4" / card.texts[0]).read_text().splitlines()
    keys = [line for line in lines if line and not line.startswith("#")]
    wanted = {"kernel=u-boot.bin", "arm_64bit=1", "enable_uart=1", "enable_gic=1"}
    assert wanted <= set(keys) and keys[-1] == f"include {card.texts[1]}"
    assert f"#{card.trusted_line}" in lines
    names = {name for _, _, name in card.files}
    assert "u-boot.bin" in names


@pytest.mark.slow
def test_the_packages_of_a_debian_card_exist() -> None:
    rules, suite = recipe.load(), dom0_recipe.load().suite
    wanted = {*rules.packages, *rules.more["arm64"]}
    found = packages.solve(sorted(wanted), suite, "arm64")
    names = [package.name for package in found]
    assert {*wanted, *rules.first} <= set(names)
    assert next(p for p in found if p.name == "dpkg").essential
    assert not next(p for p in found if p.name == "nano").essential
    assert names.index("libc6") < names.index("nano")
