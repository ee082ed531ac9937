# SPDX-License-Identifier: Apache-2.0
"""Debian packages: real .deb files made here; what apt says turned into one line."""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path

import pytest

from xenolith.dom0 import apt, cache, cpio, debian, elf, guest, image, initramfs, recipe
from xenolith.errors import UserError


@pytest.fixture(scope="module")
def deb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("deb")
    tree = root / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr" / "bin").mkdir(parents=True)
    (tree / "usr" / "bin" / "tool").write_bytes(b"#!/bin/sh\n")
    (tree / "usr" / "bin" / "tool").chmod(0o755)
    (tree / "usr" / "bin" / "alias").symlink_to("tool")
    fields = {"Package": "t", "Version": "1", "Architecture": "all", "Maintainer": "x <x@x.x>"}
    text = "".join(f"{key}: {value}\n" for key, value in fields.items()) + "Description: t\n"
    (tree / "DEBIAN" / "control").write_text(text)
    path = root / "t.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, path], check=True)
    return path


def test_members(deb: Path) -> None:
    found = {m.path: m for m in debian.members(deb, lambda _path: True)}
    assert found["usr/bin/tool"].data == b"#!/bin/sh\n"
    assert found["usr/bin/tool"].mode == 0o755
    assert found["usr/bin/alias"].target == "tool"
    assert list(debian.members(deb, lambda path: path == "usr/bin/other")) == []


def test_unpack(deb: Path, tmp_path: Path) -> None:
    debian.unpack(deb, tmp_path)
    debian.unpack(deb, tmp_path)
    assert (tmp_path / "usr/bin/alias").read_bytes() == b"#!/bin/sh\n"


@pytest.mark.parametrize("size", [0, 100, 300])
def test_a_damaged_package_is_named(deb: Path, tmp_path: Path, size: int) -> None:
    broken = tmp_path / "broken.deb"
    broken.write_bytes(deb.read_bytes()[:size])
    with pytest.raises(UserError, match=r"broken\.deb is damaged"):
        list(debian.members(broken, lambda _path: True))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("E: Failed to fetch http://m/x  Could not resolve 'm'", "no network"),
        ("Err:1 x\nE: Write error - write (28: No space left on device)", "disk full"),
        ("E: Unable to locate package foo", "Unable to locate package foo"),
        ("", "apt-get failed with 100"),
    ],
)
def test_what_apt_says(said: str, expected: str) -> None:
    done = subprocess.CompletedProcess(["apt-get"], 100, "", said)
    assert expected in apt.reason(done)


def test_no_room_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"disk full: need \d+ MB in .*; set XENOLITH_CACHE"):
        cache.require_space(tmp_path, 1 << 60)


def test_cache_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XENOLITH_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.cache_dir("a") == tmp_path / "xdg" / "xenolith" / "a"
    monkeypatch.setenv("XENOLITH_CACHE", str(tmp_path / "own"))
    assert cache.cache_dir() == tmp_path / "own"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XENOLITH_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match="XENOLITH_CACHE"):
        cache.cache_dir("a")


def test_modules_are_loaded_after_what_they_need() -> None:
    needs = {"a": ["b", "c"], "b": ["c"], "c": [], "d": ["a"], "x": ["y"], "y": ["x"]}
    assert elf.load_order(["d", "b"], lambda name: needs[name]) == ["c", "b", "a", "d"]
    assert sorted(elf.load_order(["x"], lambda name: needs[name])) == ["x", "y"]


def test_a_file_that_is_no_elf_needs_nothing() -> None:
    assert elf.needed("script", b"#!/bin/sh\n") == []
    with pytest.raises(UserError, match="lib"):
        elf.needed("lib", b"\x7fELF")


def test_the_recipe_is_complete(tmp_path: Path) -> None:
    rules = recipe.load()
    assert rules.for_arch(rules.kernel, "arm64")[0] == "linux-image-arm64"
    with pytest.raises(UserError, match="sparc"):
        rules.for_arch(rules.kernel, "sparc")
    wrong = tmp_path / "r.toml"
    wrong.write_text('suite = "x"\nprogrms = []\n')
    with pytest.raises(UserError, match=r"r\.toml: unknown or missing keys: .*programs, progrms"):
        recipe.load(wrong)
    text = recipe.DEFAULT.read_text()
    wrong.write_text(text.replace('"linux,dummy-virt" = [', '"../virt" = ['))
    with pytest.raises(UserError, match=r"r\.toml: '\.\./virt' is no `compatible`"):
        recipe.load(wrong)


