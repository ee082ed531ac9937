# SPDX-License-Identifier: Apache-2.0
"""Assembles a dom0: a kernel and an initramfs, kept in the cache.

Where Debian has both kernel and Xen tools they are taken from its packages; elsewhere they are
built from its sources with our patches. The result depends only on these, the recipe, the init
scripts and this code: same inputs give same bytes, and a second request takes what is there.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from xenolith import ROOT, progress
from xenolith.cross.project import Result
from xenolith.dom0 import cache, cpio, debian, guest, initramfs, linux, recipe, xentools
from xenolith.dom0.recipe import Recipe
from xenolith.errors import UserError

SCRIPTS = ROOT / "tools" / "dom0"
OWN = ("*.sh", "xen/*", "guest/*")
"""Which files of that folder go into a dom0."""
LAYOUT = "7"
"""Changes when this code makes something else of the same inputs."""

INITRD, CORE, GUESTS = "initrd", "core.gz", "guests.cpio"

Kernel = Literal["usual", "debian", "given"]


@dataclass(frozen=True)
class Dom0:
    """A dom0 ready to boot."""

    kernel: Path
    initrd: Path
    """Two archives, `core` and `guests`."""
    core: Path
    guests: Path
    """What dom0 gives its guests (xenolith.dom0.guest)."""
    release: str
    """The kernel's release; empty if it was given by the user."""
    symbols: Path | None = None
    """The kernel as an ELF file, for a debugger; Debian's packages have none."""


@dataclass(frozen=True)
class _Parts:
    """What a dom0 is assembled from, all of it on this machine.

    `modules` and `guest`: of the kernel in `debs`; empty if there is none.
    """

    debs: list[Path]
    kernel: Result | None = None
    tools: Result | None = None
    modules: initramfs.Modules = field(default_factory=initramfs.Modules)
    guest: tuple[str, ...] = ()

    def names(self) -> list[str]:
        """What tells these parts from others."""
        built = [str(result.folder) for result in (self.kernel, self.tools) if result]
        return [
            *sorted(deb.name for deb in self.debs),
            *built,
            repr(self.modules),
            repr(self.guest),
        ]


def build(arch: str, chosen: Recipe | None = None, *, kernel: Kernel = "usual") -> Dom0:
    """The dom0 for an architecture; downloads and builds what is missing. Raises UserError.

    `kernel`: "debian" is Debian's also where ours is built from source (it has no Xen support);
    "given" leaves building one away, because the user has one.
    """
    rules = chosen or recipe.load()
    built = rules.is_built(arch)
    parts = _from_source(rules, arch, kernel) if built else _packages(rules, arch)
    found = (p for pattern in OWN for p in SCRIPTS.glob(pattern))
    scripts = sorted((str(p.relative_to(SCRIPTS)), p.read_bytes()) for p in found)
    key = cache.digest(LAYOUT, repr(rules), repr(scripts), *parts.names())
    place = cache.cache_dir("dom0") / f"{arch}-{key}"
    done = place / "dom0.json"
    if not done.exists():
        with cache.locked(cache.cache_dir("dom0")), progress.step("assembling dom0"):
            if not done.exists():
                _assemble(place, rules, parts, dict(scripts))
    release = str(json.loads(done.read_text())["release"])
    image, symbols = place / "kernel", None
    if parts.kernel:
        image, symbols = parts.kernel.path("Image"), parts.kernel.path("vmlinux")
    return Dom0(image, place / INITRD, place / CORE, place / GUESTS, release, symbols)


def _packages(rules: Recipe, arch: str) -> _Parts:
    """Kernel and tools from Debian's packages."""
    meta = rules.for_arch(rules.kernel, arch)
    names = (*rules.packages, *rules.xen_packages)
    debs = debian.download(names, rules.suite, arch, metas=[meta])
    groups = {initramfs.XEN: rules.modules, **rules.drivers.get(arch, {})}
    modules = initramfs.Modules(groups, rules.on_demand.get(arch, ()))
    return _Parts(debs, modules=modules, guest=rules.guest.get(arch, ()))


