# SPDX-License-Identifier: Apache-2.0
"""Debian's kernels by name, in packages as one or divided, with and without what dom0 loads."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from xenolith.dom0 import debian, image, initramfs, kernels, recipe
from xenolith.dom0.kernels import Named
from xenolith.errors import UserError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("debian:bookworm", Named("bookworm")),
        ("debian:trixie-backports:cloud", Named("trixie-backports", "cloud")),
    ],
)
def test_names(text: str, expected: Named) -> None:
    assert kernels.parse(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    "text", ["debian:", "debian:a:", "debian:a/b", "debian:a:b:c", "debian:-a", "debian:a b"]
)
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(UserError, match=r"--kernel debian:.*as in debian:bookworm"):
        kernels.parse(text)


def package(folder: Path, name: str, depends: str) -> Path:
    """A package without files."""
    (folder / name / "DEBIAN").mkdir(parents=True)
    fields = {"Package": name, "Version": "1", "Architecture": "all", "Maintainer": "x <x@x.x>"}
    text = "".join(f"{key}: {value}\n" for key, value in (fields | {"Depends": depends}).items())
    (folder / name / "DEBIAN/control").write_text(f"{text}Description: t\n")
    made = folder / f"{name}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", folder / name, made], check=True)
    return made


def test_all_packages_of_a_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = package(tmp_path, "linux-image-6.1.0-1-rt-arm64", "kmod, linux-base (>= 4.3)")
    parts = "linux-base-7-arm64 (= 1), linux-binary-7-arm64 (= 1), linux-modules-7-arm64 (= 1)"
    divided = package(tmp_path, "linux-image-7-arm64", f"dracut | initramfs-tools, {parts}")
    found = {"linux-image-rt-arm64": whole, "linux-image-arm64": divided}
    asked = []

    def download(
        names: list[str], suite: str, arch: str, *, metas: Sequence[tuple[str, str]] = ()
    ) -> list[Path]:
        asked.append((tuple(names), suite, arch))
        if metas:
            return [found[meta] for meta, _ in metas]
        return [Path(name) for name in names]

    monkeypatch.setattr(debian, "download", download)
    assert kernels.download(Named("bookworm", "rt"), "arm64") == [whole]
    names = ["linux-base-7-arm64", "linux-binary-7-arm64", "linux-modules-7-arm64"]
    got = kernels.download(Named("sid"), "arm64")
    assert got == [divided, *map(Path, names)]
    assert asked[-1] == (tuple(names), "sid", "arm64")


def test_a_damaged_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "linux-image-6-arm64.deb"
    broken.write_bytes(b"!<arch>\n")
    monkeypatch.setattr(debian, "download", lambda *_args, **_named: [broken])
    with pytest.raises(UserError, match=r"linux-image-6-arm64\.deb is damaged; delete"):
        kernels.download(Named("bookworm"), "arm64")


def member(path: str, data: bytes = b"") -> debian.Member:
    return debian.Member(path, 0o644, data)


@pytest.mark.parametrize("path", ["boot/vmlinuz-7-x", "usr/lib/modules/7-x/vmlinuz"])
def test_a_dom0_goes_without_what_a_kernel_lacks(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is built in is not missed."""
    there = ("xenfs", "loop")
    files = {f"lib/modules/7-x/kernel/{name}.ko": member(f"{name}.ko") for name in there}
    listed = member("modules.builtin", b"kernel/a/virtio_mmio.ko\nkernel/b/ext4.ko\n")
    files |= {"lib/modules/7-x/modules.builtin": listed, path: member(path, b"kernel")}
    groups = {"xen": ("xenfs",), "virt": ("virtio_mmio", "virtio-net"), "pi": ("genet",)}
    modules = initramfs.Modules(groups, ("loop", "ext4", "9p"))
    parts = image._Parts([], modules=modules, guest=("ext4",), named=Named("sid", "cloud"))
    left = image._present(parts, files)
    assert left.modules.groups == {"xen": ("xenfs",), "virt": (), "pi": ()}
    assert (left.modules.on_demand, left.guest) == (("loop",), ())
    said = capsys.readouterr().err
    assert "debian:sid:cloud has no 9p, genet, virtio-net: left out" in said
    assert image._kernel(files, left) == ("7-x", b"kernel")


def test_the_usual_kernel_lacks_nothing() -> None:
    """A module of the recipe that Debian has renamed is an error, not a note."""
    groups = recipe.load().drivers["arm64"]
    parts = image._Parts([], modules=initramfs.Modules(groups))
    assert image._present(parts, {}) is parts
