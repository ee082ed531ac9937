# SPDX-License-Identifier: Apache-2.0
"""Where source comes from: a tarball inside a Debian package, or a Debian source package.

What was chosen is remembered beside apt's lists: while the files are there, no network is needed.
"""

from __future__ import annotations

import bz2
import json
import lzma
import re
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from xenolith import progress
from xenolith.cross import patching
from xenolith.dom0 import apt, cache, debian
from xenolith.dom0.debian import Archive
from xenolith.errors import UserError

HELPER = "/usr/lib/apt/apt-helper"

Unpack = Callable[[Path, tuple[str, ...]], None]


@dataclass(frozen=True)
class Source:
    """Source that is on this machine. `key` changes when its content may."""

    version: str
    key: str
    unpack: Unpack
    """Fills an empty folder; the second argument: patterns of what is left out."""


@dataclass(frozen=True)
class Packed:
    """A tarball in a Debian binary package (Debian's linux-source-*)."""

    package: str
    member: str
    suite: str

    def fetch(self, arch: str) -> Source:
        """Download and verify. Raises UserError."""
        (deb,) = debian.download([self.package], self.suite, arch)
        version = deb.name.split("_")[1].replace("%3a", ":")

        def unpack(tree: Path, exclude: tuple[str, ...]) -> None:
            for member in debian.members(deb, lambda name: name == self.member):
                untar(member.data, tree, exclude, deb.name)
                return
            raise UserError(f"{deb.name} has no {self.member}")

        return Source(version, deb.name, unpack)


@dataclass(frozen=True)
class SourcePackage:
    """A Debian source package of format `3.0 (quilt)`: original tarball, Debian's patches."""

    package: str
    suite: str
    quilt: bool = True
    """False leaves Debian's patches and folder out: what upstream released."""
    known: tuple[Archive, ...] = ()
    """An older version that will do: a mirror may list a version whose source it lacks."""

    def fetch(self, arch: str) -> Source:
        """Download and verify. Raises UserError."""
        del arch
        archives = _source_files(self)
        store = apt.archives(apt.source_directory(self.suite))
        names = [archive.name for archive in archives if not archive.name.endswith(".asc")]
        found = {_part(name): store / name for name in names}
        if set(found) != {"orig", "debian"}:
            raise UserError(f"source package {self.package}: no orig and debian tarballs")
        version = found["debian"].name.split("_", 1)[1].removesuffix(".debian.tar.xz")

        def unpack(tree: Path, exclude: tuple[str, ...]) -> None:
            untar(found["orig"].read_bytes(), tree, exclude, found["orig"].name)
            if not self.quilt:
                return
            (tree / "debian").mkdir(exist_ok=True)
            untar(found["debian"].read_bytes(), tree / "debian", (), found["debian"].name)
            patching.series(tree, tree / "debian" / "patches", self.package)

        return Source(version, f"{version} quilt={self.quilt}", unpack)


Origin = Packed | SourcePackage


def _part(name: str) -> str:
    """`orig` or `debian` from a tarball's name."""
    found = re.search(r"\.(orig|debian)\.tar\.\w+$", name)
    return found[1] if found else name


def untar(data: bytes, tree: Path, exclude: tuple[str, ...], label: str) -> None:
    """Unpack a .tar.xz or .tar.bz2 without its first folder. Raises UserError.

    Python decompresses: xz is not on every machine.
    """
    command = ["tar", "-x", "--strip-components=1", "--no-same-owner", "-C", str(tree)]
    command += [f"--exclude={pattern}" for pattern in exclude]
    old = label.endswith(".bz2")
    unpacker = bz2.BZ2Decompressor() if old else lzma.LZMADecompressor()
    with (
        progress.step(f"unpacking {label}") as step,
        subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as tar,
    ):
        assert tar.stdin is not None
        try:
            for at in range(0, len(data), cache.CHUNK):
                step.amount(at, len(data))
                tar.stdin.write(unpacker.decompress(data[at : at + cache.CHUNK]))
        except BrokenPipeError:
            pass
        except (lzma.LZMAError, OSError) as e:
            raise UserError(f"{label} is damaged ({e}); delete it from {cache.cache_dir()}") from e
        said = tar.communicate()[1].decode(errors="replace").strip().splitlines()
    if "No space left" in "".join(said):
        raise cache.disk_full(tree, 0)
    if tar.returncode != 0 or not unpacker.eof:
        reason = said[0] if said else "it ends too early"
        raise UserError(f"{label} cannot be unpacked: {reason}")


def _source_files(source: SourcePackage) -> list[Archive]:
    """The tarballs of a source package, in the cache, verified by SHA-256."""
    base = apt.source_directory(source.suite)
    memory = base / f"chosen-{source.package}.json"
    store = apt.archives(base)
    try:
        chosen = [Archive(**entry) for entry in json.loads(memory.read_text())]
    except (OSError, ValueError, TypeError):
        chosen = []
    if chosen and all(archive.complete(store) for archive in chosen):
        return chosen
    apt.configure_source(source.suite)
    apt.refresh(base, source.suite)
    with cache.locked(base):
        chosen = _download(store, _resolve(base, source.package), source.known)
    cache.write_atomic(memory, json.dumps([asdict(a) for a in chosen], indent=1).encode())
    return chosen


def _download(
    store: Path, wanted: list[tuple[Archive, str]], known: tuple[Archive, ...]
) -> list[Archive]:
    """Fetch what the lists say, or the known version from the same folder. Raises UserError."""
    try:
        for archive, uri in wanted:
            _fetch(store, archive, uri)
    except UserError as e:
        if not known or not wanted:
            raise
        progress.note(f"warning: {e}; taking {known[0].name} instead")
        folder = wanted[0][1].rpartition("/")[0]
        for archive in known:
            _fetch(store, archive, f"{folder}/{archive.name}")
        return list(known)
    return [archive for archive, _ in wanted]


def _resolve(base: Path, package: str) -> list[tuple[Archive, str]]:
    """The tarballs and their addresses. The .dsc is left out: apt's signed lists say all it says,
    and not every mirror has it.
    """
    options = [*apt.options(base), "--print-uris", "--download-only", "source", package]
    done = apt.run(["apt-get", *options])
    if done.returncode != 0:
        raise UserError(f"source package {package}: {apt.reason(done)}")
    found = []
    for line in done.stdout.splitlines():
        words = shlex.split(line) if line.startswith("'") else []
        if len(words) == 4 and words[3].startswith("SHA256:") and not words[1].endswith(".dsc"):
            name = PurePosixPath(words[1]).name
            found.append((Archive(name, int(words[2]), words[3][7:]), words[0]))
    return found


def _fetch(store: Path, archive: Archive, uri: str) -> None:
    """Download one file unless it is there; apt compares the hash."""
    path = store / archive.name
    if archive.complete(store) and cache.sha256(path) == archive.sha256:
        return
    cache.require_space(store, archive.size)
    options = apt.options(store.parent.parent)
    with progress.step(f"downloading {archive.name} ({progress.size_text(archive.size)})"):
        path.unlink(missing_ok=True)
        command = [HELPER, *options, "download-file", uri, str(path), f"SHA256:{archive.sha256}"]
        done = apt.run(command)
    if done.returncode != 0 or not archive.complete(store):
        raise UserError(f"cannot download {archive.name}: {apt.reason(done)}")
