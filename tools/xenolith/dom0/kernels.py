# SPDX-License-Identifier: Apache-2.0
"""Debian's kernels of other releases and flavours than the usual one of dom0."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from xenolith.dom0 import debian
from xenolith.errors import UserError

PREFIX = "debian:"
PARTS = re.compile(r"linux-(?:base|binary|modules)-[0-9]\S*")
"""Packages among which newer releases divide what was one."""


@dataclass(frozen=True)
class Named:
    """A kernel by the names that Debian has for it."""

    suite: str
    flavour: str = ""
    """As in `cloud` or `rt`; empty: for any machine."""

    def __str__(self) -> str:
        return f"{PREFIX}{self.suite}{self.flavour and ':'}{self.flavour}"


def parse(text: str) -> Named:
    """`debian:SUITE` or `debian:SUITE:FLAVOUR`. Raises UserError."""
    found = re.fullmatch(r"([a-z][a-z-]*)(?::([a-z0-9]+))?", text.removeprefix(PREFIX), re.ASCII)
    if not found:
        raise UserError(
            f"--kernel {text}: write a release and, if you like, a flavour, as in "
            f"{PREFIX}bookworm or {PREFIX}trixie-backports:cloud",
            2,
        )
    return Named(found[1], found[2] or "")


def download(kernel: Named, arch: str) -> list[Path]:
    """The packages with the kernel and its modules. Raises UserError."""
    meta = "-".join(["linux-image", *filter(None, [kernel.flavour]), arch])
    pattern = "linux-image-[0-9].*"
    (image,) = debian.download((), kernel.suite, arch, metas=[(meta, pattern)])
    parts = PARTS.findall(_depends(image))
    return [image, *debian.download(parts, kernel.suite, arch)] if parts else [image]


def _depends(deb: Path) -> str:
    """What a package says it needs."""
    command = ["dpkg-deb", "--field", str(deb), "Depends"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except FileNotFoundError as e:
        raise UserError("dpkg-deb not found; apt install dpkg") from e
    except subprocess.CalledProcessError as e:
        raise UserError(f"{deb.name} is damaged; delete {deb}") from e
    return done.stdout
