# SPDX-License-Identifier: Apache-2.0
"""Archives of images: all forms, the choice among several, broken ones."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from xenolith.card import ext4
from xenolith.card.tree import Tree
from xenolith.errors import UserError
from xenolith.guest import archive, blob, layers
from xenolith.testing import images
from xenolith.testing.images import BASE, CONFIG, entry, layer


def read(path: Path, arch: str = "arm64", name: str = "") -> tuple[archive.Image, Tree]:
    """The image of an archive, and its files."""
    spool = path.parent / f"spool-{path.name}"
    spool.mkdir(exist_ok=True)
    image = archive.choose(archive.Source(path, spool, 1 << 30), arch, name)
    found = layers.Layers(spool, 1 << 30)
    for number in range(len(image.layers)):
        found.add(image.unpacked(number, 1 << 30), "layer")
    return image, found.tree()


def test_all_forms_of_an_image_are_read(tmp_path: Path) -> None:
    files = images.layout("arm64", [BASE], CONFIG)
    forms = [
        images.pack(files, tmp_path / "layout.tar"),
        images.spread(files, tmp_path / "folder"),
        images.pack(images.saved("arm64", [BASE], CONFIG), tmp_path / "saved.tar"),
    ]
    subprocess.run(["gzip", "-k", str(forms[0])], check=True)
    expected = list(read(forms[0])[1])
    for form in [*forms[1:], tmp_path / "layout.tar.gz"]:
        image, found = read(form)
        assert list(found) == expected and image.config["config"] == CONFIG


def test_zstd_is_unpacked_by_its_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python has none before 3.14."""
    plain = images.pack(images.layout("arm64", [BASE], CONFIG), tmp_path / "app.tar").read_bytes()
    path = tmp_path / "app.tar.zst"
    path.write_bytes(blob.ZSTD + plain)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="apt install zstd"):
        read(path)
    program = tmp_path / "zstd"
    program.write_text("#!/bin/sh\nPATH=/usr/bin:/bin exec tail -c +5\n")
    program.chmod(0o755)
    assert read(path)[0].config["config"] == CONFIG
    program.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(UserError, match="is damaged or cut off"):
        read(path)
    program.write_text("#!/bin/sh\nPATH=/usr/bin:/bin exec cat /dev/zero\n")
    with pytest.raises(UserError, match="unpacks to more than 0 MiB"):
        blob.unpack(path, tmp_path / "out", 1 << 10)


def index(*descriptors: Any) -> bytes:
    return json.dumps({"schemaVersion": 2, "manifests": descriptors}).encode()


def test_the_platform_is_chosen_in_an_index(tmp_path: Path) -> None:
    files: images.Files = {}
    ours = images.manifest(files, "riscv64", [BASE], CONFIG)
    absent = {"digest": f"sha256:{'0' * 64}", "size": 9, "platform": {"architecture": "amd64"}}
    note = absent | {"platform": {"architecture": "unknown", "os": "unknown"}}
    inner = images.put(files, index(absent, ours, note))
    path = images.pack(files | {"index.json": index(inner)}, tmp_path / "app.tar")
    assert read(path, "riscv64")[0].config["architecture"] == "riscv64"
    with pytest.raises(UserError, match="is for linux/amd64, linux/riscv64, the guest is"):
        read(path, "arm64")


def test_one_of_several_images_is_named(tmp_path: Path) -> None:
    files: images.Files = {}
    named = []
    for name in ("one", "two"):
        found = images.manifest(files, "arm64", [BASE], {"Entrypoint": [f"/bin/{name}"]})
        named.append(found | {"annotations": {archive.NAMES[0]: name}})
    path = images.pack(files | {"index.json": index(*named)}, tmp_path / "app.tar")
    with pytest.raises(UserError, match="holds: one, two; choose with --image"):
        read(path)
    assert read(path, name="two")[0].config["config"]["Entrypoint"] == ["/bin/two"]


