# SPDX-License-Identifier: Apache-2.0
"""The kernel of dom0 where Debian has none that knows Xen: Debian's Linux source and our patches.

Everything is built in, so that a dom0 needs no modules; `vmlinux` is there for the debugger.
"""

from __future__ import annotations

from xenolith import ROOT
from xenolith.cross.build import build as build_project
from xenolith.cross.origin import Packed
from xenolith.cross.project import Output, Project, Result, Step
from xenolith.errors import UserError

FOLDER = ROOT / "tools" / "dom0" / "linux"
CONFIG = FOLDER / "dom0.config"

ARCHES = {"riscv64": "riscv"}
"""Debian's name of an architecture, to Linux's."""

VERSION = "6.12"
ORIGIN = Packed(f"linux-source-{VERSION}", f"usr/src/linux-source-{VERSION}.tar.xz", "trixie")

EXCLUDE = """arch/arm*/boot/dts arch/mips/boot arch/powerpc/boot drivers/gpu/drm/amd/include
sound/pci/*/*.c sound/soc/*/*.c tools/perf tools/testing""".split()
"""What is large and not for us; Kconfig files stay, because others name them."""

ENVIRONMENT = {
    "KBUILD_BUILD_TIMESTAMP": "1970-01-01",
    "KBUILD_BUILD_USER": "xenolith",
    "KBUILD_BUILD_HOST": "xenolith",
}
"""Words of the kernel's banner: the same inputs give the same bytes."""

UNMET = """NR == FNR { got[$0]; next }
/^CONFIG_/ && !($0 in got) { print "error: this kernel cannot have " $0; unmet = 1 }
END { exit unmet }"""
"""An awk program: is everything that the second file asks for in the first? Kconfig is silent."""


def project(arch: str) -> Project:
    """How Linux is built for an architecture. Raises UserError if it is not."""
    name = ARCHES.get(arch)
    if name is None:
        raise UserError(f"Linux is not built for {arch}: Debian's kernel knows Xen there", 2)
    make = ("make", f"ARCH={name}", "CROSS_COMPILE=@cross@")
    wanted = f"@inputs@/{CONFIG.name}"
    return Project(
        name="linux",
        arch=arch,
        origin=ORIGIN,
        patches=FOLDER,
        inputs=(CONFIG,),
        exclude=tuple(f"linux-source-{VERSION}/{part}" for part in EXCLUDE),
        steps=(
            Step("configuring", (*make, "allnoconfig"), {"KCONFIG_ALLCONFIG": wanted}),
            Step("checking the configuration", ("awk", UNMET, ".config", wanted)),
            Step("compiling", (*make, "-j@jobs@", "Image"), ENVIRONMENT, lines=1430),
        ),
        outputs=(
            Output("arch/riscv/boot/Image", "Image"),
            Output("vmlinux", "vmlinux"),
            Output("include/config/kernel.release", "release"),
        ),
        space=1_500_000_000,
    )


def build(arch: str) -> Result:
    """The kernel: outputs `Image` and `vmlinux`. Raises UserError."""
    return build_project(project(arch))
