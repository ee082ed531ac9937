# SPDX-License-Identifier: Apache-2.0
"""Guests that a run gives to dom0: the xl.cfg of a user, what QEMU and the archive get of it."""

from __future__ import annotations

import argparse
import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from xenolith import ROOT
from xenolith.boards import find
from xenolith.build import host
from xenolith.cli import extras, run
from xenolith.dom0 import cpio
from xenolith.errors import UserError
from xenolith.guest import debian, given
from xenolith.guest.model import Guest
from xenolith.lab import qemu
from xenolith.lab.console import Console, Deadline, LabError
from xenolith.lab.disks import Disk
from xenolith.lab.extras import Extras
from xenolith.lab.protocol import Collector
from xenolith.lab.replay import Replay
from xenolith.lab.target import State, Target
from xenolith.system.model import System

BOARD = find("qemu-virt-arm64")
MADE = """\
# What `guest make` writes.
name = "web"
kernel = "/guests/web/web.kernel"
ramdisk = "/guests/web/web.initrd"
memory = 512
disk = [ "/guests/web/web.img,raw,xvda,w",
         'format=qcow2, vdev=xvdb, access=ro, target=data.qcow2', ]
extra = "root=/dev/xvda kernel=no"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A guest with two disks beside its config."""
    for name in ("web.kernel", "web.initrd"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "web.img").write_bytes(bytes(4096))
    (tmp_path / "data.qcow2").write_bytes(b"QFI\xfb" + bytes(508))
    (tmp_path / "web.cfg").write_text(MADE)
    return tmp_path / "web.cfg"


def read(*names: str | Path) -> Extras:
    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    words = [word for name in names for word in ("--guest", str(name))]
    return extras.read(BOARD, parser.parse_args(words))


def test_a_made_guest_gets_its_files_and_disks(config: Path) -> None:
    wish = read(config)
    found = {e.path: e.data for e in cpio.unpack(cpio.pack(wish.entries(b"")))}
    assert found["xenolith/guests"] == b"web\n"
    assert found["guests/web/web.kernel"] == b"web.kernel"
    text = found["etc/xen/web.cfg"].decode()
    assert '"/dev/xenolith/web-0,raw,xvda,w"' in text
    assert '"format=raw,vdev=xvdb,access=ro,target=/dev/xenolith/web-1"' in text
    changed = [line for line in text.splitlines() if line not in MADE.splitlines()]
    assert len(changed) == 2, "all else is as it was"
    drives = [word for word in wish.devices(BOARD) if word.startswith("if=none")]
    assert [word.split(",")[1:3] for word in drives] == [
        ["id=web-1", "format=qcow2"],
        ["id=web-0", "format=raw"],
    ]
    assert drives[0].endswith(",read-only=on") and "read-only" not in drives[1]


def test_what_is_not_here_is_left_to_xl(tmp_path: Path) -> None:
    text = 'name="x"\nkernel="/srv/Image"\ndisk=["phy:/dev/vdb,xvda,w", "/dev/null,raw,xvdb,r"]\n'
    (tmp_path / "x.cfg").write_text(text)
    (found,) = read(tmp_path / "x.cfg").guests
    assert found.guest is not None and found.guest.config == text
    assert (found.disks, found.guest.files) == ((), {})


