# SPDX-License-Identifier: Apache-2.0
"""A second domain, made by real xl: it boots Linux, is seen, and leaves nothing behind."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from xenolith.boards import Board
from xenolith.dom0 import cpio, debian, recipe
from xenolith.lab.report import ALONE, Report, rows
from xenolith.system.model import System

pytestmark = [pytest.mark.slow, pytest.mark.families("qemu-virt", "rpi4")]

# What users' programs do on each vCPU: they read the clock through the vDSO, sleep and use sockets.
INIT = b"""#!/bin/busybox sh
b=/bin/busybox
$b mkdir -p /proc
$b mount -t proc proc /proc
$b ifconfig lo 127.0.0.1
echo "guest: $($b grep -c ^processor /proc/cpuinfo) CPUs"
for cpu in 0 1; do
  on="$b taskset -c $cpu $b"
  $on date && echo "guest: cpu$cpu date"
  $on time $b true && echo "guest: cpu$cpu time"
  from=$($on date +%s) && $on sleep 1.1 && to=$($on date +%s)
  test "$to" -gt "$from" && echo "guest: cpu$cpu sleep"
  $on ping -c 20 -i 0.02 127.0.0.1 && echo "guest: cpu$cpu ping"
done
$b poweroff -f
"""
USED = [f"cpu{cpu} {what}" for cpu in (0, 1) for what in ("date", "time", "sleep", "ping")]
CONFIG = b"""name = "guest"
type = "pvh"
kernel = "/guest/kernel"
ramdisk = "/guest/initrd"
memory = 256
vcpus = 2
extra = "console=hvc0 rdinit=/init panic=5 nokaslr mitigations=off"
on_crash = "destroy"
"""
COMMANDS = {
    "free before": "xl info | grep free_memory",
    "version 2": "(cat /guest/config; echo max_grant_version=2) > /version2; "
    "xl create -p /version2 || echo refused; xl list",
    # Standard input neither ends, which would end the console, nor says anything.
    "console": "mkfifo /silent && xl create -c /guest/config <>/silent",
    "after": f"{ALONE}xl list; xl info | grep free_memory",
    "paused": "xl create -p /guest/config && xl list",
    "destroyed": f"xl destroy guest && {ALONE}xl list; xl info | grep free_memory",
}


def guest_files(system: System, board: Board) -> dict[str, bytes]:
    """What xl needs for the guest, by path in dom0."""
    rules = recipe.load()
    (deb,) = debian.download(["busybox-static"], rules.suite, board.debian_arch)
    (busybox,) = debian.members(deb, lambda name: name == "usr/bin/busybox")
    small = [cpio.directory(name) for name in ("bin", "dev", "proc")]
    small += [cpio.character_device("dev/console", 5, 1), cpio.file("init", INIT, 0o755)]
    small.append(cpio.file("bin/busybox", busybox.data, 0o755))
    return {
        "/guest/kernel": system.kernel.read_bytes(),
        "/guest/initrd": cpio.compress(cpio.pack(small)),
        "/guest/config": CONFIG,
    }


@pytest.fixture(scope="module")
def report(make_system: Callable[..., System], boot: Callable[..., Report], board: Board) -> Report:
    """dom0 with the guest's files, after all commands."""
    system = make_system()
    return boot(system, "test-create", COMMANDS, files=guest_files(system, board))


def test_the_guest_boots_and_powers_off(report: Report) -> None:
    assert "guest: 2 CPUs" in report["console"], report["console"][-2000:]


def test_its_programs_can_use_what_programs_use(report: Report) -> None:
    console = report["console"]
    done = re.findall(r"^guest: (cpu.*?)\s*$", console, re.MULTILINE)
    assert done == USED, console[-2000:]
    assert "unhandled signal" not in console


def test_it_leaves_nothing_behind(report: Report) -> None:
    for name in ("after", "destroyed"):
        listed, _, free = report[name].partition("free_memory")
        assert [row[0] for row in rows(listed)] == ["Domain-0"]
        assert report["free before"] == f"free_memory{free}"


def test_a_grant_version_that_is_not_there_is_refused(report: Report) -> None:
    """The default works: xl asks for what the host's capabilities name."""
    refused, said, listed = report["version 2"].partition("refused")
    assert said, refused
    assert [row[0] for row in rows(listed.strip())] == ["Domain-0"]


def test_it_is_listed_with_what_it_has(report: Report) -> None:
    (row,) = [row for row in rows(report["paused"]) if row[0] == "guest"]
    assert row[2] == "256"
    assert "p" in row[4]
