# SPDX-License-Identifier: Apache-2.0
"""What the Debian package of the hypervisor holds. Pure functions of tools/package and a build."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from xenolith.errors import UserError
from xenolith.package import bootscript
from xenolith.package.deb import File, Package
from xenolith.system import kernel
from xenolith.uboot import legacy

NAME = "xenolith-hypervisor"
MAINTAINER = "Xenolith maintainers <maintainers@xenolith.example.org>"
XEN = "4.20"
"""The Xen whose interface the hypervisor has: the tools of that version fit."""

TEMPLATES = ("default", "hook", "postinst", "prerm", "triggers", "update-boot")
"""Files of tools/package."""

HOOKS = (
    "etc/initramfs/post-update.d/zz-xenolith",
    "etc/kernel/postinst.d/zz-xenolith",
    "etc/kernel/postrm.d/zz-xenolith",
)
"""After those of raspi-firmware (z50-), flash-kernel and u-boot-menu (zz-)."""

DESCRIPTION = """\
small type-1 hypervisor with Xen's interface
 Xenolith runs Linux as its control domain (dom0) and, with Xen's tools (xl),
 further domains beside it.
 .
 This package makes a Raspberry Pi 4 or a machine that boots by U-Boot start
 the hypervisor with the newest kernel as dom0, and keeps that up when kernels
 change. Its removal makes the machine boot as before. Machines that boot by
 EFI are left alone. Settings are in /etc/default/xenolith."""

COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Xenolith

Files: *
Copyright: 2026 The Xenolith authors
License: Apache-2.0
 On Debian systems the text of the Apache License 2.0 is in
 /usr/share/common-licenses/Apache-2.0.
"""


@dataclass(frozen=True)
class Build:
    """What is packed: the flat image of `arch` (the port's name), and where it comes from."""

    arch: str
    debian_arch: str
    image: bytes
    version: str
    change: str
    """The commit: `git:` and a short name."""
    time: int
    """Seconds since 1970 that files are dated."""


def version(base: str, date: str, change: str) -> str:
    """A Debian version: the project's, the commit's time (UTC, so that they sort) and name.

    `date` in ISO 8601, `change` as build.info.changeset has them; `unknown` outside git.
    """
    if date == "unknown":
        return base
    when = datetime.fromisoformat(date).astimezone(UTC).strftime("%Y%m%d%H%M%S")
    name = change.removeprefix("git:").replace("-", "+")
    return f"{base}+git{when}.{name}"


def make(build: Build, templates: Mapping[str, str]) -> Package:
    """The package. `templates`: TEMPLATES by name. Raises UserError for an image that is none."""
    head = kernel.parse(build.image, build.arch, "hypervisor", gzip=False)
    if head.memory_size > bootscript.room("hypervisor"):
        raise UserError(f"the hypervisor needs {head.memory_size} bytes, its room is smaller")
    script = legacy.Script(bootscript.text(), build.arch, 0, "xenolith", build.time)
    lib, doc = "usr/lib/xenolith", f"usr/share/doc/{NAME}"
    hook = templates["hook"].encode()
    files = [
        File(f"{lib}/hypervisor", build.image),
        File(f"{lib}/boot.scr", legacy.pack(script)),
        File(f"{lib}/update-boot", _filled(templates["update-boot"]).encode(), 0o755),
        File("etc/default/xenolith", templates["default"].encode()),
        *(File(path, hook, 0o755) for path in HOOKS),
        File(f"{doc}/copyright", COPYRIGHT.encode()),
        File(f"{doc}/changelog.gz", gzip.compress(_changelog(build).encode(), 9, mtime=0)),
    ]
    return Package(
        name=NAME,
        version=build.version,
        architecture=build.debian_arch,
        fields=_fields(build.debian_arch),
        files=files,
        scripts={name: templates[name] for name in ("postinst", "prerm")},
        triggers=templates["triggers"],
        time=build.time,
    )


def _fields(debian_arch: str) -> dict[str, str]:
    return {
        "Maintainer": MAINTAINER,
        "Section": "kernel",
        "Priority": "optional",
        "Recommends": f"xen-utils-{XEN}, linux-image-{debian_arch}, u-boot-rpi",
        # Or the tools would bring Debian's Xen, which GRUB boots by itself from then on.
        "Provides": f"xen-hypervisor, xen-hypervisor-{XEN}, xen-hypervisor-{debian_arch}",
        "Description": DESCRIPTION,
    }


def _filled(text: str) -> str:
    """The script with the rooms that the boot script has."""
    rooms = {"KERNEL_ROOM": "dom0 kernel", "INITRD_ROOM": "dom0 ramdisk"}
    for name, what in rooms.items():
        text = text.replace(f"@{name}@", str(bootscript.room(what)))
    return text


def _changelog(build: Build) -> str:
    when = format_datetime(datetime.fromtimestamp(build.time, UTC))
    return (
        f"{NAME} ({build.version}) stable; urgency=medium\n\n"
        f"  * Built from {build.change}.\n\n -- {MAINTAINER}  {when}\n"
    )