def broken(name: str) -> bytes:
    """Archives that are not what they should be."""
    files = images.layout("arm64", [BASE], CONFIG)
    blobs = [key for key in files if key.startswith("blobs/")]
    largest = max(blobs, key=lambda key: len(files[key]))
    if name == "changed":
        files[largest] = bytes(len(files[largest]))
    elif name == "missing":
        del files[largest]
    elif name == "empty":
        files = {}
    elif name == "json":
        files["index.json"] = b"[" * 100_000
    elif name == "digest":
        files["index.json"] = index({"digest": "sha256:../../etc/passwd", "size": 1})
    elif name == "size":
        files["index.json"] = index({"digest": f"sha256:{'0' * 64}", "size": 1 << 60})
    elif name == "outside":
        files = images.saved("arm64", [BASE], CONFIG)
        files["manifest.json"] = files["manifest.json"].replace(b"0/layer.tar", b"../../etc/passwd")
    data = layer(*(entry(key, content) for key, content in files.items()))
    return data[: len(data) // 4] if name == "cut" else data


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("changed", "is not what its digest says; fetch the image again"),
        ("missing", "is cut off or no image: blobs/.* is missing"),
        ("empty", "is no image"),
        ("json", "is no JSON"),
        ("digest", "is no SHA-256 digest"),
        ("size", "which cannot be"),
        ("outside", "outside the image"),
        ("cut", "cut off"),
    ],
)
def test_broken_archives(tmp_path: Path, name: str, why: str) -> None:
    path = tmp_path / "app.tar"
    path.write_bytes(broken(name))
    with pytest.raises(UserError, match=why) as caught:
        read(path)
    assert "\n" not in caught.value.message


def test_indexes_have_an_end(tmp_path: Path) -> None:
    """Four of them in each other, each of which names the next one a hundred times."""
    files: images.Files = {}
    inner = images.manifest(files, "arm64", [BASE], CONFIG)
    for _ in range(archive.DEPTH):
        inner = images.put(files, index(*[inner] * 100))
    path = images.pack(files | {"index.json": index(inner)}, tmp_path / "app.tar")
    with pytest.raises(UserError, match="more than 1000 manifests"):
        read(path)
    saved = images.saved("arm64", [BASE], CONFIG)
    saved["manifest.json"] = json.dumps(json.loads(saved["manifest.json"]) * 1001).encode()
    with pytest.raises(UserError, match="more than 1000 manifests"):
        read(images.pack(saved, tmp_path / "saved.tar"))


ODD = "\x1b[2J\nxenolith: \u202e" + "x" * 1000


def says(path: Path, files: images.Files) -> str:
    """The complaint about an image, in which nothing is odd."""
    images.pack(files, path)
    with pytest.raises(UserError) as caught:
        read(path)
    assert caught.value.message.isprintable() and len(caught.value.message) < 2500
    return caught.value.message


def test_what_an_image_has_reaches_no_terminal_raw(tmp_path: Path) -> None:
    files: images.Files = {}
    one = images.manifest(files, "arm64", [BASE], CONFIG)
    path = tmp_path / "app.tar"
    others = [one | {"platform": {"os": ODD, "architecture": f"{n}"}} for n in range(100)]
    assert "fetch that one" in says(path, files | {"index.json": index(*others)})
    two = images.manifest(files, "arm64", [BASE], {"Entrypoint": ["/bin/two"]})
    named = [x | {"annotations": {archive.NAMES[0]: f"{n}{ODD}"}} for n, x in enumerate((one, two))]
    assert "choose with --image" in says(path, files | {"index.json": index(*named)})
    assert "which cannot be" in says(path, {"index.json": index(one | {"size": ODD})})
    saved = images.saved("arm64", [BASE], CONFIG)
    table = json.loads(saved["manifest.json"])
    for change in ({"Config": ODD}, {"Layers": [ODD]}, {"Config": "x\0"}, {"Config": "x" * 300}):
        changed = saved | {"manifest.json": json.dumps([table[0] | change]).encode()}
        assert "which no image has" in says(path, changed)
    config = json.loads(saved["config.json"])
    config["rootfs"]["diff_ids"] = [ODD]
    changed = saved | {"config.json": json.dumps(config).encode()}
    assert "is no SHA-256 digest" in says(path, changed)


def test_what_programs_and_readers_say_reaches_no_terminal_raw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError) as caught, blob.reading("layer 1"):
        raise ValueError(ODD)
    assert caught.value.message.isprintable() and len(caught.value.message) < 200
    program = tmp_path / "mke2fs"
    program.write_text("#!/bin/sh\nprintf '\\033[2J no' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(UserError, match="mke2fs") as caught:
        ext4.write({}, tmp_path / "disk", 64 << 20, ext4.Format("x", "1", 1), tmp_path)
    assert caught.value.message.isprintable()
