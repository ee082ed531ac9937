# SPDX-License-Identifier: Apache-2.0
"""Finding the Debian mirror in all forms of apt's configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from xenolith.dom0 import sources
from xenolith.dom0.sources import Source, choose, parse_deb822, parse_list, read_sources


def test_one_line_entries() -> None:
    text = """
    # deb http://off.example/debian trixie main
    deb http://m.example/debian trixie main contrib # comment
    deb [arch=amd64 signed-by=/k/debian-archive-keyring.gpg] mirror+file:/etc/m bookworm main
    deb-src http://m.example/debian trixie main
    """
    assert list(parse_list(text)) == [
        Source("http://m.example/debian", "trixie", ("main", "contrib")),
        Source(
            "mirror+file:/etc/m",
            "bookworm",
            ("main",),
            "/k/debian-archive-keyring.gpg",
        ),
    ]


def test_deb822_stanzas() -> None:
    text = """Types: deb deb-src
# a remark
URIs: http://m.example/debian http://n.example/debian
Suites: trixie trixie-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: trixie
Components: main

Types: deb-src
URIs: http://src.example/debian
Suites: trixie
Components: main
"""
    found = list(parse_deb822(text))
    assert [(s.uri, s.suite) for s in found] == [
        ("http://m.example/debian", "trixie"),
        ("http://m.example/debian", "trixie-updates"),
        ("http://n.example/debian", "trixie"),
        ("http://n.example/debian", "trixie-updates"),
    ]


def test_the_archive_is_told_from_others() -> None:
    mixed = [
        Source("cdrom:[Debian]/debian", "trixie", ("main",)),
        Source("http://m.example/debian-security", "trixie-security", ("main",)),
        Source("http://vendor.example/apt", "trixie", ("stable",)),
        Source("http://vendor.example/tools", "nodistro", ("main",)),
        Source("http://m.example/debian/", "trixie", ("main",)),
    ]
    assert choose(mixed, "trixie") == "http://m.example/debian/"
    assert choose(mixed[:4], "trixie") is None
    assert choose([], "trixie") is None


def test_both_kinds_of_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text("deb http://a.example/debian trixie main\n")
    (tmp_path / "sources.list.d" / "b.list").write_text("deb http://b.example/debian trixie main\n")
    stanza = "Types: deb\nURIs: http://c.example/debian\nSuites: trixie\nComponents: main\n"
    (tmp_path / "sources.list.d" / "c.sources").write_text(stanza)
    (tmp_path / "sources.list.d" / "d.list.save").write_text("deb http://d.example x main\n")
    hosts = {s.uri.split("/")[2][0] for s in read_sources(tmp_path)}
    assert hosts == {"a", "b", "c"}


def test_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XENOLITH_MIRROR", "http://mine.example/debian")
    assert sources.mirror() == "http://mine.example/debian"


def test_sources_of_an_installed_system() -> None:
    ours = list(sources.parse_list("deb http://m/debian-security bookworm-security main\n"))
    text = sources.deb822("trixie", "http://m/debian", sources.security(ours))
    found = [(s.uri, s.suite) for s in sources.parse_deb822(text)]
    assert found == [
        ("http://m/debian", "trixie"),
        ("http://m/debian", "trixie-updates"),
        ("http://m/debian-security", "trixie-security"),
    ]


def test_what_an_installed_system_is_not_told() -> None:
    text = sources.deb822("trixie", "http://me:secret@m/debian", sources.security([]))
    assert "secret" not in text and list(sources.parse_deb822(text)) == []
    assert text.count("add yours") == 2