def test_each_machine_has_all_its_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = {"xen-a": "xen-core", "usb-net": "usb,xen-core", "eth": "mii", "usb": "mii"}
    names = [*needs, "xen-core", "mii", "phy"]
    files = {f"lib/modules/1/{n}.ko": debian.Member(f"{n}.ko", 0o644, n.encode()) for n in names}
    monkeypatch.setattr(
        elf,
        "module_info",
        lambda path, data: {
            "depends": needs.get(data.decode(), ""),
            "softdep": "post: usb pre: phy crc32c" if data == b"eth" else "",
        },
    )
    groups: initramfs.Groups = {
        initramfs.XEN: ("xen_a",),
        "board,one": ("usb-net",),
        "board,two": ("eth",),
    }
    packed = parse_newc(cpio.pack(initramfs.modules(groups, files)))
    assert [path for path in packed if path.endswith(".ko")] == [
        "modules/board,one/00-mii.ko",
        "modules/board,one/01-usb.ko",
        "modules/board,one/02-usb-net.ko",
        "modules/board,two/00-mii.ko",
        "modules/board,two/01-phy.ko",
        "modules/board,two/02-eth.ko",
        "modules/xen/00-xen-core.ko",
        "modules/xen/01-xen-a.ko",
    ]
    with pytest.raises(UserError, match="no module wlan"):
        initramfs.modules({"board,one": ("wlan",)}, files)


def test_modprobe_finds_a_module_by_what_the_kernel_calls_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    needs = {"fs": "crc,lib-a", "lib-a": "lib-b", "loop": "", "back": "core"}
    names = [*needs, "core", "crc", "lib-b"]
    files = {f"lib/modules/1/{n}.ko": debian.Member(f"{n}.ko", 0o644, n.encode()) for n in names}
    monkeypatch.setattr(
        elf, "module_info", lambda _path, data: {"depends": needs.get(data.decode(), "")}
    )
    monkeypatch.setattr(elf, "aliases", lambda name, _data: ["fs-x"] if name == "fs" else [])
    chosen = initramfs.Modules({initramfs.XEN: ("core",)}, ("back", "fs", "loop"), "1")
    packed = parse_newc(cpio.pack(initramfs.on_demand(chosen, files)))
    assert {path.rpartition("/")[2] for path in packed if path.endswith(".ko")} == {
        f"{name}.ko" for name in names if name != "core"
    }
    table = packed["usr/lib/modules/1/modules.dep"][1].decode().splitlines()
    # What depends comes before what it depends on: modprobe loads from the end.
    assert "fs.ko: lib-a.ko lib-b.ko crc.ko" in table
    assert "back.ko:" in table
    assert packed["usr/lib/modules/1/modules.alias"][1] == b"alias fs-x fs\n"
    assert initramfs.on_demand(initramfs.Modules(), files) == []


def test_guests_get_the_kernel_and_a_system_for_an_empty_disk() -> None:
    files = {"usr/bin/busybox": debian.Member("usr/bin/busybox", 0o755, b"box")}
    paths = (path for pattern in image.OWN for path in image.SCRIPTS.glob(pattern))
    scripts = {str(p.relative_to(image.SCRIPTS)): p.read_bytes() for p in paths}
    packed = parse_newc(guest.archive(b"kernel", files, (), scripts))
    assert gzip.decompress(packed[guest.KERNEL][1]) == b"kernel"
    inside = parse_newc(gzip.decompress(packed[guest.INITRD][1]))
    assert inside["bin/busybox"][1] == b"box"
    assert inside["init"][0] & 0o111
    assert "demo/etc/inittab" in inside
    for name in ("demo.cfg", "guest.cfg.example"):
        config = scripts[f"xen/{name}"].decode()
        assert f'kernel = "/{guest.KERNEL}"' in config
        assert f'ramdisk = "/{guest.INITRD}"' in config
    assert parse_newc(guest.archive(b"", files, (), scripts)) == {}


def parse_newc(data: bytes) -> dict[str, tuple[int, bytes, int]]:
    """Path to mode, content and modification time; stops at the trailer."""
    found: dict[str, tuple[int, bytes, int]] = {}
    at = 0
    while True:
        assert data[at : at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        mode, time, size, name_size = fields[1], fields[5], fields[6], fields[11]
        name = data[at + 110 : at + 110 + name_size - 1].decode()
        at = (at + 110 + name_size + 3) & ~3
        if name == cpio.TRAILER:
            return found
        found[name] = (mode, data[at : at + size], time)
        at = (at + size + 3) & ~3


def test_archives_are_sorted_complete_and_timeless() -> None:
    entries = [cpio.file("b/c/d", b"xyz", 0o600), cpio.link("a", "b"), cpio.directory("b", 0o700)]
    data = cpio.pack(entries)
    found = parse_newc(data)
    assert list(found) == ["a", "b", "b/c", "b/c/d"]
    assert found["b"][0] == 0o40700
    assert found["b/c/d"] == (0o100600, b"xyz", 0)
    assert found["a"] == (0o120777, b"b", 0)
    assert cpio.pack(reversed(entries)) == data
    assert len(cpio.compress(data)) % 4 == 0
    assert cpio.compress(data) == cpio.compress(data)


@pytest.mark.parametrize("path", ["/abs", "../up", "same"])
def test_archives_refuse_bad_paths(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        cpio.pack([cpio.file("same", b""), cpio.file(path, b"")])
