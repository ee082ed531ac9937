# SPDX-License-Identifier: Apache-2.0
"""Where source comes from when the mirror's lists are ahead of its files."""

from __future__ import annotations

import hashlib
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
