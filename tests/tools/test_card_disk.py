# SPDX-License-Identifier: Apache-2.0
"""Partition table and file systems of a card, read back by those who wrote the standards' tools."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from pathlib import Path

import pytest

from xenolith.card import ext4, fat, layout, mbr, names, tree
from xenolith.errors import UserError

MIB = 1 << 20
SECONDS = 1_700_000_000
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
FORM = ext4.Format("dom0", "7c1a3f52-0000-4000-8000-000000000001", SECONDS)


def tool(*command: str | Path) -> str:
    """Run a program that is an oracle here; its output."""
    env = {**os.environ, "PATH": PATH, "LC_ALL": "C", "MTOOLS_SKIP_CHECK": "0"}
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, env=env, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_partition_table_as_sfdisk_reads_it(tmp_path: Path) -> None:
    boot = mbr.Partition(mbr.FAT32, 4 * MIB, 36 * MIB, bootable=True)
    root = mbr.Partition(mbr.LINUX, 40 * MIB, 24 * MIB)
    disk = tmp_path / "disk"
    sector = mbr.pack([boot, root], 0x45847789)
    disk.write_bytes(sector.ljust(64 * MIB, b"\0"))
    said = [line.split(":", 1)[1] for line in tool("sfdisk", "-d", disk).splitlines()[-2:]]
    assert said[0].replace(" ", "") == "start=8192,size=73728,type=c,bootable"
    assert said[1].replace(" ", "") == "start=81920,size=49152,type=83"
    assert "label-id: 0x45847789" in tool("sfdisk", "-d", disk)
    assert mbr.parse(sector) == (0x45847789, [boot, root])


@pytest.mark.parametrize("sector", [b"", bytes(512), b"x" * 511])
def test_no_partition_table(sector: bytes) -> None:
    with pytest.raises(UserError, match="no partition table"):
        mbr.parse(sector)


def test_what_a_partition_table_cannot_say() -> None:
    with pytest.raises(UserError, match="2 TiB"):
        mbr.pack([mbr.Partition(mbr.LINUX, 4 * MIB, 1 << 41)], 1)
    with pytest.raises(UserError, match="a sector"):
        mbr.pack([mbr.Partition(mbr.LINUX, 100, 512)], 1)


FILES = {
    "config.txt": b"arm_64bit=1\n",
    "bcm2711-rpi-4-b.dtb": bytes(range(256)) * 200,
    "bcm2711-rpi-400.dtb": b"x" * 512,
    "a name, of just 26 letters": b"1",
    "thirteen-char": b"2",
    "UPPER.TXT": b"3",
    "empty": b"",
    "overlays/one.dtbo": b"4" * 5000,
    "overlays/deep/er/two": b"5",
}


def fat_image(path: Path, files: dict[str, bytes], size: int) -> Path:
    with path.open("wb") as f:
        f.truncate(size)
        for offset, data in fat.pack(files, fat.Format(size, "BOOT", 0x1234ABCD, SECONDS)):
            f.seek(offset)
            f.write(data)
    return path


@pytest.mark.parametrize("size", [36, 64, 256, 1200])
def test_fat_as_others_read_it(tmp_path: Path, size: int) -> None:
    many = {f"overlays/overlay-number-{n}.dtbo": b"%d" % n for n in range(300)}
    image = fat_image(tmp_path / "fat", {**FILES, **many}, size * MIB)
    said = tool("fsck.vfat", "-nv", image)
    assert "32 bit entries" in said and "reclaim" not in said
    listed = tool("mdir", "-/", "-b", "-i", image, "::").split("\n")
    names_listed = {line.removeprefix("::/") for line in listed if not line.endswith("/")} - {""}
    assert names_listed == {*FILES, *many}
    for name, data in FILES.items():
        tool("mcopy", "-no", "-i", image, f"::{name}", tmp_path / "out")
        assert (tmp_path / "out").read_bytes() == data
    assert "Volume in drive : is BOOT" in tool("mdir", "-i", image, "::")


def test_fat_is_always_the_same(tmp_path: Path) -> None:
    sums = [
        hashlib.sha256(fat_image(tmp_path / "fat", files, 64 * MIB).read_bytes()).hexdigest()
        for files in (FILES, dict(reversed(FILES.items())))
    ]
    assert sums[0] == sums[1]


def test_fat_without_room() -> None:
    with pytest.raises(UserError, match="cannot hold 40 MiB"):
        fat.pack({"kernel": bytes(40 * MIB)}, fat.Format(36 * MIB, "BOOT", 1, SECONDS))
    with pytest.raises(UserError, match="too small for FAT32; at least 33 MiB"):
        fat.pack({}, fat.Format(32 * MIB, "BOOT", 1, SECONDS))
    fat.pack({}, fat.Format(fat.SMALLEST, "BOOT", 1, SECONDS))


@pytest.mark.parametrize("name", ["", "a/b", "x:y", "end.", "ü", "n" * 256, "tab\t"])
def test_names_that_fat_does_not_have(name: str) -> None:
    with pytest.raises(UserError, match="cannot be called"):
        names.short_name(name, set())


def test_the_first_stage_finds_short_names() -> None:
    assert names.short_name("start4.elf", set()) == b"START4  ELF"
    assert names.short_name("config.txt", {b"CONFIG  TXT"}) == b"CONFIG~1TXT"


def sample(tmp_path: Path) -> tree.Tree:
    """A root with everything that is not plain."""
    big = tmp_path / "big"
    big.write_bytes(os.urandom(3 * MIB) if not big.exists() else big.read_bytes())
    found: tree.Tree = {"": tree.directory("")}
    capability = bytes.fromhex("0100000200200000000000000000000000000000")
    items = [
        tree.file("usr/bin/perl", b"#!", 0o4755),
        tree.Item("usr/bin/perl5", stat.S_IFREG | 0o4755, target="usr/bin/perl"),
        tree.Item(
            "usr/bin/ping",
            stat.S_IFREG | 0o755,
            data=b"ping",
            attributes=(("security.capability", capability),),
        ),
        tree.Item("usr/lib/big", stat.S_IFREG | 0o644, data=big),
        tree.file('srv/someone/a "quoted" name with spaces', b"q", 0o600, uid=1000, gid=100_000),
        tree.directory("srv/someone", 0o700, uid=1000, gid=1000),
        tree.directory("tmp", 0o1777),
        tree.link("bin", "usr/bin"),
        tree.link("etc/long", "x" * 200),
        tree.Item("dev/null", stat.S_IFCHR | 0o666, device=(1, 3)),
        tree.Item("run/pipe", stat.S_IFIFO | 0o600),
    ]
    tree.put(found, items, SECONDS)
    return found


def test_ext4_has_owners_modes_links_and_capabilities(tmp_path: Path) -> None:
    image = tmp_path / "root"
    (tmp_path / "spool").mkdir()
    ext4.write(sample(tmp_path), image, 64 * MIB, FORM, tmp_path / "spool")
    tool("e2fsck", "-fn", image)

    def said(path: str) -> str:
        return " ".join(tool("debugfs", "-R", f'stat "{path}"', image).split())

    name = '/srv/someone/a ""quoted"" name with spaces'
    assert "Mode: 0600" in said(name) and "User: 1000 Group: 100000" in said(name)
    assert "Mode: 04755" in said("/usr/bin/perl") and "Links: 2" in said("/usr/bin/perl5")
    assert "security.capability (20)" in said("/usr/bin/ping")
    assert "Mode: 01777" in said("/tmp") and "User: 1000" in said("/srv/someone")
    assert "Type: character special" in said("/dev/null")
    assert "Type: FIFO" in said("/run/pipe")
    assert f"mtime: {SECONDS:#x}" in said("/tmp")
    assert '"usr/bin"' in said("/bin")
    tool("debugfs", "-R", f"dump /usr/lib/big {tmp_path / 'out'}", image)
    assert (tmp_path / "out").read_bytes() == (tmp_path / "big").read_bytes()


def test_ext4_is_always_the_same(tmp_path: Path) -> None:
    sums = []
    for number, turned in enumerate((False, True)):
        spool = tmp_path / f"spool{number}"
        spool.mkdir()
        found = sample(tmp_path)
        found = dict(reversed(found.items())) if turned else found
        ext4.write(found, tmp_path / "root", 64 * MIB, FORM, spool)
        sums.append(hashlib.sha256((tmp_path / "root").read_bytes()).hexdigest())
    assert sums[0] == sums[1]


def test_ext4_without_room(tmp_path: Path) -> None:
    found = sample(tmp_path)
    with pytest.raises(UserError, match="cannot hold"):
        ext4.write(found, tmp_path / "root", 4 * MIB, FORM, tmp_path)
    assert not (tmp_path / "root").exists()


def test_a_name_that_a_command_line_cannot_carry() -> None:
    for name in ("a\nb", "a\rb", "a\0b"):
        with pytest.raises(UserError, match="cannot be called"):
            ext4.quote(name)


def test_the_rest_of_a_long_line_would_be_a_command(tmp_path: Path) -> None:
    """debugfs reads 8192 bytes and takes what follows for a line of its own."""
    found: tree.Tree = {"": tree.directory("")}
    tree.put(found, [tree.link("long", '"' * 4090)], SECONDS)
    with pytest.raises(UserError, match="too long for an image"):
        ext4.write(found, tmp_path / "root", 64 * MIB, FORM, tmp_path)


def test_names_need_not_be_utf_8(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    found: tree.Tree = {"": tree.directory("")}
    tree.put(found, [tree.file(name, "x")], SECONDS)
    ext4.write(found, tmp_path / "root", 64 * MIB, FORM, tmp_path / "spool")
    command = ["debugfs", "-R", "ls -p /", str(tmp_path / "root")]
    assert b"/caf\xe9/" in subprocess.run(command, capture_output=True, check=True).stdout


def test_archives_lead_nowhere_else() -> None:
    assert tree.merged("./bin/sh") == "usr/bin/sh"
    assert tree.merged("/etc/passwd") == "etc/passwd"
    assert tree.merged("./lib") == "lib"
    with pytest.raises(UserError, match="delete it"):
        tree.merged("../etc/passwd")


def test_layout() -> None:
    small = layout.plan(20 * MIB, 20 * MIB, None, minimal=True)
    assert small.size == 64 * MIB and small.is_power_of_two
    large = layout.plan(30 * MIB, 500 * MIB, 3 << 30)
    assert large.root.start + large.root.size == large.size == 3 << 30
    assert large.boot.start % (4 * MIB) == large.root.start % (4 * MIB) == 0
    with pytest.raises(UserError, match="--size 512M is too small: this needs 888M"):
        layout.plan(30 * MIB, 500 * MIB, 512 * MIB)
    with pytest.raises(UserError, match="not a multiple of 4 MiB"):
        layout.plan(30 * MIB, 500 * MIB, (1 << 30) + 512)
