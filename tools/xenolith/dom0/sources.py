# SPDX-License-Identifier: Apache-2.0
"""Which Debian mirror this machine uses, read from its own apt configuration."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from xenolith.errors import UserError


@dataclass(frozen=True)
class Source:
    """One line of an apt source: `deb URI SUITE COMPONENT...`."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str = ""


def parse_list(text: str) -> Iterator[Source]:
    """The `deb` entries of a one-line-style sources.list."""
    for line in text.splitlines():
        entry = re.match(r"\s*deb\s+(?:\[([^]]*)\]\s*)?(\S+)\s+(\S+)\s*([^#]*)", line)
        if entry:
            options, uri, suite, components = entry.groups()
            key = re.search(r"signed-by=(\S+)", options or "", re.IGNORECASE)
            yield Source(uri, suite, tuple(components.split()), key[1] if key else "")


def parse_deb822(text: str) -> Iterator[Source]:
    """The `deb` entries of a deb822-style *.sources file."""
    text = re.sub(r"^#.*\n?", "", text, flags=re.MULTILINE)
    for stanza in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line[:1].isspace():
                fields[name] = fields.get(name, "") + " " + line.strip()
            elif ":" in line:
                name, value = line.split(":", 1)
                name = name.strip().lower()
                fields[name] = value.strip()
        if fields.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        if "deb" not in fields.get("types", "deb").split():
            continue
        components = tuple(fields.get("components", "").split())
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield Source(uri, suite, components, fields.get("signed-by", ""))


def read_sources(etc_apt: Path) -> list[Source]:
    """All entries of sources.list and sources.list.d; unreadable files are left out."""
    found: list[Source] = []
    parts = sorted((etc_apt / "sources.list.d").glob("*"))
    for path in [etc_apt / "sources.list", *parts]:
        try:
            text = path.read_text(errors="replace")
        except OSError:
            continue
        if path.suffix == ".sources":
            found += parse_deb822(text)
        elif path.suffix == ".list":
            found += parse_list(text)
    return found


def choose(sources: list[Source], codename: str) -> str | None:
    """The URI of Debian's main archive among `sources`; `codename` is this machine's release."""

    def score(s: Source) -> int:
        return (
            4 * (s.uri.rstrip("/").endswith("debian"))
            + 2 * (s.suite == codename)
            + ("debian-archive" in s.signed_by)
        )

    usable = [
        s
        for s in sources
        if "main" in s.components
        and not s.uri.startswith("cdrom:")
        and "security" not in s.uri + s.suite
        and score(s) >= 2
    ]
    return max(usable, key=score).uri if usable else None


def _from_lists() -> str | None:
    """The mirror that `apt-get update` has used before, from the indexes apt keeps."""
    wanted = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(LABEL)"]
    try:
        out = subprocess.run(
            [*wanted, "Created-By: Packages"], capture_output=True, text=True, check=False
        ).stdout
    except OSError as e:
        raise UserError("apt-get not found: dom0 is made of Debian packages, run on Debian") from e
    for line in out.splitlines():
        uri, _, origin = line.partition(" ")
        if origin == "Debian Debian":
            return uri
    return None


def _codename() -> str:
    try:
        text = Path("/etc/os-release").read_text()
    except OSError:
        return ""
    found = re.search(r"^VERSION_CODENAME=\"?(\w+)", text, re.MULTILINE)
    return found[1] if found else ""


def mirror() -> str:
    """URI of the Debian mirror of this machine; XENOLITH_MIRROR overrides it."""
    uri = os.environ.get("XENOLITH_MIRROR") or _from_lists()
    uri = uri or choose(read_sources(Path("/etc/apt")), _codename())
    if not uri:
        raise UserError(
            "no Debian mirror in this machine's apt configuration; set XENOLITH_MIRROR to its URI"
        )
    return uri


def security(sources: list[Source]) -> str | None:
    """The URI of Debian's security updates among `sources`, for any release."""
    found = (s.uri for s in sources if s.uri.rstrip("/").endswith("debian-security"))
    return next(found, None)


def deb822(suite: str, uri: str, updates: str | None) -> str:
    """A *.sources file of an installed system: its mirror, its security updates.

    A URI with a password in it stays unnamed.
    """
    wanted = {f"{suite} {suite}-updates": uri, f"{suite}-security": updates}
    text = ""
    for suites, where in wanted.items():
        if where is None or "@" in where:
            text += f"# The machine that made this names no mirror for {suites}: add yours.\n\n"
            continue
        text += (
            f"Types: deb\nURIs: {where}\nSuites: {suites}\n"
            "Components: main non-free-firmware\n"
            "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n"
        )
    return text
