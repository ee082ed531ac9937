# SPDX-License-Identifier: Apache-2.0
"""The kernel that guests boot, and what its initrd is made of.

Debian's where it has Xen's drivers, dom0's own where not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from xenolith import ROOT
from xenolith.card import kernel as card_kernel
from xenolith.card import recipe
from xenolith.dom0 import cpio, debian, linux
from xenolith.dom0 import recipe as dom0_recipe
from xenolith.dom0.cpio import Entry
from xenolith.errors import UserError
from xenolith.guest.model import Value, disk_path, file_path

FOLDER = ROOT / "tools" / "guest"
ARCHES = ("arm64", "riscv64")
KERNEL, INITRD = "kernel", "initrd"
"""Names of a guest's files."""


@dataclass(frozen=True)
class Kernel:
    """A kernel on this machine, a static busybox and the modules a guest's root needs."""

    image: Path
    busybox: bytes
    modules: tuple[Entry, ...] = ()

    def initrd(self, more: Iterable[Entry] = ()) -> bytes:
        """An initrd that mounts the guest's root. `more`: what it does with it, app.sh."""
        entries = [
            cpio.file("init", (FOLDER / "init.sh").read_bytes(), 0o755),
            cpio.file("bin/busybox", self.busybox, 0o755),
            cpio.character_device("dev/console", 5, 1),
            *self.modules,
        ]
        return cpio.compress(cpio.pack([*entries, *more]))


def package(arch: str) -> str:
    """Debian's package that has the kernel's modules; empty where the kernel has none."""
    rules = dom0_recipe.load()
    return "" if rules.is_built(arch) else rules.for_arch(rules.kernel, arch)[0]


def prepare(arch: str, suite: str = "") -> Kernel:
    """The kernel for an architecture, by Debian's name; downloaded or built. Raises UserError.

    `suite`: whose kernel, where it is Debian's; empty: dom0's suite.
    """
    if arch not in ARCHES:
        raise UserError(f"no guests for {arch}; there are some for: {', '.join(ARCHES)}", 2)
    rules = dom0_recipe.load()
    if not rules.is_built(arch):
        found = card_kernel.prepare(arch, recipe.load(FOLDER / "debian.toml"), suite)
        modules = tuple(found.modules())
        return Kernel(found.image, found.busybox.read_bytes(), modules)
    built = linux.build(arch)
    (deb,) = debian.download(["busybox-static"], rules.suite, arch)
    (busybox,) = debian.members(deb, lambda name: name == "usr/bin/busybox")
    return Kernel(built.path("Image"), busybox.data)


def settings(name: str, memory: int, extra: str) -> dict[str, Value]:
    """Of the xl.cfg of a guest whose root is its only disk. `memory` in MiB."""
    return {
        "name": name,
        "type": "pvh",
        "kernel": file_path(name, KERNEL),
        "ramdisk": file_path(name, INITRD),
        "extra": f"console=hvc0 root=/dev/xvda {extra}",
        "memory": memory,
        "vcpus": 1,
        "disk": [f"{disk_path(name, 0)},raw,xvda,w"],
        "vif": ["bridge=xenbr0"],
    }
