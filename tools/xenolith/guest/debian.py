# SPDX-License-Identifier: Apache-2.0
"""Makes a Debian guest: a disk image, a kernel, an initrd, an xl.cfg; no root rights needed.

The packages are installed in a machine of QEMU (xenolith.card.stage). Same wishes and same
packages give the same bytes, which stay in the cache.
"""

from __future__ import annotations

import hashlib
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path

from xenolith import progress
from xenolith.card import ext4, packages, recipe, rootfs, stage
from xenolith.card import kernel as card_kernel
from xenolith.card.login import check_hostname
from xenolith.card.packages import Package
from xenolith.dom0 import cache
from xenolith.errors import UserError
from xenolith.guest import kernel, model, root
from xenolith.guest.kernel import FOLDER, INITRD, KERNEL, Kernel
from xenolith.guest.model import Guest
from xenolith.system.placement import MIB

LAYOUT = "1"
"""Changes when this code makes something else of the same inputs."""
MEMORY = 512
"""MiB."""
SUITE = "trixie"
FILES = (
    FOLDER / "guest.network",
    FOLDER / "init.sh",
    recipe.FOLDER / "console.sh",
    recipe.FOLDER / "ssh-keys.conf",
)
DISK = "disk.img"
ABOUT = """A Debian with systemd: xl create -c FILE; Ctrl-] leaves the console, where root is
logged in until it sets a password. `xl shutdown` ends it in order.
"""


@dataclass(frozen=True)
class Wishes:
    """What a user decides. `size`: of the disk in bytes, `keys`: public ssh keys of root.

    Raises UserError for what cannot be.
    """

    name: str = "debian"
    hostname: str = ""
    """Empty: the guest's name."""
    suite: str = SUITE
    packages: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    size: int = 2 << 30

    def __post_init__(self) -> None:
        model.check_name(self.name)
        check_hostname(self.hostname or model.host_name(self.name))
        model.check_disk_size(self.size)


@dataclass(frozen=True)
class _Parts:
    """What a guest is made of, all of it on this machine."""

    linux: Kernel
    packages: list[Package]
    asked: set[str]
    """Names of the packages that are wanted for themselves."""
    archive: Path
    """The installed packages."""
    seconds: int
    """The date of all that is made here."""
    sources: str
    files: dict[str, bytes]

    def names(self) -> list[str | bytes]:
        """What tells these parts from others."""
        contents = [self.files[name] for name in sorted(self.files)]
        return [self.archive.name, str(self.linux.image), self.sources, *contents]


def make(arch: str, wishes: Wishes | None = None) -> Guest:
    """The guest, in the cache: its disk is to be copied, not written to. Raises UserError.

    `arch`: Debian's name of an architecture.
    """
    wanted = wishes or Wishes()
    parts = _parts(arch, wanted)
    store = cache.cache_dir("guest")
    place = store / f"debian-{arch}-{cache.digest(LAYOUT, repr(wanted), *parts.names())}"
    if not place.exists():
        with cache.locked(store):
            if not place.exists():
                _make(place, wanted, parts)
    return _guest(wanted.name, parts.linux, place)


def _parts(arch: str, wishes: Wishes) -> _Parts:
    linux = kernel.prepare(arch, wishes.suite)
    rules = recipe.load(FOLDER / "debian.toml")
    asked = {*rules.packages, *wishes.packages, kernel.package(arch)} - {""}
    asked |= {"openssh-server"} if wishes.keys else set()
    chosen = packages.solve(sorted(asked), wishes.suite, arch)
    helper = card_kernel.prepare(arch, recipe.load())
    return _Parts(
        linux,
        chosen,
        asked,
        stage.root(chosen, rules, helper),
        helper.seconds,
        rootfs.sources_list(wishes.suite),
        {path.name: path.read_bytes() for path in FILES},
    )


def _make(place: Path, wishes: Wishes, parts: _Parts) -> None:
    """Fill `place`, which is there when it is complete."""
    name = str(uuid.UUID(bytes=hashlib.sha256(repr(wishes).encode()).digest()[:16], version=4))
    with tempfile.TemporaryDirectory(prefix="debian-", dir=place.parent) as folder:
        work, made = Path(folder), Path(folder) / "made"
        for path in (work / "spool", made):
            path.mkdir()
        found = stage.read(parts.archive, work / "spool", parts.seconds)
        hostname = wishes.hostname or model.host_name(wishes.name)
        choice = root.Choice(hostname, wishes.keys, name, parts.sources)
        root.finish(found, choice, parts.files, parts.packages, parts.asked)
        needs = ext4.space(found)
        if needs > wishes.size:
            raise UserError(f"--size: this guest needs {-(-needs // MIB)}M or more", 2)
        cache.require_space(place.parent, 2 * needs)
        with progress.step("writing the guest's disk"):
            form = ext4.Format("guest", name, parts.seconds)
            ext4.write(found, made / DISK, wishes.size, form, work / "spool")
        cache.write_atomic(made / INITRD, parts.linux.initrd())
        made.replace(place)


def _guest(name: str, linux: Kernel, place: Path) -> Guest:
    files = {KERNEL: linux.image, INITRD: place / INITRD}
    settings = kernel.settings(name, MEMORY, "ro net.ifnames=0")
    return Guest(name, model.config_text(settings, ABOUT), files, (place / DISK,))
