# SPDX-License-Identifier: Apache-2.0
"""What a user adds to a run: what QEMU and dom0's archive get, and what is refused in one line."""

from __future__ import annotations

import argparse
import socket
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from xenolith.boards import boards, find
from xenolith.cli import debug, extras, machine, run
from xenolith.dom0 import cpio
from xenolith.errors import UserError
from xenolith.lab import added, arguments, disks, qemu
from xenolith.lab.extras import Extras

ARM64 = find("qemu-virt-arm64")


@pytest.fixture(autouse=True)
def nothing_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """All errors come before that."""

    def late(*_: object) -> None:
        pytest.fail("it was not refused")

    monkeypatch.setattr(machine, "make_system", late)


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    return parser.parse_args(words)


def read(*words: str, board: str = ARM64.name) -> Extras:
    return extras.read(find(board), parsed("--board", board, *words))


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "a,b.img"
    path.write_bytes(bytes(1 << 20))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A program, a link to it, and a folder below."""
    made = tmp_path / "folder"
    (made / "below").mkdir(parents=True)
    (made / "below" / "run").write_bytes(b"#!/bin/sh\n")
    (made / "below" / "run").chmod(0o755)
    (made / "link").symlink_to("below/run")
    return made


def packed(entries: list[cpio.Entry]) -> dict[str, cpio.Entry]:
    """What an archive with these entries holds, as Linux reads it."""
    return {entry.path: entry for entry in cpio.unpack(cpio.pack(entries))}


def test_a_disk_is_virtio_with_a_serial_number(image: Path) -> None:
    options = read("--disk", str(image)).devices(ARM64)
    escaped = str(image).replace(",", ",,")
    assert options == [
        *("-drive", f"if=none,id=disk0,format=raw,file={escaped}"),
        *("-device", "virtio-blk-device,drive=disk0,serial=disk0"),
    ]


@pytest.mark.parametrize(
    ("board", "order"),
    [("qemu-virt-arm64", ["disk1", "disk0"]), ("qemu-virt-riscv64", ["disk0", "disk1"])],
)
def test_the_first_disk_is_the_one_that_linux_finds_first(
    image: Path, tmp_path: Path, board: str, order: list[str]
) -> None:
    other = tmp_path / "other.qcow2"
    other.write_bytes(b"QFI\xfb" + bytes(508))
    options = read("--disk", str(image), "--disk", f"{other},ro").devices(find(board))
    drives = {word.split(",")[1]: word for word in options if word.startswith("if=none")}
    assert list(drives) == [f"id={name}" for name in order]
    second = drives["id=disk1"]
    assert "format=qcow2" in second and second.endswith(",read-only=on")


def test_a_pi_has_its_disks_on_usb(image: Path) -> None:
    options = read("--disk", str(image), board="rpi4").devices(find("rpi4"))
    assert options[2:] == ["-device", "usb-storage,drive=disk0,serial=disk0"]


def test_a_shared_folder(folder: Path) -> None:
    wish = read("--share", f"{folder},ro")
    assert wish.devices(ARM64) == [
        "-fsdev",
        f"local,id=share,path={folder},security_model=none,multidevs=remap,readonly=on",
        *("-device", "virtio-9p-device,fsdev=share,mount_tag=share"),
    ]
    assert [entry.path for entry in wish.entries(b"")] == ["xenolith/share"]


def test_the_words_of_qemu_args_come_last(folder: Path) -> None:
    wish = read("--share", str(folder), "--qemu-args", "-device 'x,y=a b'  -s")
    assert wish.devices(ARM64)[-3:] == ["-device", "x,y=a b", "-s"]


def test_an_added_folder_keeps_links_and_rights(folder: Path) -> None:
    found = packed(read("--add", str(folder), "--add", f"{folder}:/opt/x").entries(b""))
    assert found["root/folder/below/run"].mode == 0o100755
    assert found["root/folder/link"].data == b"below/run"
    assert found["opt/x/below/run"].data == b"#!/bin/sh\n"


def test_a_path_that_ends_in_a_slash_is_a_folder(folder: Path) -> None:
    assert added.parse(f"{folder / 'below' / 'run'}:/etc/").target == PurePosixPath("/etc/run")
    odd = folder / "with:/colon"
    odd.parent.mkdir()
    odd.write_bytes(b"x")
    assert added.parse(str(odd)).target == added.HOME / "colon"


def test_files_for_a_root_on_a_disk(folder: Path) -> None:
    """In a folder of the archive, by the links that the root has; what dom0 is told is not."""
    words = ("--add", f"{folder}:/lib", "--share", f"{folder},ro", "--guest", "demo")
    wish = replace(read(*words), root_links={"lib": "usr/lib"})
    known = cpio.pack([cpio.link("usr", "other")])
    found = packed(wish.entries(known))
    assert found["xenolith/root/usr/lib/link"].data == b"below/run"
    assert found["xenolith/guests"].data == b"demo\n"
    files = {path for path, entry in found.items() if entry.mode & 0o170000 != 0o040000}
    assert "xenolith/share" in files
    assert all(path.startswith("xenolith/root/usr/lib/") for path in files if "root" in path)


@pytest.mark.parametrize("behind", [b"", cpio.pack([cpio.file("guests/kernel", b"x")])])
@pytest.mark.parametrize("packed_first", [True, False])
def test_links_of_the_initramfs_stay(folder: Path, behind: bytes, packed_first: bool) -> None:
    """Linux would put the archive's folder `lib` in the place of the link."""
    archive = cpio.pack([cpio.link("lib", "usr/lib"), cpio.link("var/run", "/run")])
    usual = (cpio.compress(archive) if packed_first else archive) + behind
    words = ("--add", f"{folder}:/lib", "--add", f"{folder / 'link'}:/lib/a/b")
    found = packed(read(*words).entries(usual))
    assert {"usr/lib/link", "usr/lib/a/b"} <= set(found) and "lib" not in found
    assert found["usr/lib/a/b"].data == b"#!/bin/sh\n", "a link that is named is followed"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("nope", "--add nope: nope does not exist"),
        ("{folder}:x", "'x' is no path in dom0; begin it with /"),
        ("{folder}:/a/../b", "write a path without '..'"),
        ("/", "--add /: all of this machine is too much; name a file or folder"),
        ("{folder}:/dev/x", "dom0 has its own /dev; choose another path"),
        ("{folder}:/xenolith/token", "dom0 has its own /xenolith"),
    ],
)
def test_files_that_cannot_be_added(folder: Path, value: str, message: str) -> None:
    refused(("--add", value.format(folder=folder)), message)


