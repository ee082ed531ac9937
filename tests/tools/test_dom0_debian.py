# SPDX-License-Identifier: Apache-2.0
"""`run --dom0 debian`: what of its disk becomes the machine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from xenolith.boards import find
from xenolith.card import boot, mbr
from xenolith.card.kernel import Kernel
from xenolith.card.login import Login
from xenolith.dom0 import cache, cpio
from xenolith.errors import UserError
from xenolith.guest.given import Given
from xenolith.lab import debian, session
from xenolith.lab.added import parse
from xenolith.lab.disks import Disk, Share
from xenolith.lab.extras import Extras
from xenolith.lab.session import Options
from xenolith.system.model import System

BOARD = find("qemu-virt-arm64")


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> System:
    """With a disk that an earlier run has made."""
    monkeypatch.setattr(debian, "OUTPUT", tmp_path)
    monkeypatch.setattr(debian, "_make", lambda *_: pytest.fail("it is there already"))
    place = debian.place(BOARD)
    place.disk.parent.mkdir()
    parts = [mbr.Partition(mbr.FAT32, 1 << 20, 1 << 20), mbr.Partition(mbr.LINUX, 2 << 20, 2 << 20)]
    place.disk.write_bytes(mbr.pack(parts, 0xABCD_1234).ljust(4 << 20, b"\0"))
    for path in (place.kernel, place.initrd):
        path.write_bytes(b"x")
    return System(BOARD, Path(), Path(), Path(), 2, 2048, dom0_args="quiet")


def test_the_disk_is_the_root(system: System) -> None:
    made, place = debian.ensure(system), debian.place(BOARD)
    assert (made.kernel, made.initrd) == (place.kernel, place.initrd)
    assert made.dom0_line.endswith(" root=PARTUUID=abcd1234-02 quiet")


@pytest.mark.parametrize(
    "wishes",
    [
        Extras(guests=(Given("demo"),)),
        Extras(share=Share(Path())),
        Extras(added=(parse(__file__),)),
    ],
    ids=["guest", "share", "add"],
)
def test_a_disk_from_before_a_run_could_add_files(system: System, wishes: Extras) -> None:
    with pytest.raises(UserError, match=r"raw is an older one, .*; delete it for a new one"):
        debian.ensure(system, wishes)
    usual = cpio.compress(cpio.pack([cpio.file("init", b"#!/bin/sh\n")]))
    linux = Kernel("riscv64", debian.place(BOARD).disk.parent, "6.12", 5, is_ours=True)
    (linux.folder / "modules").mkdir()
    debian.place(BOARD).initrd.write_bytes(boot.initrd(usual, linux))
    assert debian.ensure(system, wishes).initrd == debian.place(BOARD).initrd


def test_two_first_runs_make_one_disk(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that comes second waits, and takes what the first one has made."""
    place, held = debian.place(BOARD), []
    kept = place.disk.rename(place.disk.with_suffix(".made"))

    @contextlib.contextmanager
    def locked(folder: Path, _waiting: object) -> Iterator[int]:
        held.append(folder)
        kept.rename(place.disk)
        yield 0

    monkeypatch.setattr(cache, "locked", locked)
    debian.ensure(system)
    assert held == [place.disk.parent]


def test_two_runs_of_one_disk(system: System) -> None:
    with debian.place(BOARD).disk.open("r+b") as f:
        os.lockf(f.fileno(), os.F_LOCK, 0)
        if os.fork() == 0:
            # A lock of one's own is none.
            try:
                debian.ensure(system)
            except UserError as e:
                os._exit(0 if "another program uses it" in e.message else 2)
            os._exit(1)
        assert os.wait()[1] == 0


def test_the_users_disks_come_behind(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Options] = []

    def prepare(_system: System, _commands: Sequence[str], options: Options, *_: object) -> None:
        seen.append(options)

    @contextlib.contextmanager
    def switched_on(*_: object, enter: object) -> Iterator[object]:
        yield enter

    monkeypatch.setattr(session, "prepare", prepare)
    monkeypatch.setattr(session, "switched_on", switched_on)
    monkeypatch.setattr(
        session, "log_file", lambda *_: debian.place(BOARD).disk.with_name("logs") / "x.log"
    )
    other = Disk(Path("other"), "disk0")
    options = Options(extras=Extras(disks=(other,)))
    with debian.running(system, ["xl list"], options) as enter:
        assert "xl list" in enter.script()  # type: ignore[attr-defined]
    with debian.running(system, [], options) as enter:
        assert enter is None
    assert seen[0].extras.disks == (Disk(debian.place(BOARD).disk, "dom0"), other)
    assert (seen[0].extras.root_links or {})["sbin"] == "usr/sbin"


def test_its_console_is_open() -> None:
    assert Login(opened=True).opens_console and not Login(opened=True).sets_password
    assert not Login(opened=True, password="$6$x").opens_console
