# SPDX-License-Identifier: Apache-2.0
"""Guests of `xenolith guest`, on a disk and with a network: OCI images, a Debian with systemd."""

from __future__ import annotations

import re
import shutil
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from xenolith.boards import Board
from xenolith.dom0 import debian, recipe
from xenolith.guest import debian as guest_debian
from xenolith.guest import oci
from xenolith.guest.model import Guest, file_path
from xenolith.guest.oci import Wishes
from xenolith.lab.report import ALONE, Report, until
from xenolith.system.model import System
from xenolith.testing import images
from xenolith.testing.images import entry, layer, link

pytestmark = pytest.mark.slow

PASSWD = b"root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:App:/home/app:/bin/sh\n"
PROGRAM = b"""#!/bin/sh
echo "app: $1, $2 by $(busybox id -u):$(busybox id -g) in $(pwd), A=$A, HOME=$HOME"
echo "app: as $(busybox hostname) at" $(busybox ip -4 -o addr show eth0)
echo "app: to stdout by its name" >/dev/stdout
busybox dd if=/dev/zero bs=1M count=16 2>/dev/null | busybox tee /srv/data | busybox md5sum
echo "app: disk $(busybox md5sum </srv/data)"
busybox head -c 4194304 /srv/data | busybox nc 10.0.2.15 7000 && echo "app: network"
trap 'echo "app: told to end"; exit 9' INT
while [ "$2" = waits ]; do busybox sleep 1; done
exit $2
"""
ZEROS, QUARTER = "2c7ab85a893283e98c931e9511add182", "b5cfa9d6c8febd618f91ac2843d50a1c"
"""MD5 of 16 MiB of zeros, and of the first 4 MiB."""
CONFIG = {
    "Entrypoint": ["/srv/run", "a 'word'"],
    "Cmd": ["3"],
    "Env": ["A=b c", "PATH=/bin"],
    "User": "app",
    "WorkingDir": "/srv",
    "StopSignal": "SIGINT",
}
ARGUMENTS = {"fails": (), "ends": ("0",), "stays": ("waits",)}
"""By guest: what replaces the image's arguments."""
LOG = "/var/log/xen/guest-"


def gone(name: str) -> str:
    """Wait until a guest has left dom0 alone; what xl says of its end."""
    return f"{ALONE}cat /var/log/xen/xl-{name}.log; xl list"


def created(name: str, meanwhile: str = "") -> str:
    """Start a guest and wait for its end; what it sends, its console, and xl."""
    # The end of its standard input would end this nc, and the guest's with it.
    begin = "rm -f /silent; mkfifo /silent; { nc -l -p 7000 <>/silent >/sent & }; "
    begin += f"xl create /etc/xen/{name}.cfg && {meanwhile}"
    return f"{begin}{gone(name)}; cat {LOG}{name}.log; md5sum </sent"


COMMANDS = {
    "fails": created("fails"),
    "ends": created("ends"),
    "stays": created(
        "stays", f"{until(f'grep -q network {LOG}stays.log')}xl shutdown -w stays >/dev/null && "
    ),
}


def image_of(board: Board, path: Path) -> Path:
    """An OCI archive whose program is a script for a static busybox; the second layer mends it."""
    (deb,) = debian.download(["busybox-static"], recipe.load().suite, board.debian_arch)
    (busybox,) = debian.members(deb, lambda name: name == "usr/bin/busybox")
    lower = layer(
        entry("bin/busybox", busybox.data, 0o755),
        link("bin/sh", "bin/busybox", tarfile.LNKTYPE),
        entry("etc/passwd", PASSWD),
        entry("srv/run", b"#!/bin/sh\necho wrong\n", 0o755),
    )
    upper = layer(
        entry("srv/", mode=0o755, uid=1000, gid=1001),
        entry("srv/.wh.run"),
        entry("srv/run", PROGRAM, 0o755),
    )
    return images.pack(images.layout(board.debian_arch, [lower, upper], CONFIG), path)


