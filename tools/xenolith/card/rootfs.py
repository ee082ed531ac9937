# SPDX-License-Identifier: Apache-2.0
"""Turns freshly installed packages into the root of a card's dom0: pure functions on a tree.

What differs between two runs of the same packages, and what must not be the same on two cards, is
taken out; the network, the services and the user's choices are put in.
"""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xenolith.card import recipe, tree
from xenolith.card.login import Login
from xenolith.card.packages import Package
from xenolith.card.tree import Item, Tree
from xenolith.dom0 import image as dom0_image
from xenolith.dom0 import sources
from xenolith.errors import UserError

BOOT = "boot/firmware"
"""Where Debian's tools for the Pi expect the first partition."""

TRACES = """etc/.pwd.lock etc/group- etc/gshadow- etc/passwd- etc/shadow- etc/subgid- etc/subuid-
stage var/cache/ldconfig/aux-cache var/lib/dbus/machine-id var/lib/systemd/random-seed
var/lib/systemd/timesync var/lib/dpkg/lock var/lib/dpkg/lock-frontend var/lib/dpkg/triggers/Lock
var/cache/debconf/config.dat-old var/cache/debconf/templates.dat-old var/lib/dpkg/status-old
var/lib/dpkg/available var/lib/dpkg/available-old""".split()
"""Of the installation, and of a machine."""
EMPTIED = ("run", "tmp", "var/tmp", "var/log", "var/cache/apt", "var/lib/apt/lists", "dev", "proc")
"""Folders of which only the folders in it are kept; of these none."""
KEPT = ("var/log/",)

UNITS = "etc/systemd/system"
OURS = {
    "xenolith-grow.service": "sysinit.target.wants",
    "xenolith-run.service": "multi-user.target.wants",
}
DEBIANS = {
    "systemd-networkd": "multi-user.target.wants",
    "systemd-resolved": "sysinit.target.wants",
    "systemd-timesyncd": "sysinit.target.wants",
    "ssh": "multi-user.target.wants",
}
"""Services of Debian that a card needs, enabled in case their packages leave that open."""


PATIENCE = """# A slow card, or a machine that a busy one plays, is no failure.
[Manager]
DefaultTimeoutStartSec=10min
DefaultDeviceTimeoutSec=10min
"""
DISKS = """# /dev/xenolith/SERIAL. A USB disk is a part of the device that has its serial number.
KERNEL=="vd*|sd*", ENV{DEVTYPE}=="disk", ATTRS{serial}=="?*", SYMLINK+="xenolith/$attr{serial}"
"""
"""The machine's disks by their numbers, as a dom0 in memory has them."""
CONSOLES = ("serial-getty@hvc0", "getty@tty1")
"""Debian's logins on the hypervisor's console, and on a screen with a keyboard."""
QUIET = """# Who types a name sees that, and not what the kernel says meanwhile; `dmesg` has it.
[Service]
ExecStartPre=-/usr/bin/dmesg --console-level warn
"""
RESCUE = """# Nobody has a password here; who holds the serial cable holds the board.
[Service]
Environment=SYSTEMD_SULOGIN_FORCE=1
"""


@dataclass(frozen=True)
class Choice:
    """What the user decides. `identifier`: the disk's, for PARTUUID."""

    hostname: str
    login: Login
    identifier: int
    sources: str
    """For apt: text in deb822 style."""
    debian_kernel: bool = True
    """A package has the kernel; else all drivers are in it, and no package replaces it."""

    def partition(self, number: int) -> str:
        """What names a partition of this card wherever it is plugged in."""
        return f"PARTUUID={self.identifier:08x}-{number:02x}"


def files() -> dict[str, bytes]:
    """What a root is made of besides packages, by name."""
    folders = recipe.FOLDER, dom0_image.SCRIPTS / "xen"
    paths = [path for folder in folders for path in folder.iterdir()]
    return {path.name: path.read_bytes() for path in (*paths, dom0_image.SCRIPTS / "guests.sh")}


def finish(
    found: Tree,
    choice: Choice,
    files: dict[str, bytes],
    packages: Sequence[Package],
    asked: set[str],
) -> None:
    """Make `found` the card's root. `files`: as `files` gives them.

    Times are left to the caller. Raises UserError for a user that exists.
    """
    clean(found)
    items = [
        *_settings(choice),
        *_services(files),
        *(_kernel(files) if choice.debian_kernel else []),
        *_network(files),
        tree.file("var/lib/apt/extended_states", automatic(packages, asked)),
    ]
    items += accounts(found, choice.login)
    items += _doors(choice.login, files)
    mtime = max((item.mtime for item in found.values()), default=0)
    tree.put(found, items, mtime)


