# SPDX-License-Identifier: Apache-2.0
"""The initial file system of dom0: programs with their libraries, kernel modules, init scripts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from xenolith.dom0 import cpio, debian, elf
from xenolith.dom0.cpio import Entry
from xenolith.dom0.recipe import Recipe
from xenolith.errors import UserError

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


Files = dict[str, debian.Member]
Groups = dict[str, tuple[str, ...]]
XEN = "xen"
"""The group of modules that is always loaded, and first."""


def entries(rules: Recipe, files: Files, groups: Groups, scripts: dict[str, bytes]) -> list[Entry]:
    """What the archive holds. `groups`: names of modules to load, by folder below /modules.

    Raises UserError.
    """
    found = [cpio.directory(name) for name in DIRECTORIES]
    found += [cpio.file(path, text.encode()) for path, text in ETC.items()]
    found += [cpio.link("lib", "usr/lib"), cpio.link("var/run", "/run")]
    found += [cpio.character_device("dev/console", 5, 1), cpio.character_device("dev/null", 1, 3)]
    found += [cpio.file("init", scripts["init.sh"], 0o755)]
    for name in ("console.sh", "exec.sh", "udhcpc.sh"):
        found.append(cpio.file(f"etc/{name}", scripts[name], 0o755))
    return found + _programs(rules, files) + modules(groups, files)


def read(debs: Iterable[Path]) -> Files:
    """What packages hold, apart from documentation."""
    files: Files = {}
    for deb in debs:
        for member in debian.members(deb, lambda name: not name.startswith("usr/share/")):
            files[member.path] = member
    return files


def read_folder(root: Path) -> Files:
    """The same for an installed tree."""
    files: Files = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            files[name] = debian.Member(name, 0o777, target=str(path.readlink()))
        elif path.is_file():
            files[name] = debian.Member(name, path.stat().st_mode & 0o777, path.read_bytes())
    return files


def _follow(files: Files, path: str) -> debian.Member:
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


def _programs(rules: Recipe, files: Files) -> list[Entry]:
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


def modules(groups: Groups, files: Files) -> list[Entry]:
    """Kernel modules in their folders, numbered in the order to load them.

    Of the groups other than Xen's a machine loads its own: each is complete.
    """
    names = {p: PurePosixPath(p).name.split(".ko")[0] for p in files if ".ko" in p}
    paths = {name.replace("_", "-"): path for path, name in names.items()}
    contents: dict[str, bytes] = {}

    def depends(name: str) -> list[str]:
        path = paths.get(name)
        if path is None:
            raise UserError(f"the kernel package has no module {name}")
        contents[name] = elf.decompress_module(path, files[path].data)
        info = elf.module_info(path, contents[name])
        others = [other.replace("_", "-") for other in info.get("depends", "").split(",") if other]
        return others + [other for other in elf.wished(info) if other in paths]

    found = []
    always: list[str] = []
    for group, wanted in groups.items():
        order = elf.load_order([w.replace("_", "-") for w in wanted], depends)
        fresh = [name for name in order if name not in always]
        always += order if group == XEN else []
        found += [
            cpio.file(f"modules/{group}/{number:02}-{name}.ko", contents[name])
            for number, name in enumerate(fresh)
        ]
    return found
