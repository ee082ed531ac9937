"""Assembles a dom0 from Debian packages: a kernel and an initramfs, kept in the cache.

The result depends only on the packages, the recipe, the init script and this code: the same inputs
give the same bytes, and a second request takes what is there.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from xenolith import ROOT, progress
from xenolith.dom0 import cache, cpio, debian, elf, recipe
from xenolith.dom0.recipe import Recipe
from xenolith.errors import UserError

SCRIPTS = ROOT / "tools" / "dom0"
LAYOUT = "3"
"""Changes when this code makes something else of the same inputs."""

DIRECTORIES = """dev etc/xen proc root run sys tmp usr/bin usr/sbin var/lib/xen var/lib/xenstored
var/lock var/log/xen boot""".split()
ETC = {
    "etc/hostname": "dom0\n",
    "etc/passwd": "root::0:0:root:/root:/bin/sh\n",
    "etc/group": "root:x:0:\n",
    "etc/profile": (
        "export PATH=/bin:/sbin:/usr/bin:/usr/sbin\n"
        "for directory in /usr/lib/xen-*/bin; do PATH=$PATH:$directory; done\n"
        "PS1='dom0:\\w# '\ncd\n"
    ),
    "etc/xen/xl.conf": "# Options of xl: xl.conf(5). Domains are configured beside this file.\n",
}


@dataclass(frozen=True)
class Dom0:
    """A dom0 ready to boot."""

    kernel: Path
    initrd: Path
    release: str
    """The kernel's release, as uname -r."""


def build(arch: str, chosen: Recipe | None = None) -> Dom0:
    """The Debian dom0 for an architecture; downloads what is missing. Raises UserError."""
    rules = chosen or recipe.load()
    meta = rules.for_arch(rules.kernel, arch)
    debs = debian.download(rules.packages, rules.suite, arch, metas=[meta])
    scripts = sorted((p.name, p.read_bytes()) for p in SCRIPTS.glob("*.sh"))
    key = cache.digest(LAYOUT, repr(rules), repr(scripts), *sorted(d.name for d in debs))
    place = cache.cache_dir("dom0") / f"{arch}-{key}"
    done = place / "dom0.json"
    if not done.exists():
        with cache.locked(cache.cache_dir("dom0")), progress.step("assembling dom0"):
            if not done.exists():
                _assemble(place, rules, debs, dict(scripts))
    release = str(json.loads(done.read_text())["release"])
    return Dom0(place / "kernel", place / "initrd.gz", release)


def xen(arch: str, chosen: Recipe | None = None) -> Path:
    """Debian's real Xen for an architecture, to compare with. Raises UserError."""
    rules = chosen or recipe.load()
    package, path = rules.for_arch(rules.xen, arch)
    (deb,) = debian.download([package], rules.suite, arch)
    image = cache.cache_dir("xen") / deb.stem
    if not image.exists():
        for member in debian.members(deb, lambda name: name == path):
            return cache.write_atomic(image, member.data)
        raise UserError(f"{deb.name} has no {path}")
    return image


def _assemble(place: Path, rules: Recipe, debs: list[Path], scripts: dict[str, bytes]) -> None:
    """Fill `place`; dom0.json is written last and means that the rest is complete."""
    cache.require_space(place.parent, 150_000_000)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    files = _read(debs)
    kernel = next((p for p in files if re.match(r"boot/vmlinu[xz]-", p)), "")
    if not kernel:
        raise UserError(f"none of {', '.join(d.name for d in debs)} has a kernel in /boot")
    release = kernel.split("-", 1)[1]
    entries = [cpio.directory(name) for name in DIRECTORIES]
    entries += [cpio.file(path, text.encode()) for path, text in ETC.items()]
    entries += [cpio.link("lib", "usr/lib"), cpio.link("var/run", "/run")]
    entries += [cpio.character_device("dev/console", 5, 1), cpio.character_device("dev/null", 1, 3)]
    entries += [cpio.file("init", scripts["init.sh"], 0o755)]
    for name in ("console.sh", "udhcpc.sh"):
        entries.append(cpio.file(f"etc/{name}", scripts[name], 0o755))
    entries += _programs(rules, files) + _modules(rules, files)
    cache.write_atomic(place / "kernel", files[kernel].data)
    cache.write_atomic(place / "initrd.gz", cpio.compress(cpio.pack(entries)))
    cache.write_atomic(place / "dom0.json", json.dumps({"release": release}).encode())


def _read(debs: Iterable[Path]) -> dict[str, debian.Member]:
    """What the packages hold, apart from documentation."""
    files: dict[str, debian.Member] = {}
    for deb in debs:
        for member in debian.members(deb, lambda name: not name.startswith("usr/share/")):
            files[member.path] = member
    return files


def _follow(files: dict[str, debian.Member], path: str) -> debian.Member:
    """The regular file at `path`, through links. Raises UserError."""
    for _ in range(8):
        member = files.get(path)
        if member is None:
            break
        if member.target is None:
            return member
        path = _resolved(PurePosixPath(path).parent / member.target)
    raise UserError(f"dom0: no package of the recipe has {path}")


def _resolved(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts = parts[:-1]
        elif part != "/":
            parts.append(part)
    return "/".join(parts)


def _programs(rules: Recipe, files: dict[str, debian.Member]) -> list[cpio.Entry]:
    """The programs, and the libraries they are linked against."""
    paths = {"bin/busybox": "usr/bin/busybox", "usr/bin/xenstore": "usr/bin/xenstore"}
    paths |= {f"{rules.tools}/{name}": f"{rules.tools}/{name}" for name in rules.programs}
    binaries = {to: _follow(files, source).data for to, source in paths.items()}
    directories = sorted({str(PurePosixPath(p).parent) for p in files if ".so" in p})
    waiting = list(rules.libraries)
    for name, data in binaries.items():
        waiting += elf.needed(name, data)
    libraries: dict[str, bytes] = {}
    while waiting:
        soname = waiting.pop()
        path = next((f"{d}/{soname}" for d in directories if f"{d}/{soname}" in files), soname)
        if path not in libraries:
            libraries[path] = _follow(files, path).data
            waiting += elf.needed(soname, libraries[path])
    every = binaries | libraries
    links = [cpio.link(f"usr/bin/xenstore-{name}", "xenstore") for name in rules.xenstore]
    return [cpio.file(path, data, 0o755) for path, data in every.items()] + links


def _modules(rules: Recipe, files: dict[str, debian.Member]) -> list[cpio.Entry]:
    """Kernel modules below /modules/xen and /modules/net, numbered in the order to load them."""
    names = {p: PurePosixPath(p).name.split(".ko")[0] for p in files if ".ko" in p}
    paths = {name.replace("_", "-"): path for path, name in names.items()}
    contents: dict[str, bytes] = {}

    def depends(name: str) -> list[str]:
        path = paths.get(name)
        if path is None:
            raise UserError(f"the kernel package has no module {name}")
        contents[name] = elf.decompress_module(path, files[path].data)
        others = elf.module_info(path, contents[name]).get("depends", "")
        return [other.replace("_", "-") for other in others.split(",") if other]

    entries = []
    done: list[str] = []
    for group, wanted in (("xen", rules.modules), ("net", rules.network)):
        order = elf.load_order([w.replace("_", "-") for w in wanted], depends)
        fresh = [name for name in order if name not in done]
        done += fresh
        entries += [
            cpio.file(f"modules/{group}/{number:02}-{name}.ko", contents[name])
            for number, name in enumerate(fresh)
        ]
    return entries