@pytest.mark.parametrize("name", ["demo.cfg", "guest.cfg.example"])
def test_what_dom0_has_is_not_taken_from_here(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This machine may have a /boot/vmlinuz, too."""
    text = (ROOT / "tools" / "dom0" / "xen" / name).read_text().replace("#disk", "disk")
    (tmp_path / "x.cfg").write_text(text)
    monkeypatch.setattr(Path, "is_file", lambda _: True)
    (found,) = read(tmp_path / "x.cfg").guests
    assert found.guest is not None and found.guest.config == text
    assert (found.disks, found.guest.files) == ((), {})


def test_old_words_before_a_disk(config: Path) -> None:
    """xl takes no format behind them."""
    disks = [
        ("file:web.img,xvda,w", "phy:/dev/xenolith/web-0,xvda,w", "raw"),
        ("tap:qcow2:data.qcow2,xvdb,r", "phy:/dev/xenolith/web-1,xvdb,r", "qcow2"),
    ]
    config.write_text(f'name = "web"\ndisk = {[old for old, _, _ in disks]}\n')
    (found,) = read(config).guests
    assert found.guest is not None
    assert found.guest.config == (f'name = "web"\ndisk = ["{disks[0][1]}", "{disks[1][1]}"]\n')
    assert [disk.form for disk in found.disks] == [form for _, _, form in disks]


def test_comments_name_no_files(config: Path) -> None:
    """They stay; a string may have what begins one, or ends a list."""
    odd = config.parent / "a]#b.img"
    odd.write_bytes(bytes(512))
    text = """\
name = "web" # as in 'name = "x"'
disk = [ # "no.img,raw,xvda,w", it's gone ]
#   "web.img,raw,xvda,w",
    "a]#b.img,raw,xvdb,w" ] # "web.img"
disk += [ "data.qcow2,qcow2,xvdc,r" ]
"""
    config.write_text(text)
    (found,) = read(config).guests
    changed = text.replace("a]#b.img", "/dev/xenolith/web-0")
    assert found.guest is not None
    assert found.guest.config == changed.replace("data.qcow2,qcow2", "/dev/xenolith/web-1,raw")
    assert [disk.path for disk in found.disks] == [odd, config.parent / "data.qcow2"]


def test_what_our_own_guests_write_is_lost(config: Path) -> None:
    made = given.given(Guest("web", "", {}, (config.parent / "web.img",)))
    options = Extras(guests=(made,)).devices(BOARD)
    assert options[1].endswith(",snapshot=on")


def test_debians_guest_is_made_when_all_else_is_known_to_be_right(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def make(arch: str) -> Guest:
        made.append(arch)
        return Guest("debian", "x", {"kernel": config}, (config.parent / "web.img",))

    monkeypatch.setattr(debian, "make", make)
    monkeypatch.setattr(host, "ensure", lambda *_: None)
    monkeypatch.setattr(qemu, "check", lambda *_: None)
    system = System(BOARD, config, config, config, 2, 2048)
    wish = read("debian", "demo")
    assert not made and wish.devices(BOARD) == []
    done = extras.complete(wish, system)
    assert made == ["arm64"] and done.devices(BOARD)[1].endswith(",snapshot=on")
    assert [guest.name for guest in done.guests] == ["debian", "demo"]
    assert extras.complete(done, system) is done
    with pytest.raises(UserError, match="is two disks"):
        extras.complete(replace(wish, disks=(Disk(config.parent / "web.img", "disk0"),)), system)


def test_a_guest_that_writes_a_header_reads_no_file_of_ours(config: Path) -> None:
    """Its disk would be what the header names: a run ends before that."""
    read(config)
    with (config.parent / "web.img").open("r+b") as disk:
        disk.write(b"QFI\xfb\0\0\0\3")
    with pytest.raises(UserError, match=r"web\.img: a raw disk that begins like a qcow2 image"):
        read(config)
    made = Guest("web", "", {}, (config.parent / "web.img",))
    with pytest.raises(UserError, match="a raw disk that begins like a qcow2 image"):
        given.given(made)


def test_the_demo_is_in_dom0(config: Path) -> None:
    wish = read(given.DEMO, config)
    found = {e.path: e.data for e in wish.entries(b"")}
    assert found["xenolith/guests"] == b"demo\nweb\n" and "etc/xen/demo.cfg" not in found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("name", "nom"), 'it has no name; write a line: name = "web"'),
        (('"web"', '"Domain-0"'), "a guest cannot be called 'Domain-0'"),
        (("web.kernel", "web.image"), "kernel: there is no web.image beside it"),
        (("qcow2, vdev=xvdb, access=ro, target=data.qcow2", "raw, target=web.img"), "is two disks"),
        (("data.qcow2", "packed"), "packed: it is packed by gzip; unpack it first"),
        (
            ("web.img,raw", "data.qcow2,raw"),
            "a raw disk that begins like a qcow2 image: if a guest",
        ),
        (("web.img,raw", "data.qcow2,"), "a raw disk that begins like a qcow2 image"),
        (("format=qcow2, ", ""), "a raw disk that begins like a qcow2 image"),
        (("web.img,raw", "web.img,qcow2"), "no qcow2 image"),
        (("web.img,raw", "web.img,vhd"), "web.img: the format vhd cannot be; convert it to qcow2"),
    ],
)
def test_configs_that_cannot_be(config: Path, change: tuple[str, str], message: str) -> None:
    (config.parent / "packed").write_bytes(b"\x1f\x8b\x08\0")
    config.write_text(MADE.replace(*change))
    with pytest.raises(UserError) as caught:
        read(config)
    assert message in caught.value.message and "\n" not in caught.value.message


IMAGE = bytes(56) + b"RSC\5"
ELF = b"\x7fELF\2" + bytes(13) + (62).to_bytes(2, "little")


@pytest.mark.parametrize(
    ("data", "theirs"),
    [(IMAGE, "riscv"), (gzip.compress(IMAGE), "riscv"), (ELF, "another machine")],
)
def test_a_kernel_for_another_machine(config: Path, data: bytes, theirs: str) -> None:
    (config.parent / "web.kernel").write_bytes(data)
    with pytest.raises(UserError, match=f"kernel .*web.kernel is for {theirs}, the board is arm64"):
        read(config)


def test_names_that_are_no_guest(config: Path) -> None:
    with pytest.raises(UserError, match=r"--guest fedora: there are demo, debian, .*fedora\.cfg"):
        read("fedora")
    with pytest.raises(UserError, match=r"--guest no\.cfg: No such file"):
        read("no.cfg")
    with pytest.raises(UserError, match="two guests are called web; rename one"):
        read(config, config)


TOKEN = "xenolith-0123"
BOOT = "(XEN) x\nBooting Linux on physical CPU 0x0\n" + "".join(
    f"{TOKEN} {text}\n" for text in ("ready", "network up eth0 10.0.2.15/24", "guest up demo")
)


def target(said: str, notes: list[str]) -> Target:
    console = Console(Replay([said.encode()]))
    names = ["demo", "web"]
    return Target(
        console, TOKEN, Collector(["a"]), Deadline(10), on_note=notes.append, guests=names
    )


def test_a_run_waits_for_its_guests() -> None:
    notes: list[str] = []
    target(f"{BOOT}{TOKEN} guest up web\n", notes).to(State.GUESTS)
    assert notes == ["guest demo is created", "guest web is created"]
    with pytest.raises(LabError, match="stopped while waiting for guest web"):
        target(BOOT, []).to(State.GUESTS)


@pytest.mark.parametrize("state", [State.GUESTS, State.POWERED_OFF])
def test_a_guest_that_does_not_start_ends_the_run(state: State) -> None:
    said = f"{BOOT}{TOKEN} guest down web error: no such bridge\n"
    with pytest.raises(LabError, match=r"^guest web was not created: error: no such bridge$"):
        target(said, []).to(state)
