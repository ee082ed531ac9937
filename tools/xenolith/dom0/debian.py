# SPDX-License-Identifier: Apache-2.0
"""Debian packages: found by name, downloaded, verified, unpacked - never installed."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from xenolith import progress
from xenolith.dom0 import apt, cache
from xenolith.dom0.apt import apt_config
from xenolith.errors import UserError

__all__ = ["Archive", "Member", "apt_config", "download", "members", "unpack"]

MAX_MEMBER = 256 << 20
"""Bytes; no file we take from a package is larger."""


@dataclass(frozen=True)
class Archive:
    """A .deb as apt's signed metadata describes it; `size` in bytes."""

    name: str
    size: int
    sha256: str

    def complete(self, store: Path) -> bool:
        """True if `store` has the file in its full size (its hash was checked when it came)."""
        path = store / self.name
        return path.is_file() and path.stat().st_size == self.size


class DownloadFailed(UserError):
    """One attempt to download failed; another one with fresh lists may not."""


def download(
    packages: Iterable[str], suite: str, arch: str, *, metas: Iterable[tuple[str, str]] = ()
) -> list[Path]:
    """The .deb files of `packages` from `suite` for `arch`, in the cache, verified by SHA-256.

    `metas` are (meta package, pattern): the dependency of the meta package that matches the pattern
    is downloaded too (linux-image-arm64 names the current kernel). What was chosen is remembered:
    while the files are in the cache the same request needs no network. Raises UserError.
    """
    names, chosen_by = sorted(set(packages)), sorted(set(metas))
    base = apt.directory(suite, (arch,))
    memory = base / f"chosen-{cache.digest(json.dumps([names, chosen_by]))}.json"
    store = apt.archives(base)
    chosen = _remembered(memory)
    if chosen and all(a.complete(store) for a in chosen):
        return [store / a.name for a in chosen]
    apt.configure(suite, (arch,))
    apt.refresh(base, suite)
    for last_try in (False, True):
        exact = [_dependency(base, meta, pattern) for meta, pattern in chosen_by]
        chosen = _resolve(base, [*names, *exact], suite, arch)
        try:
            _fetch(base, chosen)
            break
        except DownloadFailed as e:
            if last_try:
                raise UserError(f"cannot download from {suite}: {e.message}") from e
            # The mirror may have moved on since the lists were fetched.
            apt.refresh(base, suite, force=True)
    cache.write_atomic(memory, json.dumps([asdict(a) for a in chosen], indent=1).encode())
    return [store / a.name for a in chosen]


def _remembered(memory: Path) -> list[Archive]:
    try:
        return [Archive(**entry) for entry in json.loads(memory.read_text())]
    except (OSError, ValueError, TypeError):
        return []


def _dependency(base: Path, meta: str, pattern: str) -> str:
    """The name of the package that `meta` depends on and that matches `pattern`."""
    done = apt.run(["apt-cache", *apt.options(base), "show", "--no-all-versions", meta])
    depends = re.search(r"^Depends: (.*)$", done.stdout, re.MULTILINE)
    for item in (depends[1] if depends else "").split(","):
        words = item.split()
        if words and re.fullmatch(pattern, words[0]):
            return words[0]
    raise UserError(f"package {meta} names no {pattern}: {apt.reason(done)}")


def _resolve(base: Path, names: list[str], suite: str, arch: str) -> list[Archive]:
    """What apt would download for `names`."""
    done = apt.run(["apt-get", *apt.options(base), "--print-uris", "download", *names])
    if done.returncode != 0:
        raise UserError(f"{suite} for {arch}: {apt.reason(done)}")
    found = []
    for line in done.stdout.splitlines():
        words = shlex.split(line)
        if len(words) == 4 and words[3].startswith("SHA256:"):
            found.append(Archive(PurePosixPath(words[1]).name, int(words[2]), words[3][7:]))
    if len(found) != len(set(names)):
        raise UserError(f"{suite} for {arch} does not have all of: {' '.join(names)}")
    return found


