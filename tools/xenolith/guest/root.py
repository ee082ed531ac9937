# SPDX-License-Identifier: Apache-2.0
"""Turns freshly installed packages into the root of a Debian guest: pure functions on a tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xenolith.card import rootfs, tree
from xenolith.card.login import Login
from xenolith.card.packages import Package
from xenolith.card.rootfs import UNITS
from xenolith.card.tree import Item, Tree

SSHD = """# root comes with a key or not at all.
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
"""
CONSOLE = "usr/lib/xenolith/console"


@dataclass(frozen=True)
class Choice:
    """What the user decides. `keys`: public ssh keys of root; `uuid`: the file system's."""

    hostname: str
    keys: tuple[str, ...]
    uuid: str
    sources: str
    """For apt: text in deb822 style."""


def finish(
    found: Tree,
    choice: Choice,
    files: dict[str, bytes],
    packages: Sequence[Package],
    asked: set[str],
) -> None:
    """Make `found` the guest's root. `files`: xenolith.guest.debian.FILES, by name."""
    rootfs.clean(found)
    items = [
        *_settings(choice),
        *_console(files),
        *_services(found),
        tree.file("etc/systemd/network/20-guest.network", files["guest.network"]),
        tree.link("etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf"),
        tree.file("var/lib/apt/extended_states", rootfs.automatic(packages, asked)),
        # A locked password: the console logs in without one until `passwd` sets it.
        *rootfs.accounts(found, Login(password="!", keys=choice.keys)),
    ]
    if "usr/sbin/sshd" in found:
        items.append(tree.file("etc/ssh/sshd_config.d/xenolith.conf", SSHD))
        items.append(tree.file(f"{UNITS}/ssh.service.d/keys.conf", files["ssh-keys.conf"]))
    mtime = max((item.mtime for item in found.values()), default=0)
    tree.put(found, items, mtime)


def _settings(choice: Choice) -> list[Item]:
    name = choice.hostname
    options = "defaults,noatime,errors=remount-ro,x-systemd.growfs"
    return [
        tree.file("etc/hostname", f"{name}\n"),
        tree.file("etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {name}\n::1 localhost\n"),
        tree.file("etc/fstab", f"UUID={choice.uuid} / ext4 {options} 0 1\n"),
        tree.file("etc/machine-id", ""),
        tree.file("etc/systemd/system.conf.d/xenolith.conf", rootfs.PATIENCE),
        # A guest without a clock begins at this file's date, systemd-timesyncd(8).
        tree.file("usr/lib/clock-epoch", ""),
        tree.file("etc/apt/sources.list.d/debian.sources", choice.sources),
    ]


def _console(files: dict[str, bytes]) -> list[Item]:
    """Who has the guest's console is dom0's administrator, who has the guest's disk anyway."""
    unit = f"[Service]\nExecStart=\nExecStart=-/{CONSOLE} root\n"
    rescue = [
        tree.file(f"{UNITS}/{name}.service.d/xenolith.conf", rootfs.RESCUE)
        for name in ("emergency", "rescue")
    ]
    return [
        tree.file(f"{UNITS}/serial-getty@hvc0.service.d/xenolith.conf", unit),
        tree.file(CONSOLE, files["console.sh"], 0o755),
        *rescue,
    ]


def _services(found: Tree) -> list[Item]:
    """Those of Debian's that are installed, enabled in case their packages leave that open."""
    return [
        tree.link(f"{UNITS}/{target}/{name}.service", f"/usr/lib/systemd/system/{name}.service")
        for name, target in rootfs.DEBIANS.items()
        if f"usr/lib/systemd/system/{name}.service" in found
    ]
