# SPDX-License-Identifier: Apache-2.0
"""`xenolith guest`: what it refuses, in one line, and that it leaves nothing half-made."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from xenolith.build import host
from xenolith.cli.main import main
from xenolith.errors import UserError
from xenolith.guest import given, kernel, output
from xenolith.guest.kernel import Kernel
from xenolith.guest.model import Guest
from xenolith.testing import images
from xenolith.testing.images import BASE, CONFIG


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has everything."""
    image = tmp_path / "Image"
    image.write_bytes(b"kernel")
    monkeypatch.setattr(host, "ensure", lambda *_: None)
    monkeypatch.setattr(kernel, "prepare", lambda _arch: Kernel(image, b"busybox"))


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An archive of an image for arm64."""
    return images.pack(images.layout("arm64", [BASE], CONFIG), tmp_path / "app.tar")


def test_an_image_becomes_files_beside_each_other(
    tmp_path: Path, app: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "web.img"
    assert main(["guest", "oci", str(app), "--out", str(out), "--args", "-c 'exit 3'"]) == 0
    config, said = out.with_suffix(".cfg"), capsys.readouterr()
    assert said.out == f"{config}\n"
    names = sorted(path.name for path in out.parent.iterdir())
    assert names == ["web.cfg", "web.img", "web.initrd", "web.kernel"]
    assert 'name = "web"' in config.read_text()
    assert f"start it: ./xenolith run --board qemu-virt-arm64 --guest {config}\n" in said.err
    assert [disk.path for disk in given.read(config, "arm64").disks] == [out]


@pytest.mark.parametrize(
    "refused",
    [
        (["--out", "."], "is a folder"),
        (["--out", "x"], "name ends in .img"),
        (["--out", "x.cfg"], "name ends in .img"),
        (["--out", "new/a,b.img"], "a disk cannot be called 'a,b.img'"),
        (["--out", "a'b.img"], 'a disk cannot be called "a\'b.img"'),
        (["--out", "a b.img"], "a disk cannot be called 'a b.img'"),
        (["--out", ".img"], "a disk cannot be called '.img'"),
        (["--out", "a\udcff.img"], r"a disk cannot be called 'a\udcff.img'"),
        (["--out", "a\x1b.img"], r"a disk cannot be called 'a\x1b.img'"),
        (["--out", f"{'x' * 97}.img", "--name", "x"], "a disk cannot be called 'xxx"),
        (["--out", "app.tar"], "app.tar is the image to read; choose another --out"),
        (["--out", "new/dir/x.img", "--hostname", "a_b"], "--hostname 'a_b'"),
        (["--out", "7.img"], "cannot be called '7'"),
        (["--out", "x.img", "--name", "a/b"], "cannot be called 'a/b'"),
        (["--out", "x.img", "--arch", "arm64", "--board", "rpi4"], "one of them is enough"),
        (["--out", "x.img", "--arch", "amd64"], "--arch amd64: there are guests for arm64, riscv"),
        (["--out", "x.img", "--arch", "riscv64"], "is for linux/arm64, the guest is linux/riscv64"),
        (["--out", "x.img", "--size", "1M"], "--size: this image needs"),
        (["--out", "x.img", "--size", "1000000"], "whole number of MiB"),
        (["--out", "x.img", "--args", "'"], "No closing quotation"),
        (["--out", "x.img", "--hostname", "a_b"], "--hostname 'a_b'"),
        (["--out", "x.img", "--image", "other"], "choose with --image"),
        ([], "--out"),
    ],
)
def test_what_is_refused(
    tmp_path: Path,
    app: Path,
    refused: tuple[list[str], str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options, why = refused
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert main(["guest", "oci", str(app), *options]) != 0
    said = [x for x in capsys.readouterr().err.splitlines() if x.startswith("xenolith: ")]
    assert len(said) == 1 and why in said[0]
    assert sorted(tmp_path.rglob("*")) == before


def test_an_image_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["guest", "oci", "none.tar", "--out", str(tmp_path / "new/dir/x.img")]) == 2
    assert "none.tar does not exist" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("ending", ["img", "cfg", "kernel", "initrd"])
@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_what_is_there_stays(
    tmp_path: Path, app: Path, ending: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may be a disk in use, or nothing that anybody has named."""
    path = tmp_path / f"web.{ending}"
    if kind == "file":
        path.write_bytes(b"mine")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("nowhere")
    before = [(x, x.lstat().st_mtime_ns) for x in sorted(tmp_path.rglob("*"))]
    for command in (["oci", str(app)], ["make", "debian"]):
        assert main(["guest", *command, "--out", str(tmp_path / "web.img")]) == 2
        said = capsys.readouterr().err
        here = f"{path} is there already; delete it, or choose another --out"
        assert here in said or ((kind, ending) == ("folder", "img") and "is a folder" in said)
    assert [(x, x.lstat().st_mtime_ns) for x in sorted(tmp_path.rglob("*"))] == before