def with_guests(board: Board, guests: Sequence[Guest]) -> tuple[list[str], dict[str, bytes]]:
    """QEMU's options for guests' disks, and dom0's files: guests' configs and what these name."""
    files: dict[str, bytes] = {}
    options = list(board.qemu.network)
    for guest in guests:
        files[f"/etc/xen/{guest.name}.cfg"] = guest.config.encode()
        for name, path in guest.files.items():
            files[file_path(guest.name, name)] = path.read_bytes()
        for number, disk in enumerate(guest.disks):
            serial = f"{guest.name}-{number}"
            options += ["-drive", f"if=none,id={serial},format=raw,snapshot=on,file={disk}"]
            options += ["-device", f"virtio-blk-device,drive={serial},serial={serial}"]
    return options, files


@pytest.fixture(scope="module")
def report(
    make_system: Callable[..., System],
    boot: Callable[..., Report],
    board: Board,
    tmp_path_factory: pytest.TempPathFactory,
) -> Report:
    """dom0 after all guests of one image."""
    folder = tmp_path_factory.mktemp("oci")
    archive = image_of(board, folder / "app.tar")
    guests = []
    for name, arguments in ARGUMENTS.items():
        place = folder / name
        place.mkdir()
        wishes = Wishes(name, arguments=arguments)
        guests.append(oci.make(oci.read(board.debian_arch, archive, wishes, place), place))
        shutil.rmtree(place / "spool")
    options, files = with_guests(board, guests)
    return boot(make_system(), "test-guest-images", COMMANDS, options, files=files)


def listed(said: str) -> list[str]:
    """The domains of `xl list`, of which the first is dom0."""
    found = re.findall(r"^(\S+) +\d+ +\d+ +\d+ +[a-z-]{6} ", said, re.MULTILINE)
    return [str(name) for name in found]


@pytest.mark.parametrize(("name", "status"), [("fails", "3"), ("ends", "0")])
def test_an_image_runs_its_program(report: Report, name: str, status: str) -> None:
    said = report[name]
    assert f"app: a 'word', {status} by 1000:1001 in /srv, A=b c, HOME=/home/app" in said, said
    assert re.search(rf"^app: as {name} at 2: eth0 inet 10\.0\.2\.", said, re.MULTILINE)
    assert "app: to stdout by its name" in said and "wrong" not in said
    assert f"app: disk {ZEROS}" in said and "app: network" in said
    assert said.splitlines()[-1].split() == [QUARTER, "-"]


def test_its_exit_status_is_the_shutdown_reason(report: Report) -> None:
    for name, status, reason in (("fails", 3, 1), ("ends", 0, 0)):
        assert f"guest: {name} has ended, exit status {status}" in report[name]
        assert re.search(rf"has shut down, reason code {reason} ", report[name]), report[name]


def test_dom0_can_ask_it_to_end(report: Report) -> None:
    said = report["stays"]
    assert "app: told to end" in said and "reason code 0 " in said, said


def test_they_leave_nothing_behind(report: Report) -> None:
    for name in COMMANDS:
        assert listed(report[name]) == ["Domain-0"]


TYPED = "systemctl is-system-running --wait; ip -4 -br a; ping -c 3 10.0.2.2; echo done-$((6*7))"
PROMPT = "grep -q 'root@debian:~#' /console"
DEBIAN = {
    # As if somebody sat there: `xl console` passes on what is typed at a terminal only.
    "running": "mkfifo /keys && xl create /etc/xen/debian.cfg && "
    "{ xenconsole --interactive $(xl domid debian) <>/keys >/console 2>&1 & } && "
    f"{until(PROMPT)}echo '{TYPED}' >/keys; {until('grep -q done-42 /console')}cat /console",
    "ended": f"xl shutdown -w debian && {gone('debian')}",
}


@pytest.mark.long
@pytest.mark.timeout(4000)
def test_a_debian_with_systemd(
    make_system: Callable[..., System],
    boot: Callable[..., Report],
    board: Board,
) -> None:
    """Its packages are installed on the first run only, which takes minutes."""
    guest = guest_debian.make(board.debian_arch)
    options, files = with_guests(board, [guest])
    report = boot(make_system(), "test-guest-debian", DEBIAN, options, files=files)
    said = report["running"]
    # A terminal's escapes are around what programs print for people.
    assert re.search(r"[\r\n]running\r?\n", said), said[-3000:]
    assert re.search(r"eth0.*10\.0\.2\.\d+", said) and " 0% packet loss" in said
    assert "reason code 0 " in report["ended"]
    assert listed(report["ended"]) == ["Domain-0"]