def sources_list(suite: str) -> str:
    """For apt in the root: the mirror that this machine uses."""
    security = sources.security(sources.read_sources(Path("/etc/apt")))
    return sources.deb822(suite, sources.mirror(), security)


def clean(found: Tree) -> None:
    """Take out what belongs to the installation or to one machine."""
    tree.drop(found, *TRACES)
    tree.drop(found, *[p for p in found if p.endswith("/__pycache__")])
    tree.drop(found, *[p for p in found if p.startswith("etc/ssh/ssh_host_")])
    for folder in EMPTIED:
        inside = [path for path in found if path.startswith(f"{folder}/")]
        keep = folder + "/" in KEPT
        tree.drop(found, *[p for p in inside if not (keep and stat.S_ISDIR(found[p].mode))])


def _settings(choice: Choice) -> list[Item]:
    name = choice.hostname
    table = (
        f"{choice.partition(2)} / ext4 defaults,noatime,errors=remount-ro 0 1\n"
        f"{choice.partition(1)} /{BOOT} vfat defaults,umask=0077,nofail 0 2\n"
        "xenfs /proc/xen xenfs defaults,nofail 0 0\n"
    )
    return [
        tree.file("etc/hostname", f"{name}\n"),
        tree.file("etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {name}\n::1 localhost\n"),
        tree.file("etc/fstab", table),
        tree.file("etc/machine-id", ""),
        tree.file("etc/systemd/system.conf.d/xenolith.conf", PATIENCE),
        # A board without a clock begins at this file's date, systemd-timesyncd(8).
        tree.file("usr/lib/clock-epoch", ""),
        tree.file("etc/apt/sources.list.d/debian.sources", choice.sources),
        tree.directory(BOOT),
        tree.directory("etc/xen/auto"),
    ]


def _services(files: dict[str, bytes]) -> list[Item]:
    items = [
        tree.file("usr/lib/xenolith/grow", files["grow.sh"], 0o755),
        tree.file("usr/lib/xenolith/run", files["run.sh"], 0o755),
        tree.file("usr/lib/xenolith/guests.sh", files["guests.sh"]),
        tree.file("etc/udev/rules.d/70-xenolith.rules", DISKS),
        tree.file(f"{UNITS}/xen.service.d/dom0.conf", files["xen-dom0.conf"]),
        tree.file(f"{UNITS}/ssh.service.d/keys.conf", files["ssh-keys.conf"]),
        tree.file(f"{UNITS}/{CONSOLES[1]}.service.d/quiet.conf", QUIET),
        *(tree.file(f"etc/xen/{name}", files[name]) for name in ("demo.cfg", "guest.cfg.example")),
    ]
    for unit, target in OURS.items():
        items.append(tree.file(f"{UNITS}/{unit}", files[unit]))
        items.append(tree.link(f"{UNITS}/{target}/{unit}", f"/{UNITS}/{unit}"))
    for name, target in DEBIANS.items():
        unit = f"/usr/lib/systemd/system/{name}.service"
        items.append(tree.link(f"{UNITS}/{target}/{name}.service", unit))
    return items


def _kernel(files: dict[str, bytes]) -> list[Item]:
    """What a kernel with modules needs, and what puts the next one where U-Boot looks for it."""
    hook = files["kernel-hook.sh"]
    return [
        tree.file("etc/kernel/postinst.d/zz-xenolith", hook, 0o755),
        tree.file("etc/initramfs/post-update.d/zz-xenolith", hook, 0o755),
        tree.file("etc/modules-load.d/xen.conf", "xen-gntalloc\nxen-blkback\nxen-netback\nloop\n"),
    ]


def _network(files: dict[str, bytes]) -> list[Item]:
    folder = "etc/systemd/network"
    names = {
        "10-xenbr0.netdev": "bridge.netdev",
        "10-xenbr0.link": "bridge.link",
        "10-xenbr0.network": "bridge.network",
        "20-uplink.network": "uplink.network",
    }
    items = [tree.file(f"{folder}/{name}", files[source]) for name, source in names.items()]
    return [*items, tree.link("etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf")]