def _fetch(base: Path, wanted: list[Archive]) -> None:
    """Download and verify what is not there yet. Raises DownloadFailed."""
    store = apt.archives(base)
    with cache.locked(base):
        missing = [a for a in wanted if not a.complete(store)]
        if not missing:
            return
        total = sum(a.size for a in missing)
        cache.require_space(store, total)
        names = [a.name.rsplit("_", 2) for a in missing]
        exact = [f"{name}={version.replace('%3a', ':')}" for name, version, _ in names]
        with progress.step(f"downloading Debian packages ({len(missing)})") as step:
            _apt_download(base, exact, lambda part: step.amount(int(total * part), total))
            _verify(store, missing)


def _apt_download(base: Path, exact: list[str], report: Callable[[float], None]) -> None:
    """Run apt-get download inside apt's own archive directory, so that it resumes there."""
    command = ["apt-get", *apt.options(base), "-q", "-o", "APT::Status-Fd=1", "download", *exact]
    with subprocess.Popen(
        command,
        cwd=apt.archives(base),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "LC_ALL": "C"},
    ) as process:
        said = []
        assert process.stdout is not None
        for line in process.stdout:
            part = re.match(r"dlstatus:\d+:([\d.]+):", line)
            if part:
                report(min(float(part[1]) / 100, 1.0))
            else:
                said.append(line)
    if process.returncode != 0:
        done = subprocess.CompletedProcess(command, process.returncode, "", "".join(said))
        raise DownloadFailed(apt.reason(done))


def _verify(store: Path, archives: list[Archive]) -> None:
    """Check hashes; a wrong file is removed so that the next run fetches it again."""
    for archive in archives:
        path = store / archive.name
        if not path.is_file():
            raise DownloadFailed(f"apt did not leave {archive.name}")
        if cache.sha256(path) != archive.sha256:
            path.unlink()
            raise DownloadFailed(f"{archive.name} has the wrong SHA-256")


@dataclass(frozen=True)
class Member:
    """A file of a package: permissions, and content or (a link) a target."""

    path: str
    mode: int
    data: bytes = b""
    target: str | None = None


def members(deb: Path, wanted: Callable[[str], bool]) -> Iterator[Member]:
    """The regular files and symbolic links of `deb` whose path (`usr/bin/x`) is wanted.

    Raises UserError for a damaged package.
    """
    command = ["dpkg-deb", "--fsys-tarfile", str(deb)]
    quiet = subprocess.DEVNULL
    damaged = f"{deb.name} is damaged; delete {deb}"
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=quiet) as process:
            assert process.stdout is not None
            with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
                yield from _wanted_members(tar, wanted)
            while process.stdout.read(cache.CHUNK):
                pass
    except FileNotFoundError as e:
        raise UserError("dpkg-deb not found; apt install dpkg") from e
    except (tarfile.TarError, EOFError) as e:
        raise UserError(damaged) from e
    if process.returncode != 0:
        raise UserError(damaged)


def _wanted_members(tar: tarfile.TarFile, wanted: Callable[[str], bool]) -> Iterator[Member]:
    for entry in tar:
        path = PurePosixPath(entry.name)
        if path.is_absolute() or ".." in path.parts or not wanted(str(path)):
            continue
        if entry.issym():
            yield Member(str(path), 0o777, target=entry.linkname)
        elif entry.isreg() and entry.size <= MAX_MEMBER:
            source = tar.extractfile(entry)
            assert source is not None
            yield Member(str(path), entry.mode & 0o777, source.read())


def unpack(deb: Path, into: Path, wanted: Callable[[str], bool] = lambda _path: True) -> Path:
    """Unpack the wanted files of a .deb below `into`; returns `into`. Raises UserError."""
    for member in members(deb, wanted):
        path = into / member.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if member.target is not None:
            path.unlink(missing_ok=True)
            path.symlink_to(member.target)
        else:
            cache.write_atomic(path, member.data)
            path.chmod(member.mode)
    return into
