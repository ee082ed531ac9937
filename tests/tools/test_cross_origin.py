# SPDX-License-Identifier: Apache-2.0
"""Where source comes from when the mirror's lists are ahead of its files."""

from __future__ import annotations

import bz2
import hashlib
import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from xenolith.cross import origin
from xenolith.dom0 import apt
from xenolith.dom0.debian import Archive
from xenolith.errors import UserError


def put(folder: Path, name: str, data: bytes) -> Archive:
    (folder / name).write_bytes(data)
    return Archive(name, len(data), hashlib.sha256(data).hexdigest())


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where downloads go, of a configuration that needs no network."""
    monkeypatch.setenv("XENOLITH_CACHE", str(tmp_path / "cache"))
    return apt.archives(apt.configure_source("trixie"))


def test_the_known_version_stands_in_for_one_the_mirror_lacks(store: Path, tmp_path: Path) -> None:
    known = put(tmp_path, "x_1+0.orig.tar.xz", b"old")
    missing = (Archive("x_2+0.orig.tar.xz", 3, "0" * 64), f"file:{tmp_path}/x_2%2b0.orig.tar.xz")
    assert origin._download(store, [missing], (known,)) == [known]
    assert (store / known.name).read_bytes() == b"old"
    with pytest.raises(UserError, match="cannot download x_2"):
        origin._download(store, [missing], ())


def test_the_listed_version_is_preferred(store: Path, tmp_path: Path) -> None:
    new = put(tmp_path, "x_2.orig.tar.xz", b"new")
    known = put(tmp_path, "x_1.orig.tar.xz", b"old")
    listed = [(new, f"file:{tmp_path}/{new.name}")]
    assert origin._download(store, listed, (known,)) == [new]


def test_another_content_is_refused(store: Path, tmp_path: Path) -> None:
    known = put(tmp_path, "x_1.orig.tar.xz", b"old")
    (tmp_path / known.name).write_bytes(b"bad")
    missing = (Archive("x_2.orig.tar.xz", 3, "0" * 64), f"file:{tmp_path}/x_2.orig.tar.xz")
    with pytest.raises(UserError, match="cannot download x_1"):
        origin._download(store, [missing], (known,))


def tarball(name: str, text: bytes) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        entry = tarfile.TarInfo(f"x-1/{name}")
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    return data.getvalue()


@pytest.mark.parametrize(("kind", "compress"), [("xz", lzma.compress), ("bz2", bz2.compress)])
def test_a_tarball_is_unpacked(
    tmp_path: Path, kind: str, compress: Callable[[bytes], bytes]
) -> None:
    data = compress(tarball("a", b"text"))
    origin.untar(data, tmp_path, (), f"x_1.orig.tar.{kind}")
    assert (tmp_path / "a").read_bytes() == b"text"
    for bad in (data[:-8], b"no such format", data[:20] + b"!" + data[21:]):
        with pytest.raises(UserError, match=f"x_1.orig.tar.{kind}"):
            origin.untar(bad, tmp_path, (), f"x_1.orig.tar.{kind}")


def test_a_signature_is_no_part_of_the_source(
    monkeypatch: pytest.MonkeyPatch, store: Path, tmp_path: Path
) -> None:
    names = ("x_1.orig.tar.bz2", "x_1.orig.tar.bz2.asc", "x_1-2.debian.tar.xz")
    data = (bz2.compress(tarball("a", b"text")), b"PGP", b"")
    parts = [put(store, name, content) for name, content in zip(names, data, strict=True)]
    monkeypatch.setattr(origin, "_source_files", lambda _source: parts)
    source = origin.SourcePackage("x", "trixie", quilt=False).fetch("arm64")
    source.unpack(tmp_path, ())
    assert source.version == "1-2"
    assert (tmp_path / "a").read_bytes() == b"text"
