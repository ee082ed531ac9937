# SPDX-License-Identifier: Apache-2.0
"""The initial file system of dom0: programs with their libraries, kernel modules, init scripts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from xenolith.dom0 import cpio, debian, elf
from xenolith.dom0.cpio import Entry
from xenolith.dom0.recipe import Recipe
from xenolith.errors import UserError

DIRECTORIES = """dev etc/xen proc root run sys tmp usr/bin usr/sbin var/lib/xen
var/lib/xenstored var/lock var/log/xen boot""".split()
ETC = {
    "etc/hostname": "dom0\n",
    "etc/passwd": "root::0:0:root:/root:/bin/sh\n",
    "etc/group": "root:x:0:\n",
    # What `mount` tries; the kernel loads what it has not yet.
    "etc/filesystems": "ext4\nvfat\niso9660\nsquashfs\n",
    "etc/profile": (
        "export PATH=/bin:/sbin:/usr/bin:/usr/sbin\n"
        "for directory in /usr/lib/xen-*/bin; do PATH=$PATH:$directory; done\n"
        "PS1='dom0:\\w# '\ncd\n"
    ),
}


Files = dict[str, debian.Member]
Groups = dict[str, tuple[str, ...]]
XEN = "xen"
"""The group of modules that is always loaded, and first."""
CONFIG = "etc/mke2fs.conf"
FOLDER_OF_XEN = "xen/"
BUILTIN = "/modules.builtin"
"""What could be a module of a kernel and is none (Linux, Documentation/kbuild/kbuild.rst)."""


@dataclass(frozen=True)
class Modules:
    """Which modules of a kernel the archive holds; all empty for one that has none.

    `groups`: loaded by init, by folder below /modules; `on_demand`: by the kernel or modprobe, from
    the folder of that `release`.
    """

    groups: Groups = field(default_factory=dict)
    on_demand: tuple[str, ...] = ()
    release: str = ""


def entries(rules: Recipe, files: Files, chosen: Modules, scripts: dict[str, bytes]) -> list[Entry]:
    """What the archive holds. `scripts`: files of tools/dom0 by path. Raises UserError."""
    found = [cpio.directory(name) for name in DIRECTORIES]
    found += [cpio.file(path, text.encode()) for path, text in ETC.items()]
    found += [cpio.link("lib", "usr/lib"), cpio.link("var/run", "/run")]
    found += [cpio.character_device("dev/console", 5, 1), cpio.character_device("dev/null", 1, 3)]
    found += [cpio.file("init", scripts["init.sh"], 0o755)]
    for name in ("console.sh", "exec.sh", "guests.sh", "udhcpc.sh"):
        found.append(cpio.file(f"etc/{name}", scripts[name], 0o755))
    found += [
        cpio.file(f"etc/{name}", data)
        for name, data in scripts.items()
        if name.startswith(FOLDER_OF_XEN)
    ]
    found += _programs(rules, files) + _system(rules, files)
    return found + modules(chosen.groups, files) + on_demand(chosen, files)


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


def follow(files: Files, path: str) -> debian.Member:
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
    paths |= {path: path for path in rules.system}
    binaries = {to: follow(files, source).data for to, source in paths.items()}
    directories = sorted({str(PurePosixPath(p).parent) for p in files if ".so" in p})
    waiting = list(rules.libraries)
    for name, data in binaries.items():
        waiting += elf.needed(name, data)
    libraries: dict[str, bytes] = {}
    while waiting:
        soname = waiting.pop()
        path = next((f"{d}/{soname}" for d in directories if f"{d}/{soname}" in files), soname)
        if path not in libraries:
            libraries[path] = follow(files, path).data
            waiting += elf.needed(soname, libraries[path])
    every = binaries | libraries
    links = [cpio.link(f"usr/bin/xenstore-{name}", "xenstore") for name in rules.xenstore]
    return [cpio.file(path, data, 0o755) for path, data in every.items()] + links


def _system(rules: Recipe, files: Files) -> list[Entry]:
    """What belongs to programs: Xen's hotplug scripts, configuration, other names."""
    scripts = sorted(path for path in files if path.startswith(f"{rules.hotplug}/"))
    if not scripts:
        raise UserError(f"dom0: no package of the recipe has {rules.hotplug}")
    found = [cpio.file(path, follow(files, path).data, files[path].mode) for path in scripts]
    found.append(cpio.file(CONFIG, follow(files, CONFIG).data))
    links = {"bin/bash": "/usr/bin/bash", "usr/sbin/mkfs.ext4": "mke2fs"}
    # Where the kernel looks for it.
    links["sbin/modprobe"] = "/bin/busybox"
    return found + [cpio.link(path, target) for path, target in links.items()]


