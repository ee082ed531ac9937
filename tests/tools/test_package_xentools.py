# SPDX-License-Identifier: Apache-2.0
"""Xen's tools as a package: its files and links, its services, and how a card's root gets it."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from xenolith.boards import find
from xenolith.card import image, kernel, packages, recipe, stage
from xenolith.card.image import Request
from xenolith.cross.project import Result
from xenolith.dom0 import recipe as dom0_recipe
from xenolith.errors import UserError
from xenolith.package import deb, xentools
from xenolith.package.deb import Package

LIBRARY = "usr/lib/riscv64-linux-gnu/libxencall.so.1"


@pytest.fixture
def built(tmp_path: Path) -> Result:
    """What a cross build leaves, in short."""
    root = tmp_path / "built/files/root"
    for name in (
        f"{LIBRARY}.3",
        "usr/bin/xenstore",
        "usr/lib/xen-4.20/bin/xl",
        "etc/xen/scripts/b",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
        (root / name).chmod(0o775)
    (root / LIBRARY).symlink_to("libxencall.so.1.3")
    return Result(tmp_path / "built", "4.20.3+127-gc42374a105-0+deb13u1")


def made(built: Result, **more: bytes) -> Package:
    return xentools.make("riscv64", built, {**xentools.own_files(), **more}, 1_700_000_000)


def test_dpkg_reads_files_and_links(built: Result, tmp_path: Path) -> None:
    path, out = tmp_path / "x.deb", tmp_path / "out"
    path.write_bytes(deb.build(made(built)))
    subprocess.run(["dpkg-deb", "-R", path, out], check=True)
    assert (out / LIBRARY).readlink() == Path("libxencall.so.1.3")
    for name, target in (("usr/sbin/xl", "xl"), ("usr/bin/xenstore-ls", "xenstore")):
        assert (out / name).is_symlink() and (out / name).resolve().name == target
        assert (out / name).exists(), "the link leads to a file of the package"
    assert (out / "usr/lib/xen-4.20/bin/xl").stat().st_mode & 0o777 == 0o755
    assert (out / f"{LIBRARY}.3").stat().st_mode & 0o777 == 0o644
    sums = (out / "DEBIAN/md5sums").read_text()
    assert f"  {LIBRARY}.3\n" in sums and f"  {LIBRARY}\n" not in sums
    assert (out / "DEBIAN/conffiles").read_text().split() == [
        "/etc/xen/scripts/b",
        "/etc/xen/xl.conf",
    ]
    assert "ldconfig" in (out / "DEBIAN/triggers").read_text()
    fields = subprocess.run(["dpkg-deb", "-f", path], capture_output=True, text=True, check=True)
    assert "Architecture: riscv64\n" in fields.stdout and "libyajl2" in fields.stdout


def test_another_content_is_another_version(built: Result) -> None:
    """A root in the cache is known by its packages' names and versions."""
    first = made(built)
    assert first.version.startswith("4.20.3+127.gc42374a105.0+deb13u1+")
    assert deb.build(first) == deb.build(made(built))
    for name in ("xen.service", "postinst", "xl.conf"):
        assert made(built, **{name: b"# other\n"}).version != first.version
    (built.path("root") / "usr/bin/xenstore").write_text("newer")
    assert made(built).version != first.version


def test_services_run_what_is_there(built: Result) -> None:
    """Programs by the names that the cross build gives them; units that the others name."""
    files = {file.path: file.data.decode() for file in made(built).files if "systemd" in file.path}
    rules = dom0_recipe.load()
    known = {f"/{rules.tools}/{name}" for name in (*rules.programs, "xendomains")}
    programs = {
        p for text in files.values() for p in re.findall(r"^Exec\w+=(/usr/lib\S+)", text, re.M)
    }
    assert programs < known and len(programs) == 4
    units = {Path(path).name for path in files}
    wanted = {
        w
        for text in files.values()
        for x in re.findall(r"^Requires=(.*)", text, re.M)
        for w in x.split()
    }
    assert wanted < units
    enabled = {Path(path).name for path, text in files.items() if "\n[Install]\n" in text}
    assert all(unit in xentools.own_files()["postinst"].decode() for unit in enabled)


def xendomains(folder: Path, goal: str) -> subprocess.CompletedProcess[str]:
    """The script, with another /etc and a program in the place of xl."""
    text = xentools.own_files()["xendomains"].decode().replace("/etc/xen", str(folder))
    (folder / "xl").write_text('#!/bin/sh\necho "$@"\n[ "${2##*/}" != bad ]\n')
    (folder / "xl").chmod(0o755)
    path = {"PATH": f"{folder}:/usr/bin:/bin"}
    return subprocess.run(
        ["sh", "-c", text, "xendomains", goal],
        check=False,
        env=path,
        capture_output=True,
        text=True,
    )


def test_guests_that_come_with_dom0(tmp_path: Path) -> None:
    """One that cannot be created is a failure, and keeps no other one from coming."""
    (tmp_path / "auto").mkdir()
    none = xendomains(tmp_path, "start")
    assert (none.stdout, none.returncode) == ("", 0)
    for name in ("bad", "web"):
        (tmp_path / "auto" / name).touch()
    done = xendomains(tmp_path, "start")
    assert done.stdout == "".join(f"create {tmp_path}/auto/{x}\n" for x in ("bad", "web"))
    assert done.returncode == 1
    assert xendomains(tmp_path, "stop").stdout == "shutdown --all --wait\n"
    assert xendomains(tmp_path, "").returncode == 2


def test_a_root_gets_it_where_debian_has_no_tools(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linux = kernel.Kernel("riscv64", tmp_path, "6.12", 5, is_ours=True)
    asked: list[list[str]] = []

    def solve(names: list[str], *_: str) -> list[packages.Package]:
        asked.append(names)
        return [packages.Package("libc6", Path("libc6_2_riscv64.deb"), True)]

    def root(found: list[packages.Package], *_: object) -> Path:
        raise UserError(" ".join(package.name for package in found))

    monkeypatch.setattr(packages, "solve", solve)
    monkeypatch.setattr(xentools, "package", lambda *_: tmp_path / "x_1_riscv64.deb")
    monkeypatch.setattr(stage, "root", root)
    request = Request(find("qemu-virt-riscv64"), tmp_path, "", "", packages=("vim",))
    with pytest.raises(UserError, match=rf"^libc6 {xentools.NAME}$"):
        image._debian(request, linux, 7, tmp_path)
    with pytest.raises(UserError, match=r"^libc6$"):
        image._debian(request, replace(linux, arch="arm64", is_ours=False), 7, tmp_path)
    ours, debians = map(set, asked)
    assert ours - debians == set(xentools.DEPENDS) - set(recipe.load().packages)
    assert debians - ours == set(recipe.load().more["arm64"])
    assert "vim" in ours & debians
