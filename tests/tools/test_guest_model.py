# SPDX-License-Identifier: Apache-2.0
"""Guests' names and configs: what xl, a file system and a virtio disk can carry."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from xenolith.card.login import check_hostname
from xenolith.errors import UserError
from xenolith.guest import model
from xenolith.guest.model import Guest


@pytest.mark.parametrize("name", ["demo", "a", "Debian-13", "a.b_c", "x" * 17])
def test_names_that_can_be_used(name: str) -> None:
    assert Guest(name, "").name == name
    assert len(f"{name}-{model.DISKS - 1}") <= 20


@pytest.mark.parametrize("name", ["", "7", "-a", "a/b", "..", "a b", "é", "x" * 18, "Domain-0"])
def test_names_that_cannot(name: str) -> None:
    with pytest.raises(UserError, match="a guest cannot be called"):
        Guest(name, "")


def test_a_guest_without_a_host_name_has_its_own() -> None:
    for name in ("web", "my_app", "a.b_", "x" * 17):
        assert check_hostname(model.host_name(name))
    assert model.host_name("my_app.2") == "my-app-2"


def test_files_and_disks_are_checked() -> None:
    with pytest.raises(UserError, match=r"'\.\./x' cannot be a file's name"):
        Guest("demo", "", {"../x": Path("x")})
    with pytest.raises(UserError, match="at most 10"):
        Guest("demo", "", {}, (Path("disk"),) * 11)


def unquote(text: str) -> str:
    """Strings as xl reads them: xlu__cfgl_dequote in libxlu_cfg.c."""
    assert re.fullmatch(r'"(?:[^"\\\n]|\\.)*"', text), text
    named = {"n": "\n", "r": "\r", "t": "\t"}
    return re.sub(r"\\(.)", lambda found: named.get(found[1], found[1]), text[1:-1])


@pytest.mark.parametrize("text", ["", "plain", 'a "b" \\ c', "tab\there\nthere", "it's é", "\\x41"])
def test_strings_come_back(text: str) -> None:
    assert unquote(model.quote(text)) == text


def test_a_config_is_lines_that_xl_reads() -> None:
    disks = ["/a,raw,xvda,w", "/b"]
    text = model.config_text({"name": "a", "memory": 64, "disk": disks, "vif": []}, "One.\n\nTwo.")
    assert text == (
        '# One.\n#\n# Two.\nname = "a"\nmemory = 64\ndisk = [ "/a,raw,xvda,w", "/b" ]\nvif = [ ]\n'
    )


@pytest.mark.parametrize("text", ["a\0b", "\x1b[31m", "\x7f"])
def test_what_no_config_can_carry_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="characters that no xl"):
        model.config_text({"extra": text})