def automatic(packages: Sequence[Package], asked: set[str]) -> str:
    """For apt: what is there only because something else needs it."""
    names = [p.name for p in packages if not p.essential and p.name not in asked]
    arch = "".join({p.deb.stem.rsplit("_", 1)[1] for p in packages} - {"all"})
    return "".join(
        f"Package: {name}\nArchitecture: {arch}\nAuto-Installed: 1\n\n" for name in sorted(names)
    )


def accounts(found: Tree, login: Login) -> list[Item]:
    """Accounts: one person, who is root or may become it."""
    home = "root" if login.user == "root" else f"home/{login.user}"
    uid = 0 if login.user == "root" else 1000
    items = [tree.directory(home, 0o700, uid=uid, gid=uid)]
    passwd, shadow, group = (tree.text(found, f"etc/{x}") for x in ("passwd", "shadow", "group"))
    shadow = _account(shadow, "root", "!")
    if uid:
        if any(line.split(":")[0] == login.user for line in passwd.splitlines()):
            raise UserError(f"--user {login.user}: Debian has a user of that name; another one", 2)
        passwd += f"{login.user}:x:{uid}:{uid}:{login.user}:/{home}:/bin/bash\n"
        group = _member(f"{group}{login.user}:x:{uid}:\n", "sudo", login.user)
        shadow += f"{login.user}:!:19000:0:99999:7:::\n"
        rule = f"# The board's owner; xl wants root.\n{login.user} ALL=(ALL:ALL) NOPASSWD: ALL\n"
        items.append(tree.file(f"etc/sudoers.d/{login.user}", rule, 0o440))
        for name in (".bashrc", ".profile"):
            skeleton = tree.text(found, f"etc/skel/{name}")
            items.append(tree.file(f"{home}/{name}", skeleton, uid=uid, gid=uid))
    # An empty password is one that must be changed at the first login; ssh takes no empty ones.
    field, changed = ("", "0") if login.sets_password else (login.password or "!", "19000")
    shadow = _account(shadow, login.user, field, changed)
    shadow_group = next(int(x.split(":")[2]) for x in group.splitlines() if x.startswith("shadow:"))
    items += [
        tree.file("etc/passwd", passwd),
        tree.file("etc/group", group),
        tree.file("etc/shadow", shadow, 0o640, gid=shadow_group),
    ]
    if login.keys:
        keys = "".join(f"{key}\n" for key in login.keys)
        items.append(tree.directory(f"{home}/.ssh", 0o700, uid=uid, gid=uid))
        items.append(tree.file(f"{home}/.ssh/authorized_keys", keys, 0o600, uid=uid, gid=uid))
    return items


def _doors(login: Login, files: dict[str, bytes]) -> list[Item]:
    """What ssh and the consoles take for a login."""
    text = "# root comes with a key or not at all.\n"
    text += "PermitRootLogin prohibit-password\nPermitEmptyPasswords no\n"
    if login.keys:
        text += "# Keys only: there is one.\n"
        text += "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
    items = [tree.file("etc/ssh/sshd_config.d/xenolith.conf", text)]
    if login.opens_console:
        unit = f"[Service]\nExecStart=\nExecStart=-/usr/lib/xenolith/console {login.user}\n"
        items += [tree.file(f"{UNITS}/{x}.service.d/xenolith.conf", unit) for x in CONSOLES]
        items.append(tree.file("usr/lib/xenolith/console", files["console.sh"], 0o755))
        for name in ("emergency", "rescue"):
            items.append(tree.file(f"{UNITS}/{name}.service.d/xenolith.conf", RESCUE))
    return items


def _account(shadow: str, user: str, password: str, changed: str = "19000") -> str:
    """/etc/shadow with a password field and the day of its last change (0: change it now)."""
    lines = []
    for line in shadow.splitlines():
        fields = line.split(":")
        if fields[0] == user:
            fields[1:3] = [password, changed]
        lines.append(":".join(fields))
    return "".join(f"{line}\n" for line in lines)


def _member(group: str, name: str, user: str) -> str:
    """/etc/group with one member more in a group."""
    lines = []
    for line in group.splitlines():
        if line.startswith(f"{name}:"):
            line += f",{user}" if not line.endswith(":") else user
        lines.append(line)
    return "".join(f"{line}\n" for line in lines)