def test_a_folder_with_a_socket_is_refused(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(folder / "socket"))
        refused(("--add", str(folder)), "socket is no file, folder or link; leave it")


def test_two_files_in_one_place(folder: Path) -> None:
    words = ("--add", f"{folder / 'link'}:/a", "--add", f"{folder / 'below/run'}:/a")
    refused(words, "two files are to be /a in dom0")


def test_more_than_dom0_can_hold(folder: Path) -> None:
    with (folder / "big").open("wb") as big:
        big.truncate(500 << 20)
    refused(("--add", str(folder)), "--add, --guest: 501 MiB are too much for the 1024 MiB of dom0")


def refused(words: tuple[str, ...], message: str, board: str = ARM64.name) -> None:
    """The verb refuses it with one line before it installs or builds anything."""
    with pytest.raises(UserError) as caught:
        run.run(parsed("--exec", "true", "--board", board, *words))
    assert message in caught.value.message and "\n" not in caught.value.message
    assert caught.value.code == 2


def test_one_image_twice(image: Path) -> None:
    refused(("--disk", str(image), "--disk", f"{image},ro"), "is two disks; copy it")
    assert len(read("--disk", f"{image},ro", "--disk", f"{image},ro").disks) == 2


def test_more_disks_than_there_are_places(image: Path) -> None:
    words = ("--disk", f"{image},ro") * 8
    refused(words, "8 disks: QEMU's qemu-virt-riscv64 has places for 7", "qemu-virt-riscv64")


def test_folders_that_cannot_be_shared(folder: Path) -> None:
    refused(("--share", str(folder / "link")), "no such folder")
    refused(("--share", str(folder)), "QEMU's rpi4 has no virtio; use --add or --disk", "rpi4")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("-serial stdio", "-serial cannot be given: the console of the run is there"),
        ("-device x --kernel Image", "--kernel cannot be given: a run loads hypervisor and dom0"),
        ("-smp 4", "use --smp of the run"),
        ("-chardev stdio,id=c", "stdio,id=c cannot be given"),
        ("-qmp mon:stdio", "mon:stdio cannot be given"),
        ("-device 'x", "no closing quotation"),
        ("disk.img", "'disk.img' is no option of QEMU"),
    ],
)
def test_options_of_qemu_that_would_break_the_run(value: str, message: str) -> None:
    refused((f"--qemu-args={value}",), message)


def test_names_like_refused_ones_may_be_given() -> None:
    assert len(arguments.parse("-msg timestamp=on -device virtio-serial-device -s")) == 5


@pytest.mark.parametrize("name", [b.name for b in boards().values() if b.qemu.cpu])
def test_another_cpu_keeps_what_the_hypervisor_needs(name: str) -> None:
    board = find(name)
    found = board.qemu.cpu.split(",")[1:]
    assert arguments.with_cpu(board, "max").qemu.cpu == ",".join(["max", *found])


def test_what_the_user_says_of_a_cpu_comes_first() -> None:
    board = find("qemu-virt-riscv64-aia")
    cpu = arguments.with_cpu(board, "rv64,v=on,svpbmt=off").qemu.cpu
    assert cpu == "rv64,v=on,svpbmt=off,smstateen=on"


def test_cpus_that_cannot_be() -> None:
    refused(("--cpu", "max"), "QEMU's rpi4 has its own CPU; leave it out", "rpi4")
    refused(("--cpu", "max -s"), "'max -s' is no model; write one as in: max")


def test_qemu_is_asked_before_anything_is_built() -> None:
    says = "echo 'qemu-system-aarch64: -device nope: no such model' >&2; exit 1"
    with pytest.raises(UserError, match=r"^QEMU refuses this machine: -device nope: no such"):
        qemu.check(["sh", "-c", says])
    qemu.check(["sh", "-c", 'read -r line && [ "$line" = quit ]'])


def test_a_qemu_that_waits_for_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qemu, "PATIENCE", 0.1)
    with pytest.raises(UserError, match="without `wait=off`"):
        qemu.check(["sh", "-c", "sleep 10"])


def test_the_board_of_a_debugger_has_them_too(image: Path) -> None:
    parser = argparse.ArgumentParser()
    debug.add_arguments(parser)
    args = parser.parse_args(["--disk", str(image), "--cpu", "max"])
    assert extras.read(ARM64, args) == replace(Extras(), disks=(disks.Disk(image, "disk0"),))


@pytest.mark.parametrize("words", [("--add", "{}"), ("--share", "{}"), ("--guest", "demo")])
def test_a_card_of_the_users_has_its_own_files(words: tuple[str, str], folder: Path) -> None:
    option, value = words[0], words[1].format(folder)
    message = f"{option}: the card image x.raw has its own files; use --disk"
    refused(("--from", "x.raw", option, value), message, "rpi4")
