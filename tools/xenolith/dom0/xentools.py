# SPDX-License-Identifier: Apache-2.0
"""Xen's tools for architectures that Debian has none for: its Xen 4.20 source, and our patches.

Built is what a dom0 runs: xl, xenstored, xenconsoled, xenconsole, xen-init-dom0, xenstore and
their libraries, installed at the places of Debian's packages, some of which are compiled in.
"""

from __future__ import annotations

from xenolith import ROOT
from xenolith.cross.build import build as build_project
from xenolith.cross.origin import SourcePackage
from xenolith.cross.project import Output, Project, Result, Step
from xenolith.dom0.debian import Archive
from xenolith.errors import UserError

FOLDER = ROOT / "tools" / "dom0" / "xen-tools"

ARCHES = {"riscv64": "riscv64-linux-gnu"}
"""Debian's and Xen's name of an architecture, to the triple of its libraries."""

KNOWN = (
    Archive(
        "xen_4.20.3+127-gc42374a105.orig.tar.xz",
        4961352,
        "df0831854a55a8f31cb3cb85036f2edc928e2ef098d77f815f5714bfafac68f3",
    ),
    Archive(
        "xen_4.20.3+127-gc42374a105-0+deb13u1.debian.tar.xz",
        139540,
        "b1f909d626f3d4ba6965ba291dd97b0dfbbe48bb8e2510913cbc1760c5e8cb3e",
    ),
)
"""Debian 13.5's version, which our patches were made for."""
ORIGIN = SourcePackage("xen", "trixie", quilt=False, known=KNOWN)
"""Debian's patches are about packaging, and remove the output of autoconf."""

SYSROOT = """libc6 libc6-dev libcrypt-dev libfdt-dev libfdt1 libgcc-s1 libncurses-dev libncurses6
libtinfo6 libuuid1 libyajl-dev libyajl2 linux-libc-dev uuid-dev zlib1g zlib1g-dev""".split()
"""What configure asks for; of these only libc, fdt, uuid, yajl and zlib are linked."""

EXCLUDE = ("automation", "docs", "tools/firmware", "xen/arch", "xen/drivers", "xen/test")
WITHOUT = """xen docs stubdom golang monitors ocamltools pygrub seabios systemd werror
xsmpolicy""".split()


def project(arch: str) -> Project:
    """How the tools are built for an architecture. Raises UserError if they cannot be."""
    triple = ARCHES.get(arch)
    if triple is None:
        raise UserError(f"the Xen tools are not built for {arch}: Debian has them", 2)
    configure = ["./configure", f"--host={triple}", "--prefix=/usr", f"--libdir=/usr/lib/{triple}"]
    configure += ["--sysconfdir=/etc", "--localstatedir=/var", "--with-libexec-leaf-dir=xen-4.20"]
    configure += [f"--disable-{part}" for part in WITHOUT]
    make = ["make", "-j@jobs@", "-f", "@inputs@/build.mk"]
    make += [f"XEN_TARGET_ARCH={arch}", "CROSS_COMPILE=@cross@"]
    return Project(
        name="xen-tools",
        arch=arch,
        origin=ORIGIN,
        patches=FOLDER,
        inputs=(FOLDER / "build.mk",),
        sysroot=tuple(SYSROOT),
        exclude=tuple(f"*/{part}" for part in EXCLUDE),
        steps=(
            Step("configuring", tuple(configure), lines=115),
            Step("compiling", tuple(make), lines=448),
        ),
        outputs=(Output("root", "root"),),
        space=250_000_000,
    )


def build(arch: str) -> Result:
    """The tools; the output `root` is a folder laid out like `/`. Raises UserError."""
    return build_project(project(arch))
