# SPDX-License-Identifier: Apache-2.0
"""Which packages a root is made of: names, what apt says, what is remembered."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from xenolith.card import packages
from xenolith.card.packages import Package
from xenolith.dom0 import apt, cache
from xenolith.errors import UserError


def test_names_of_packages() -> None:
    assert packages.parse_names("vim, git,,git") == ("git", "vim")
    for bad in ("Vim", "a b", "-y", "x;y", "vim/sid"):
        with pytest.raises(UserError, match="no name of a Debian package"):
            packages.parse_names(bad)


def test_a_package_that_does_not_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def no(command: list[str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        del cwd
        return subprocess.CompletedProcess(command, 100, "", "E: Unable to locate package nosuch\n")

    monkeypatch.setenv("XENOLITH_CACHE", str(tmp_path))
    monkeypatch.setattr(apt, "configure", lambda *_: tmp_path)
    monkeypatch.setattr(apt, "refresh", lambda *_: None)
    monkeypatch.setattr(apt, "run", no)
    with pytest.raises(UserError, match="trixie has no package nosuch for arm64") as e:
        packages.solve(["nosuch"], "trixie", "arm64")
    assert e.value.code == 2


def test_what_was_solved_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XENOLITH_CACHE", str(tmp_path))
    deb = tmp_path / "a_1_all.deb"
    deb.write_text("x")
    memory = apt.directory("trixie", ("arm64",)) / f"solved-{cache.digest(json.dumps(['a']))}.json"
    memory.write_text(json.dumps([["a", str(deb), True]]))
    assert packages.solve(["a"], "trixie", "arm64") == [Package("a", deb, True)]
