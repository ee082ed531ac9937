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
from xenolith.dom0 import cache, cpio, debian, guest, initramfs, kernels, linux, recipe, xentools
from xenolith.dom0.kernels import Named
from xenolith.dom0.recipe import Recipe
from xenolith.errors import UserError

SCRIPTS = ROOT / "tools" / "dom0"
OWN = ("*.sh", "xen/*", "guest/*")
"""Which files of that folder go into a dom0."""
LAYOUT = "7"
"""Changes when this code makes something else of the same inputs."""

KERNEL = re.compile(r"boot/vmlinu[xz]-(.+)|usr/lib/modules/([^/]+)/vmlinuz")
"""Where Debian's packages have a kernel: the release is in its path. The second since Linux 7."""
INITRD, CORE, GUESTS = "initrd", "core.gz", "guests.cpio"

Kernel = Literal["usual", "debian", "given"] | Named


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

    `modules` and `guest`: of the kernel in `debs`; empty if there is none. `named`: it is another
    one than the recipe's, which may lack some of them.
    """

    debs: list[Path]
    kernel: Result | None = None
    tools: Result | None = None
    modules: initramfs.Modules = field(default_factory=initramfs.Modules)
    guest: tuple[str, ...] = ()
    named: Named | None = None

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

    `kernel`: "debian" is Debian's also where ours is built from source (it has no Xen support), as
    is any that has a name; "given" leaves building one away, because the user has one.
    """
    rules = chosen or recipe.load()
    built = rules.is_built(arch)
    parts = _from_source(rules, arch, kernel) if built else _packages(rules, arch, kernel)
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


def _debs(rules: Recipe, arch: str, names: tuple[str, ...], kernel: Kernel) -> list[Path]:
    """Packages, and the kernel's: the recipe's unless it has a name."""
    if isinstance(kernel, Named):
        return debian.download(names, rules.suite, arch) + kernels.download(kernel, arch)
    meta = rules.for_arch(rules.kernel, arch)
    return debian.download(names, rules.suite, arch, metas=[meta])


def _packages(rules: Recipe, arch: str, kernel: Kernel) -> _Parts:
    """Kernel and tools from Debian's packages."""
    debs = _debs(rules, arch, (*rules.packages, *rules.xen_packages), kernel)
    groups = {initramfs.XEN: rules.modules, **rules.drivers.get(arch, {})}
    modules = initramfs.Modules(groups, rules.on_demand.get(arch, ()))
    named = kernel if isinstance(kernel, Named) else None
    return _Parts(debs, modules=modules, guest=rules.guest.get(arch, ()), named=named)


def _from_source(rules: Recipe, arch: str, kernel: Kernel) -> _Parts:
    """Tools built from source, and the kernel too if it is wanted."""
    named = kernel if isinstance(kernel, Named) else None
    if named or kernel == "debian":
        debs = _debs(rules, arch, rules.packages, kernel)
        modules = initramfs.Modules(rules.drivers.get(arch, {}), rules.on_demand.get(arch, ()))
        return _Parts(debs, tools=xentools.build(arch), modules=modules, named=named)
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
    parts = _present(parts, files)
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


def _present(parts: _Parts, files: initramfs.Files) -> _Parts:
    """Without the modules that a kernel lacks which the recipe does not know; says which."""
    if not parts.named:
        return parts
    pool = initramfs.Pool(files)
    groups = {name: pool.split(wanted) for name, wanted in parts.modules.groups.items()}
    later, guests = pool.split(parts.modules.on_demand), pool.split(parts.guest)
    missing = {name for _, lacks in (*groups.values(), later, guests) for name in lacks}
    if missing:
        progress.note(f"{parts.named} has no {', '.join(sorted(missing))}: left out")
    modules = replace(
        parts.modules,
        groups={name: there for name, (there, _) in groups.items()},
        on_demand=later[0],
    )
    return replace(parts, modules=modules, guest=guests[0])


def _kernel(files: initramfs.Files, parts: _Parts) -> tuple[str, bytes]:
    """Release and content of the kernel; both empty if the user has one."""
    if parts.kernel:
        release = parts.kernel.path("release").read_text().strip()
        return release, parts.kernel.path("Image").read_bytes()
    if not parts.modules.groups:
        return "", b""
    for path, member in files.items():
        if found := KERNEL.fullmatch(path):
            return found[1] or found[2], member.data
    names = ", ".join(d.name for d in parts.debs)
    raise UserError(f"none of {names} has a kernel")
