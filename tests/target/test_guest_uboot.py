# SPDX-License-Identifier: Apache-2.0
"""U-Boot as a guest of real xl: its port to Xen, which Debian does not package, built here."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from xenolith.boards import Board
from xenolith.cross.build import build
from xenolith.cross.origin import SourcePackage
from xenolith.cross.project import Output, Project, Step
from xenolith.lab.report import ALONE, Report, rows, until
from xenolith.system.model import System

pytestmark = pytest.mark.slow

OPENSSL = Path("/usr/include/openssl/evp.h")
PROGRAMS = ("make", "flex", "bison", "bc")
LEFT_OUT = ("-d", "TOOLS_LIBCRYPTO", "-d", "TOOLS_MKEFICAPSULE")

CONFIG = b"""name = "uboot"
type = "pvh"
kernel = "/uboot/u-boot.bin"
memory = 128
vcpus = 1
on_reboot = "destroy"
"""
# xl's console reads no keys where it has no terminal: they go where it would write them.
TTY = "$(xenstore-read /local/domain/$(xl domid uboot)/console/tty)"
COMMANDS = {
    "console": "mkfifo /silent; xl create -c /uboot/config <>/silent >/said 2>&1 & "
    + until("grep -q 'xenguest#' /said || ! kill -0 $!")
    + f"printf 'version\\nreset\\n' >{TTY}; wait; cat /said",
    "after": ALONE + "xl list",
}


def project() -> Project:
    """U-Boot's xenguest_arm64: its console is the PV console, its disks would be PV disks."""
    make = ("make", "-j@jobs@", "CROSS_COMPILE=@cross@", "u-boot.bin")
    return Project(
        name="u-boot-xenguest",
        arch="arm64",
        origin=SourcePackage("u-boot", "trixie", quilt=False),
        steps=(
            Step("configuring", ("make", "xenguest_arm64_defconfig")),
            # Tools for this machine that would want GnuTLS, and some that want OpenSSL.
            Step("leaving out tools", ("scripts/config", *LEFT_OUT)),
            Step("completing", ("make", "olddefconfig")),
            Step("compiling", make, lines=900),
        ),
        outputs=(Output("u-boot.bin", "u-boot.bin"),),
        space=500_000_000,
    )


@pytest.fixture(scope="module")
def report(make_system: Callable[..., System], boot: Callable[..., Report], board: Board) -> Report:
    """dom0 with U-Boot's files, after all commands."""
    if board.arch != "arm64":
        pytest.skip("U-Boot's port to Xen is for arm64")
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    missing += [] if OPENSSL.exists() else ["libssl-dev"]
    if missing:
        pytest.skip(f"U-Boot cannot be built here: {' '.join(missing)} missing")
    program = build(project()).path("u-boot.bin").read_bytes()
    files = {"/uboot/u-boot.bin": program, "/uboot/config": CONFIG}
    return boot(make_system(), "test-guest-uboot", COMMANDS, files=files)


def test_uboot_takes_commands(report: Report) -> None:
    said = report["console"]
    assert re.search(r"xenguest# version\s+U-Boot 20\d\d\.\d\d", said), said[-2000:]
    assert re.search(r"xenguest# reset\s+resetting", said), said[-2000:]


def test_it_leaves_nothing_behind(report: Report) -> None:
    assert [row[0] for row in rows(report["after"])] == ["Domain-0"]
