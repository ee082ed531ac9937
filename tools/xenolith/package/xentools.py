# SPDX-License-Identifier: Apache-2.0
"""Xen's tools as a Debian package, for architectures for which Debian builds none.

The files are those of the cross build (xenolith.dom0.xentools), at the places of Debian's own
packages, with services of systemd.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from xenolith import ROOT
from xenolith.cross.project import Result
from xenolith.dom0 import cache, recipe, xentools
from xenolith.package import deb
from xenolith.package.deb import File, Package
from xenolith.package.plan import MAINTAINER

NAME = "xenolith-xen-utils"
DEPENDS = (
    "iproute2",
    "libc6",
    "libfdt1",
    "libgcc-s1",
    "libuuid1",
    "libyajl2",
    "zlib1g",
)
"""The libraries that the programs name, the one that libc opens for pthread_cancel, and what the
hotplug scripts run; all others of those are essential packages."""
SCRIPTS = ROOT / "tools" / "dom0"
UNITS = ("xen.service", "xenconsoled.service", "xendomains.service", "xenstored.service")
MAINTAINERS = ("postinst", "postrm")
"""Scripts that dpkg runs."""
BIN = "usr/lib/xen-4.20/bin"
COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Xen
Source: https://xenproject.org/
Comment: Debian's source package xen, with Xenolith's patches for RISC-V.

Files: *
Copyright: The Xen project's contributors
License: GPL-2.0-only
 On Debian systems the text of the GNU General Public License, version 2, is in
 /usr/share/common-licenses/GPL-2. Libraries are under version 2.1 of the GNU
 Lesser General Public License, in /usr/share/common-licenses/LGPL-2.1.

Files: usr/lib/systemd/* etc/xen/xl.conf usr/lib/xen-4.20/bin/xendomains
Copyright: 2026 The Xenolith authors
License: Apache-2.0
 On Debian systems the text of the Apache License 2.0 is in
 /usr/share/common-licenses/Apache-2.0.
"""
DESCRIPTION = """\
Xen's tools for a control domain of Xenolith
 xl, xenstored, xenconsoled, xenstore and the hotplug scripts of Xen, built from
 Debian's source of Xen for an architecture for which Debian builds none, and
 services that start them where the machine runs under the hypervisor."""


def package(arch: str, time: int) -> Path:
    """The .deb for one of Debian's architectures, in the cache. Its files are dated `time`.

    Raises UserError if the tools cannot be built for it.
    """
    made = make(arch, xentools.build(arch), own_files(), time)
    path = cache.cache_dir("card") / f"{made.name}_{made.version}_{arch}.deb"
    return path if path.is_file() else cache.write_atomic(path, deb.build(made))


def own_files() -> dict[str, bytes]:
    """What is ours of it, by name."""
    paths = [*(SCRIPTS / "xen-utils").iterdir(), SCRIPTS / "xen" / "xl.conf"]
    return {path.name: path.read_bytes() for path in paths}


def make(arch: str, built: Result, own: Mapping[str, bytes], time: int) -> Package:
    """The package. `own`: as `own_files` gives them.

    Its version ends in a digest of what is in it: another one is another package for dpkg.
    """
    doc, systemd = f"usr/share/doc/{NAME}", "usr/lib/systemd/system"
    files = [
        *_files(built.path("root")),
        *(File(f"{systemd}/{unit}", own[unit]) for unit in UNITS),
        *(File(f"usr/bin/xenstore-{name}", target="xenstore") for name in recipe.load().xenstore),
        File(f"{BIN}/xendomains", own["xendomains"], 0o755),
        File("usr/sbin/xl", target="../lib/xen-4.20/bin/xl"),
        File("etc/xen/xl.conf", own["xl.conf"]),
        File(f"{doc}/copyright", COPYRIGHT.encode()),
    ]
    parts = [part for file in files for part in (file.path, file.data, file.target, str(file.mode))]
    key = cache.digest(*parts, *(own[name] for name in MAINTAINERS), repr(FIELDS))
    return Package(
        name=NAME,
        version=f"{built.version.replace('-', '.')}+{key}",
        architecture=arch,
        fields=FIELDS,
        files=files,
        scripts={name: own[name].decode() for name in MAINTAINERS},
        triggers="activate-noawait ldconfig\n",
        time=time,
    )


FIELDS = {
    "Maintainer": MAINTAINER,
    "Section": "admin",
    "Priority": "optional",
    "Depends": ", ".join(DEPENDS),
    "Conflicts": "xen-utils-common, xenstore-utils",
    "Description": DESCRIPTION,
}


def _files(root: Path) -> list[File]:
    """All files and links below a folder, with paths relative to it."""
    found = []
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found.append(File(name, target=str(path.readlink())))
        elif path.is_file():
            # A library is no program [Policy 8.1]; the linker makes both executable.
            most = 0o644 if ".so." in path.name else 0o755
            found.append(File(name, path.read_bytes(), path.stat().st_mode & most))
    return found