def modules(groups: Groups, files: Files) -> list[Entry]:
    """Kernel modules in their folders, numbered in the order to load them.

    Of the groups other than Xen's a machine loads its own: each is complete.
    """
    pool = Pool(files)
    found = []
    always: list[str] = []
    for group, wanted in groups.items():
        order = pool.load_order(wanted)
        fresh = [name for name in order if name not in always]
        always += order if group == XEN else []
        found += [
            cpio.file(f"modules/{group}/{number:02}-{name}.ko", pool.contents[name])
            for number, name in enumerate(fresh)
        ]
    return found


def on_demand(chosen: Modules, files: Files) -> list[Entry]:
    """Modules in the kernel's own folder, with the tables that modprobe reads (modules.dep(5))."""
    pool = Pool(files)
    always = pool.load_order(chosen.groups.get(XEN, ()))
    order = [name for name in pool.load_order(chosen.on_demand) if name not in always]
    if not order:
        return []
    folder = f"lib/modules/{chosen.release}"
    depends, aliases = "", ""
    for name in order:
        needs = [other for other in reversed(pool.load_order([name])) if other != name]
        below = " ".join(f"{other}.ko" for other in needs if other not in always)
        depends += f"{name}.ko: {below}".rstrip() + "\n"
        for alias in elf.aliases(name, pool.contents[name]):
            aliases += f"alias {alias} {name.replace('-', '_')}\n"
    found = [cpio.file(f"usr/{folder}/{name}.ko", pool.contents[name]) for name in order]
    found.append(cpio.file(f"usr/{folder}/modules.dep", depends.encode()))
    return [*found, cpio.file(f"usr/{folder}/modules.alias", aliases.encode())]


class Pool:
    """The modules of a kernel's package; names with `-`."""

    def __init__(self, files: Files) -> None:
        self.contents: dict[str, bytes] = {}
        """The modules that have been looked at, by name."""
        self._files = files
        names = {p: PurePosixPath(p).name.split(".ko")[0] for p in files if ".ko" in p}
        self._paths = {name.replace("_", "-"): path for path, name in names.items()}
        lists = [member.data for path, member in files.items() if path.endswith(BUILTIN)]
        built_in = (PurePosixPath(line).stem for data in lists for line in data.decode().split())
        self._built_in = {name.replace("_", "-") for name in built_in}

    def split(self, wanted: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The modules that there are, and those that are not there in any form."""
        names = [name.replace("_", "-") for name in wanted]
        there = tuple(name for name in names if name in self._paths)
        return there, tuple(n for n in names if n not in self._paths and n not in self._built_in)

    def load_order(self, wanted: Iterable[str]) -> list[str]:
        """Modules with all they depend on, dependencies first. Raises UserError."""
        return elf.load_order([w.replace("_", "-") for w in wanted], self._depends)

    def _depends(self, name: str) -> list[str]:
        path = self._paths.get(name)
        if path is None:
            raise UserError(f"the kernel package has no module {name}")
        if name not in self.contents:
            self.contents[name] = elf.decompress_module(path, self._files[path].data)
        info = elf.module_info(path, self.contents[name])
        others = [other.replace("_", "-") for other in info.get("depends", "").split(",") if other]
        return others + [other for other in elf.wished(info) if other in self._paths]
