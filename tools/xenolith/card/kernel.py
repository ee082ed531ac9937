# SPDX-License-Identifier: Apache-2.0
"""A kernel as a card needs it: image, device trees, modules of the initrd; in the cache.

Debian's, or ours where Debian's cannot be dom0.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from xenolith import progress
from xenolith.card import recipe as card_recipe
from xenolith.card.recipe import Recipe
from xenolith.cross.project import Result
from xenolith.dom0 import cache, cpio, debian, initramfs, linux, recipe
from xenolith.dom0.cpio import Entry
from xenolith.errors import UserError

LAYOUT = "3"
"""Changes when this code makes something else of the same inputs."""
GROUP = "card"
WANTED = re.compile(r"boot/vmlinu[xz]-.*|usr/lib/modules/.*\.ko(\.xz)?|.*\.dtb|usr/bin/busybox")


@dataclass(frozen=True)
class Kernel:
    """A folder with `kernel` (an Image), `kernel.gz`, `busybox`, `modules` and `trees`."""

    arch: str
    """Debian's name of it."""
    folder: Path
    release: str
    seconds: int
    """When the newest file of its package was made: the date of all that is made here."""
    is_ours: bool = False
    """Built from source, with all drivers in it; no package has it."""

    @property
    def image(self) -> Path:
        """The kernel as QEMU starts it."""
        return self.folder / "kernel"

    @property
    def packed(self) -> Path:
        """The same with gzip: a third of the time to load it from a card."""
        return self.folder / "kernel.gz"

    @property
    def busybox(self) -> Path:
        """A static busybox of that architecture."""
        return self.folder / "busybox"

    def modules(self) -> list[Entry]:
        """Files for an initrd: the recipe's modules, numbered in the order to load them."""
        paths = sorted((self.folder / "modules").iterdir())
        return [cpio.file(f"modules/{GROUP}/{path.name}", path.read_bytes()) for path in paths]

    def tree(self, name: str) -> bytes:
        """A device tree of the kernel, by its name without folder. Raises UserError."""
        path = self.folder / "trees" / name
        if not path.is_file():
            raise UserError(f"Debian's kernel {self.release} has no device tree {name}")
        return path.read_bytes()


def of_dom0(arch: str) -> Kernel:
    """What a dom0 boots; downloaded or built. Raises UserError."""
    return built(arch) if recipe.load().is_built(arch) else prepare(arch, card_recipe.load())


def prepare(arch: str, rules: Recipe, suite: str = "") -> Kernel:
    """A suite's current kernel (dom0's suite), downloaded and unpacked. Raises UserError."""
    dom0 = recipe.load()
    meta = dom0.for_arch(dom0.kernel, arch)
    debs = debian.download(["busybox-static"], suite or dom0.suite, arch, metas=[meta])
    key = cache.digest(LAYOUT, *rules.modules, *(deb.name for deb in debs))
    store = cache.cache_dir("card")
    folder = store / f"kernel-{arch}-{key}"
    if not (folder / "done.json").exists():
        with cache.locked(store), progress.step("unpacking the kernel"):
            if not (folder / "done.json").exists():
                _make(folder, rules, debs)
    facts = json.loads((folder / "done.json").read_text())
    return Kernel(arch, folder, str(facts["release"]), int(facts["seconds"]))


def built(arch: str) -> Kernel:
    """The kernel that is built from source, where Debian's is no dom0. Raises UserError.

    It has all drivers built in.
    """
    (deb,) = debian.download(["busybox-static"], recipe.load().suite, arch)
    source = linux.build(arch)
    store = cache.cache_dir("kernel")
    folder = store / f"{arch}-{cache.digest(LAYOUT, str(source.folder), deb.name)}"
    if not (folder / "done.json").exists():
        with cache.locked(store), progress.step("packing the kernel"):
            if not (folder / "done.json").exists():
                _pack(folder, source, deb)
    facts = json.loads((folder / "done.json").read_text())
    return Kernel(arch, folder, str(facts["release"]), int(facts["seconds"]), is_ours=True)


def _pack(folder: Path, source: Result, deb: Path) -> None:
    """Fill `folder`; done.json is written last and means that the rest is complete."""
    cache.require_space(folder.parent, 60_000_000)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "modules").mkdir(parents=True)
    data = source.path("Image").read_bytes()
    cache.write_atomic(folder / "kernel", data)
    cache.write_atomic(folder / "kernel.gz", gzip.compress(data, 9, mtime=0))
    for member in debian.members(deb, lambda name: name == "usr/bin/busybox"):
        cache.write_atomic(folder / "busybox", member.data)
    release = source.path("release").read_text().strip()
    facts = {"release": release, "seconds": _newest(deb)}
    cache.write_atomic(folder / "done.json", json.dumps(facts).encode())


def _make(folder: Path, rules: Recipe, debs: list[Path]) -> None:
    """Fill `folder`; done.json is written last and means that the rest is complete."""
    cache.require_space(folder.parent, 100_000_000)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "modules").mkdir(parents=True)
    (folder / "trees").mkdir()
    files = {m.path: m for deb in debs for m in debian.members(deb, _wanted)}
    image = next((p for p in files if p.startswith("boot/")), "")
    if not image:
        raise UserError(f"{', '.join(d.name for d in debs)}: no kernel in /boot")
    data = files[image].data
    cache.write_atomic(folder / "kernel", data)
    cache.write_atomic(folder / "kernel.gz", gzip.compress(data, 9, mtime=0))
    cache.write_atomic(folder / "busybox", files["usr/bin/busybox"].data)
    for entry in initramfs.modules({GROUP: rules.modules}, files):
        cache.write_atomic(folder / "modules" / Path(entry.path).name, entry.data)
    for path, member in files.items():
        if path.endswith(".dtb"):
            cache.write_atomic(folder / "trees" / Path(path).name, member.data)
    facts = {"release": image.split("-", 1)[1], "seconds": max(_newest(deb) for deb in debs)}
    cache.write_atomic(folder / "done.json", json.dumps(facts).encode())


def _wanted(path: str) -> bool:
    return WANTED.fullmatch(path) is not None


def _newest(deb: Path) -> int:
    """The date of the newest control file: when the package was built."""
    command = ["dpkg-deb", "--ctrl-tarfile", str(deb)]
    done = subprocess.run(command, capture_output=True, check=False)
    try:
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
            return max(int(entry.mtime) for entry in tar)
    except (tarfile.TarError, ValueError) as e:
        raise UserError(f"{deb.name} is damaged; delete {deb}") from e