def test_an_image_beside_the_disk_is_not_to_be_deleted(
    tmp_path: Path, app: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = app.rename(tmp_path / "app.kernel")
    (tmp_path / "app.img").hardlink_to(image)
    assert main(["guest", "oci", str(image), "--out", str(tmp_path / "app.img")]) == 2
    assert "app.img is the image to read; choose another --out" in capsys.readouterr().err


@pytest.mark.parametrize("late", ["web.img", "web.cfg", "web.kernel"])
def test_a_name_that_is_taken_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(b"x")
    out = tmp_path / "out" / "web.img"

    def taken(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes())
        (out.parent / late).mkdir()

    monkeypatch.setattr(output, "_copy", taken)
    with pytest.raises(UserError, match=rf"{late} is there by now"):
        output.write(Guest("web", "", {"kernel": disk}, (disk,)), out)
    assert [path.name for path in out.parent.iterdir()] == [late]


def _installs(*_: object) -> None:
    raise AssertionError("a typing error has something installed")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (["oci", "none.tar"], "none.tar does not exist"),
        (["oci", "x" * 300], "File name too long; name an image that can be read"),
        (["oci", "empty"], "empty is no image"),
        (["oci", "app.tar", "--arch", "riscv64"], "is for linux/arm64"),
        (["oci", "app.tar", "--args", "x", "--image", "y"], "choose with --image"),
        (["oci", "app.tar", "--size", "1000000"], "whole number of MiB"),
        (["oci", "app.tar", "--hostname", "a_b"], "--hostname 'a_b'"),
        (["make", "debian", "--size", "1000000"], "whole number of MiB"),
        (["make", "debian", "--hostname", "a_b"], "--hostname 'a_b'"),
        (["make", "debian", "--name", "7"], "cannot be called '7'"),
    ],
)
@pytest.mark.usefixtures("app")
def test_the_input_is_looked_at_before_anything_is_installed(
    tmp_path: Path,
    given: list[str],
    why: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr(host, "ensure", _installs)
    assert main(["guest", *given, "--out", "new/x.img"]) == 2
    assert why in capsys.readouterr().err and not (tmp_path / "new").exists()


def test_an_archive_that_cannot_be_read_is_not_blamed_on_out(
    tmp_path: Path,
    app: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Root may read anything, so the system's answer is made up."""
    opens = Path.open

    def refuse(path: Path, *args: Any, **kinds: Any) -> Any:
        if path == app:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opens(path, *args, **kinds)

    monkeypatch.setattr(Path, "open", refuse)
    assert main(["guest", "oci", str(app), "--out", str(tmp_path / "x.img")]) == 2
    said = capsys.readouterr().err
    assert f"{app}: Permission denied; name an image that can be read" in said


@pytest.mark.parametrize(("name", "blamed"), [("", True), (".", True), ("/elsewhere/file", False)])
def test_only_trouble_beside_the_disk_is_blamed_on_out(
    tmp_path: Path, name: str, *, blamed: bool
) -> None:
    with pytest.raises((OSError, UserError)) as caught, output.folder(tmp_path / "x.img") as place:
        raise OSError(errno.ENOSPC, "No space left on device", str(place / name) if name else None)
    assert isinstance(caught.value, UserError) == blamed


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(b"x")
    guest = Guest("web", "", {"kernel": disk}, (disk,))

    def full(_source: Path, _target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(output, "_copy", full)
    with pytest.raises(Exception, match="disk full: no room for the guest"):
        output.write(guest, tmp_path / "out" / "web.img")
    assert not (tmp_path / "out").exists()


def test_holes_stay_holes(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with disk.open("wb") as f:
        f.truncate(64 << 20)
        f.seek(1 << 20)
        f.write(b"data")
    output.write(Guest("web", "", {}, (disk,)), tmp_path / "web.img")
    copy = tmp_path / "web.img"
    assert copy.read_bytes() == disk.read_bytes()
    assert copy.stat().st_blocks * 512 < 4 << 20
