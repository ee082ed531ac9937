# SPDX-License-Identifier: Apache-2.0
"""Writes Debian packages: an ar archive of two tar archives, the same bytes for the same input.

Format: deb(5), deb-control(5), deb-triggers(5); Debian Policy, chapters 3 to 6. Pure functions.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import re
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

AR_MAGIC = b"!<arch>\n"
SCRIPTS = ("preinst", "postinst", "prerm", "postrm")
NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")
VERSION = re.compile(r"\d[A-Za-z0-9.+~]*")
"""Without an epoch and a Debian revision: the package has no other source."""
MIN_FIELDS = ("Maintainer", "Section", "Priority", "Description")


@dataclass(frozen=True)
class File:
    """A file to install, owned by root; `path` has no leading slash.

    `target`: of a symbolic link, which has no data.
    """

    path: str
    data: bytes = b""
    mode: int = 0o644
    target: str = ""


@dataclass(frozen=True)
class Package:
    """What a .deb says and holds. `fields`: of the control file, after name, version, architecture.

    `time`: seconds since 1970 that every file is dated.
    """

    name: str
    version: str
    architecture: str
    fields: Mapping[str, str]
    files: Sequence[File]
    scripts: Mapping[str, str] = field(default_factory=dict)
    triggers: str = ""
    time: int = 0

    def __post_init__(self) -> None:
        problem = _problem(self)
        if problem:
            raise ValueError(f"package {self.name!r}: {problem}")

    @property
    def conffiles(self) -> list[str]:
        """Files that are the user's once installed: all in /etc [Policy 10.7]."""
        regular = (file.path for file in self.files if not file.target)
        return [f"/{path}" for path in regular if path.startswith("etc/")]


def _problem(package: Package) -> str:
    paths = [file.path for file in package.files]
    bad = [path for path in paths if str(PurePosixPath(path)) != path or path[:1] in "/."]
    values = [line for text in package.fields.values() for line in text.split("\n")[1:]]
    checks = {
        "the name is not one of Debian's": not NAME.fullmatch(package.name),
        f"no version of Debian's: {package.version!r}": not VERSION.fullmatch(package.version),
        f"fields are missing, of {MIN_FIELDS}": not set(MIN_FIELDS) <= set(package.fields),
        f"no maintainer scripts: {set(package.scripts)}": not set(package.scripts) <= set(SCRIPTS),
        "a line of a field that goes on begins with a space": any(v[:1] != " " for v in values),
        f"paths are relative, without `..`: {bad}": bool(bad) or any(".." in p for p in paths),
        "a path is there twice": len(set(paths)) != len(paths),
        "a link has no data": any(file.target and file.data for file in package.files),
    }
    return next((text for text, wrong in checks.items() if wrong), "")


def control(package: Package) -> str:
    """The control file."""
    kilobytes = sum(-(-len(file.data) // 1024) for file in package.files) + len(_folders(package))
    head = {
        "Package": package.name,
        "Version": package.version,
        "Architecture": package.architecture,
        "Installed-Size": str(kilobytes),
    }
    return "".join(f"{key}: {value}\n" for key, value in {**head, **package.fields}.items())


def _folders(package: Package) -> list[str]:
    """Every directory above a file, parents first."""
    found = {str(folder) for file in package.files for folder in PurePosixPath(file.path).parents}
    return sorted(found - {"."})


def build(package: Package) -> bytes:
    """The .deb."""
    members = {
        "debian-binary": b"2.0\n",
        "control.tar.xz": _compress(_tar(_control_files(package), [], package.time)),
        "data.tar.xz": _compress(_tar(package.files, _folders(package), package.time)),
    }
    return AR_MAGIC + b"".join(_member(name, data, package) for name, data in members.items())


def _control_files(package: Package) -> list[File]:
    def sums(file: File) -> str:
        return f"{hashlib.md5(file.data, usedforsecurity=False).hexdigest()}  {file.path}\n"

    # dpkg has sums of its own for files that the user may change.
    regular = [file for file in package.files if not file.target]
    kept = [file for file in regular if f"/{file.path}" not in package.conffiles]
    files = [File("control", control(package).encode())]
    files += [File("md5sums", "".join(map(sums, _sorted(kept))).encode())]
    if package.conffiles:
        files.append(File("conffiles", "".join(f"{p}\n" for p in package.conffiles).encode()))
    if package.triggers:
        files.append(File("triggers", package.triggers.encode()))
    return files + [File(name, text.encode(), 0o755) for name, text in package.scripts.items()]


def _sorted(files: Sequence[File]) -> list[File]:
    return sorted(files, key=lambda file: file.path)


def _tar(files: Sequence[File], folders: Sequence[str], time: int) -> bytes:
    out = io.BytesIO()
    # GNU's format: what dpkg reads everywhere, and nothing in it but what is set here.
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for folder in ["", *folders]:
            info = _info(f"./{folder}", 0o755, time)
            info.type = tarfile.DIRTYPE
            tar.addfile(info)
        for file in _sorted(files):
            info = _info(f"./{file.path}", file.mode, time)
            info.size = len(file.data)
            if file.target:
                info.type, info.mode, info.linkname = tarfile.SYMTYPE, 0o777, file.target
            tar.addfile(info, io.BytesIO(file.data))
    return out.getvalue()


def _info(name: str, mode: int, time: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mode, info.mtime, info.uname, info.gname = mode, time, "root", "root"
    return info


def _compress(data: bytes) -> bytes:
    return lzma.compress(data, check=lzma.CHECK_CRC64, preset=6)


def _member(name: str, data: bytes, package: Package) -> bytes:
    head = f"{name:16}{package.time:<12}{0:<6}{0:<6}{'100644':8}{len(data):<10}`\n"
    return head.encode() + data + b"\n" * (len(data) % 2)
