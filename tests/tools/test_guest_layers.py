# SPDX-License-Identifier: Apache-2.0
"""The layers of an image on top of each other; hostile ones."""

from __future__ import annotations

import stat
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenolith.card.tree import Tree
from xenolith.errors import UserError
from xenolith.guest import layers
from xenolith.testing.images import BASE, entry, layer, link


def merged(folder: Path, *given: bytes, limit: int = 1 << 30) -> layers.Layers:
    """The layers on top of each other."""
    (folder / "spool").mkdir(exist_ok=True)
    found = layers.Layers(folder / "spool", limit)
    for number, data in enumerate(given):
        path = folder / f"layer{number}"
        path.write_bytes(data)
        found.add(path, f"layer {number + 1}")
    return found


def paths(found: Tree, below: str) -> set[str]:
    return {path.removeprefix(below) for path in found if path.startswith(below)}


def test_a_layer_has_modes_owners_and_links(tmp_path: Path) -> None:
    found = merged(tmp_path, BASE).tree()
    assert found["bin/busybox"].mode == stat.S_IFREG | 0o4755
    assert found["bin/sh"].is_second_name and found["bin/sh"].target == "bin/busybox"
    assert (found["opt/kept"].uid, found["opt/kept"].gid) == (1000, 1001)
    assert found["lib"].target == "usr/lib"
    assert found["opt/kept"].mtime == 1_700_000_000


def test_whiteouts_hide_what_is_below_and_nothing_else(tmp_path: Path) -> None:
    one = layer(entry("opt/.wh.kept"), entry("opt/old/.wh..wh..opq"), entry("opt/old/three"))
    assert paths(merged(tmp_path, BASE, one).tree(), "opt/") == {"old", "old/three"}
    late = layer(entry("opt/old/three"), entry("opt/old/.wh..wh..opq"), entry("opt/.wh.kept"))
    assert paths(merged(tmp_path, BASE, late).tree(), "opt/") == {"old", "old/three"}
    whole = layer(entry("opt/old/new/", mode=0o755), entry("opt/.wh.old"))
    assert paths(merged(tmp_path, BASE, whole).tree(), "opt/") == {"kept", "old", "old/new"}


def test_a_hard_link_outlives_the_name_it_was_made_from(tmp_path: Path) -> None:
    top = layer(entry("bin/.wh.busybox"))
    found = merged(tmp_path, BASE, top).tree()
    assert not found["bin/sh"].is_second_name
    assert isinstance(found["bin/sh"].data, Path)
    assert found["bin/sh"].data.read_bytes() == b"program"


def test_upper_layers_go_through_links_and_replace(tmp_path: Path) -> None:
    top = layer(
        entry("lib/new.so", b"x"), entry("opt", b"a file now"), entry("usr/", mode=0o700, uid=5)
    )
    found = merged(tmp_path, BASE, top).tree()
    assert "usr/lib/new.so" in found and "lib/new.so" not in found
    assert paths(found, "opt/") == set()
    assert found["usr"].mode & 0o777 == 0o700 and found["usr"].uid == 5


def test_links_lead_nowhere_but_into_the_image(tmp_path: Path) -> None:
    host = tmp_path / "host"
    host.mkdir()
    top = layer(
        link("a", str(host)),
        entry("a/file", b"1"),
        link("b", "../../../../../.."),
        entry("b/file2", b"2"),
    )
    found = merged(tmp_path, top).tree()
    assert not list(host.iterdir())
    assert f"{str(host)[1:]}/file" in found and "file2" in found


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ([entry("../x")], "leads out of the image"),
        ([entry("a/../../x")], "leads out of the image"),
        ([entry("/etc/passwd")], "leads out of the image"),
        ([link("x", "../../etc/passwd", tarfile.LNKTYPE)], "leads out of the image"),
        ([link("x", "nothing", tarfile.LNKTYPE)], "not there"),
        ([link("a", "b"), link("b", "a"), entry("a/x")], "goes round in links"),
        ([entry("file", b"x"), entry("file/x")], "leads through a file"),
        ([entry("x" * 256)], "too long"),
        ([link("x", "y" * 5000)], "too long"),
        ([entry("d/" * 2000 + "x")], "without end"),
    ],
)
def test_hostile_layers(tmp_path: Path, bad: list[Any], why: str) -> None:
    with pytest.raises(UserError, match=why) as caught:
        merged(tmp_path, layer(*bad))
    assert "\n" not in caught.value.message and "layer 1" in caught.value.message


def test_odd_numbers_in_headers(tmp_path: Path) -> None:
    odd = [entry("a", mtime=-5.5), entry("b", mtime=1e30), entry("c", uid=1 << 40, gid=-1)]
    found = merged(tmp_path, layer(*odd)).tree()
    assert found["a"].mtime == 0 and found["b"].mtime == layers.LATEST
    assert found["c"].uid == 0 and found["c"].gid == 0
    with pytest.raises(UserError, match="damaged"):
        merged(tmp_path, layer(entry("a", pax_headers={"mtime": "inf"})))


def test_a_header_cannot_take_all_memory(tmp_path: Path) -> None:
    info, _ = entry("x", type=tarfile.XHDTYPE)
    info.size = 1 << 40
    with pytest.raises(UserError, match="damaged"):
        merged(tmp_path, info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))


CHANGES = st.lists(st.tuples(st.integers(0, len(BASE) - 1), st.binary(max_size=4)), max_size=12)


@given(CHANGES, st.integers(0, len(BASE)))
def test_any_bytes_are_a_layer_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, bytes]], size: int
) -> None:
    data = bytearray(BASE)
    for place, new in changes:
        data[place : place + len(new)] = new
    try:
        found = merged(tmp_path_factory.mktemp("layer"), bytes(data[:size])).tree()
    except UserError as e:
        assert "\n" not in e.message
    else:
        assert not [path for path in found if path.startswith("/") or ".." in path.split("/")]


def test_devices_are_left_out_and_limits_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = layer(entry("dev/sda", type=tarfile.BLKTYPE, devmajor=8), entry("x", b"x" * 1000))
    found = merged(tmp_path, top)
    assert found.left_out == 1 and "dev/sda" not in found.tree()
    with pytest.raises(UserError, match="a larger --size allows more"):
        merged(tmp_path, top, limit=999)
    monkeypatch.setattr(layers, "ENTRIES", 5)
    with pytest.raises(UserError, match="more than 5 names"):
        merged(tmp_path, BASE)


@pytest.mark.parametrize("name", ["a/.wh..wh..opq", ".wh.a"])
def test_hiding_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Each of n whiteouts looks at each of n files, which this layer has, too."""
    files = [entry(f"a/{number}") for number in range(100)]
    monkeypatch.setattr(layers, "STEPS", 2000)
    merged(tmp_path, layer(*files, *[entry(name)] * 5))
    with pytest.raises(UserError, match="layer 1: folders in folders without end"):
        merged(tmp_path, layer(*files, *[entry(name)] * 100))