def _from_source(rules: Recipe, arch: str, kernel: Kernel) -> _Parts:
    """Tools built from source, and the kernel too if it is wanted."""
    if kernel == "debian":
        meta = rules.for_arch(rules.kernel, arch)
        debs = debian.download(rules.packages, rules.suite, arch, metas=[meta])
        modules = initramfs.Modules(rules.drivers.get(arch, {}), rules.on_demand.get(arch, ()))
        return _Parts(debs, tools=xentools.build(arch), modules=modules)
    debs = debian.download(rules.packages, rules.suite, arch)
    tools = xentools.build(arch)
    return _Parts(debs, linux.build(arch) if kernel == "usual" else None, tools)


def xen(arch: str, chosen: Recipe | None = None) -> Path:
    """Debian's real Xen for an architecture, to compare with. Raises UserError."""
    rules = chosen or recipe.load()
    if not rules.has_xen(arch):
        raise UserError(
            f"Debian has no Xen for {arch}; there is one for: {', '.join(rules.xen)}", 2
        )
    package, path = rules.for_arch(rules.xen, arch)
    (deb,) = debian.download([package], rules.suite, arch)
    image = cache.cache_dir("xen") / deb.stem
    if not image.exists():
        for member in debian.members(deb, lambda name: name == path):
            return cache.write_atomic(image, member.data)
        raise UserError(f"{deb.name} has no {path}")
    return image


def device_tree(arch: str, file: str, chosen: Recipe | None = None) -> bytes:
    """A device tree that comes with Debian's kernel; `file`: below its folder. Raises UserError."""
    rules = chosen or recipe.load()
    meta = rules.for_arch(rules.kernel, arch)
    debs = debian.download((), rules.suite, arch, metas=[meta])
    wanted = re.compile(rf"usr/lib/linux-image-[^/]+/{re.escape(file)}")
    for deb in debs:
        for member in debian.members(deb, lambda name: bool(wanted.fullmatch(name))):
            return member.data
    raise UserError(f"{', '.join(d.name for d in debs)}: no device tree {file}")


def _assemble(place: Path, rules: Recipe, parts: _Parts, scripts: dict[str, bytes]) -> None:
    """Fill `place`; dom0.json is written last and means that the rest is complete."""
    cache.require_space(place.parent, 150_000_000)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    files = initramfs.read(parts.debs)
    if parts.tools:
        files |= initramfs.read_folder(parts.tools.path("root"))
    release, kernel = _kernel(files, parts)
    if not parts.kernel and kernel:
        cache.write_atomic(place / "kernel", kernel)
    chosen = replace(parts.modules, release=release)
    entries = initramfs.entries(rules, files, chosen, scripts)
    core = cpio.compress(cpio.pack(entries))
    knows_xen = parts.kernel or parts.guest
    more = guest.archive(kernel if knows_xen else b"", files, parts.guest, scripts)
    for name, data in {CORE: core, GUESTS: more, INITRD: core + more}.items():
        cache.write_atomic(place / name, data)
    cache.write_atomic(place / "dom0.json", json.dumps({"release": release}).encode())


def _kernel(files: initramfs.Files, parts: _Parts) -> tuple[str, bytes]:
    """Release and content of the kernel; both empty if the user has one."""
    if parts.kernel:
        release = parts.kernel.path("release").read_text().strip()
        return release, parts.kernel.path("Image").read_bytes()
    if not parts.modules.groups:
        return "", b""
    path = next((p for p in files if re.match(r"boot/vmlinu[xz]-", p)), "")
    if not path:
        names = ", ".join(d.name for d in parts.debs)
        raise UserError(f"none of {names} has a kernel in /boot")
    return path.split("-", 1)[1], files[path].data
