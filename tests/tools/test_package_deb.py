# SPDX-License-Identifier: Apache-2.0
"""Debian packages as bytes: what dpkg reads from them, and that two are the same."""

from __future__ import annotations

import hashlib
import struct
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from xenolith import ROOT
from xenolith.boards import find
from xenolith.cli import main
from xenolith.cli import package as verb
from xenolith.errors import UserError
from xenolith.package import bootscript, deb, plan
from xenolith.package.deb import File, Package
from xenolith.system.placement import MIB
from xenolith.uboot import legacy

SCRIPTS = [ROOT / "tools/package" / n for n in ("update-boot", "hook", "postinst", "prerm")]

FIELDS = {
    "Maintainer": "A <a@example.org>",
    "Section": "misc",
    "Priority": "optional",
    "Description": "short\n long",
}


def image(size: int = 4096) -> bytes:
    """A hypervisor of that many bytes."""
    head = struct.pack("<IIQQ", 0, 0, 0, size) + bytes(32) + b"ARM\x64" + bytes(4)
    return head + bytes(4096 - len(head))


BUILD = plan.Build("arm64", "arm64", image(), "1.0", "git:abc", 1_700_000_000)


def templates() -> dict[str, str]:
    return verb._templates()


def dpkg_deb(*arguments: str) -> str:
    done = subprocess.run(["dpkg-deb", *arguments], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """Our package around an image that does nothing."""
    path = tmp_path / "x.deb"
    path.write_bytes(deb.build(plan.make(BUILD, templates())))
    return path


def test_dpkg_reads_what_was_written(built: Path, tmp_path: Path) -> None:
    assert dpkg_deb("-f", str(built), "Package", "Version", "Architecture").splitlines() == [
        "Package: xenolith-hypervisor",
        "Version: 1.0",
        "Architecture: arm64",
    ]
    dpkg_deb("-R", str(built), str(tmp_path / "out"))
    out = tmp_path / "out"
    assert (out / "usr/lib/xenolith/hypervisor").read_bytes() == BUILD.image
    assert (out / "usr/lib/xenolith/update-boot").stat().st_mode & 0o777 == 0o755
    sums = [line.split("  ") for line in (out / "DEBIAN/md5sums").read_text().splitlines()]
    assert "usr/lib/xenolith/boot.scr" in [path for _, path in sums]
    for checksum, path in sums:
        assert hashlib.md5((out / path).read_bytes()).hexdigest() == checksum
    listed = (out / "DEBIAN/conffiles").read_text().split()
    assert listed == ["/etc/default/xenolith", *(f"/{hook}" for hook in plan.HOOKS)]
    assert "root/root" in dpkg_deb("-c", str(built)).splitlines()[0]


def test_same_input_same_bytes() -> None:
    assert deb.build(plan.make(BUILD, templates())) == deb.build(plan.make(BUILD, templates()))
    later = plan.make(replace(BUILD, time=BUILD.time + 1), templates())
    assert deb.build(later) != deb.build(plan.make(BUILD, templates()))


def test_links_are_links(tmp_path: Path) -> None:
    """Without a checksum, and in /etc no file that dpkg asks about."""
    files = [File("etc/x", target="y"), File("etc/y", b"y"), File("usr/z", target="../etc/y")]
    path, out = tmp_path / "x.deb", tmp_path / "out"
    path.write_bytes(deb.build(Package("x1", "1", "all", FIELDS, files)))
    dpkg_deb("-R", str(path), str(out))
    assert (out / "etc/x").readlink() == Path("y")
    assert (out / "usr/z").read_bytes() == b"y"
    assert (out / "DEBIAN/conffiles").read_text() == "/etc/y\n"
    assert (out / "DEBIAN/md5sums").read_text() == ""


def test_lintian_has_nothing_to_say(built: Path) -> None:
    command = ["lintian", "--allow-root", str(built)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "Upper"}, "the name"),
        ({"version": "v1"}, "version"),
        ({"fields": {}}, "fields are missing"),
        ({"fields": {**FIELDS, "Description": "a\nb"}}, "begins with a space"),
        ({"scripts": {"config": ""}}, "maintainer scripts"),
        ({"files": [File("/etc/x", b"")]}, "relative"),
        ({"files": [File("etc/../x", b"")]}, "relative"),
        ({"files": [File("x", b""), File("x", b"")]}, "twice"),
        ({"files": [File("x", b"data", target="y")]}, "a link has no data"),
    ],
)
def test_packages_that_dpkg_would_not_take(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {"name": "x1", "version": "1", "architecture": "all", "fields": FIELDS}
    assert deb.build(Package(**good, files=[])).startswith(deb.AR_MAGIC)
    with pytest.raises(ValueError, match=message):
        Package(**{"files": [], **good, **change})


def test_versions_sort_by_commit() -> None:
    old = plan.version("0.1.0", "2026-01-02T23:30:00-02:00", "git:fff")
    new = plan.version("0.1.0", "2026-01-03T01:31:00+00:00", "git:aaa-dirty")
    assert old == "0.1.0+git20260103013000.fff"
    for low, high in (("0.1.0", old), (old, new), (new, "0.1.1")):
        subprocess.run(["dpkg", "--compare-versions", low, "lt", high], check=True)
    assert plan.version("0.1.0", "unknown", "unknown") == "0.1.0"


def test_images_that_cannot_be_packed() -> None:
    with pytest.raises(UserError, match="is no arm64 Image"):
        plan.make(replace(BUILD, image=bytes(4096)), templates())
    with pytest.raises(UserError, match="its room is smaller"):
        plan.make(replace(BUILD, image=image(5 * MIB)), templates())


@pytest.mark.parametrize(("arch", "message"), [("riscv64", "cannot be dom0"), ("m68k", "'m68k'")])
def test_other_architectures(arch: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["package", "--arch", arch]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1


def test_places_are_free_on_every_board() -> None:
    for name in bootscript.KERNEL_ADDR_R:
        bootscript.check_board(find(name))
    with pytest.raises(UserError, match="nothing is known"):
        bootscript.check_board(find("qemu-virt-riscv64"))


def test_boot_script(tmp_path: Path, built: Path) -> None:
    dpkg_deb("-x", str(built), str(tmp_path))
    script = legacy.unpack((tmp_path / "usr/lib/xenolith/boot.scr").read_bytes())
    assert (script.arch, script.time) == ("arm64", BUILD.time)
    text = script.text
    # The firmware's tree may lie where something is loaded.
    assert text.index("fdt move") < text.index("load ${devtype}")
    assert 'fdt set /chosen xen,xen-bootargs "${xen_args}"' in text
    assert "fdt set /chosen/dom0 reg <0x0 ${kernel_at} 0x0 0x${kernel_size}>" in text
    for name in bootscript.NAMES:
        assert f"${{{name}}}" in text


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_sound(script: Path) -> None:
    subprocess.run(["sh", "-n", script], check=True)
    done = subprocess.run(
        ["shellcheck", "-x", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
