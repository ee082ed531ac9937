# SPDX-License-Identifier: Apache-2.0
"""What the tools need from the machine: programs and packages, as facts; whether they are there."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from xenolith.boards import Board
from xenolith.build import toolchain
from xenolith.dom0 import recipe

State = Literal["present", "missing", "too old"]

BUILD, RUN, DOM0, TEST, DEBUG = "build", "run", "dom0", "test", "debug"
"""Purposes: compiling the hypervisor; booting it in QEMU; a kernel and Xen tools for dom0, where
Debian has none; the core as a process of this machine; a debugger."""
CARD, PROVE = "card", "prove"
"""Further purposes: file systems for a card image; what the model checker is to read."""

COMPILER = "cross compiler"

# Packages of the clang that each release installs by default.
CLANG_OF_RELEASE = {"bookworm": "14", "trixie": "19"}


@dataclass(frozen=True)
class Need:
    """A program that some purposes need. `packages` is what apt installs to get it."""

    name: str
    why: str
    purposes: frozenset[str]
    packages: tuple[str, ...]
    probe: tuple[str, ...]
    """A command that succeeds when the program is usable; prints its version."""
    min_version: tuple[int, ...] = ()
    other_way: str = ""
    """How to do without, for people."""


@dataclass(frozen=True)
class Finding:
    """A need, and what this machine has."""

    need: Need
    state: State
    version: str = ""

    @property
    def remedy(self) -> str:
        """What to do, empty if nothing."""
        if self.state == "present":
            return ""
        how = f"apt install {' '.join(self.need.packages)}"
        return f"{how}, or {self.need.other_way}" if self.need.other_way else how


def release() -> str:
    """Debian's code name of this machine; empty elsewhere."""
    try:
        text = Path("/etc/os-release").read_text()
    except OSError:
        return ""
    found = re.search(r'^VERSION_CODENAME="?(\w+)', text, re.MULTILINE)
    return found[1] if found else ""


def parse_version(text: str) -> tuple[int, ...]:
    """The first dotted number in `text`; empty if there is none."""
    found = re.search(r"\d+(?:\.\d+)+", text)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def _clang_major() -> str:
    version = parse_version(_run(("clang", "--version")) or "")
    return str(version[0]) if version else CLANG_OF_RELEASE.get(release(), "19")


def _run(command: tuple[str, ...]) -> str | None:
    """Output of a command; None if it fails or is not there."""
    if not shutil.which(command[0]):
        return None
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def needs(board: Board) -> list[Need]:
    """Everything the tools need to build, run and test a board."""
    source = _source_needs(board) if recipe.load().is_built(board.debian_arch) else []
    return [
        *_build_needs(board),
        *_run_needs(board),
        *source,
        *CARD_NEEDS,
        *_test_needs(),
        *_oracle_needs(),
        DEBUGGER,
    ]


DEBUGGER = Need(
    "gdb",
    "follows the hypervisor (./xenolith gdb)",
    frozenset({DEBUG}),
    ("gdb-multiarch",),
    ("gdb-multiarch", "--version"),
)


SBIN = 'PATH="$PATH:/usr/sbin:/sbin"'
"""For a shell: an ordinary user's PATH lacks them."""

CARD_NEEDS = (
    Need(
        "e2fsprogs",
        "makes a card's root",
        frozenset({CARD, TEST}),
        ("e2fsprogs",),
        ("sh", "-c", f"{SBIN}; mke2fs -V 2>&1 && command -v debugfs e2fsck"),
        (1, 47),
    ),
    Need(
        "openssl",
        "hashes a password",
        frozenset({CARD, TEST}),
        ("openssl",),
        ("openssl", "version"),
    ),
)


def _source_needs(board: Board) -> list[Need]:
    """What builds Linux and the Xen tools."""
    purposes = frozenset({DOM0})
    triple = toolchain.TRIPLES[board.arch][0]
    programs = "make flex bison bc patch pkg-config perl"
    packages = ("make", "flex", "bison", "bc", "patch", "pkgconf", "perl", "gcc", "libc6-dev")
    found = " && ".join(f"command -v {name}" for name in programs.split())
    return [
        Need(
            "compiler for dom0",
            "builds dom0's kernel and tools; clang will not do",
            purposes,
            (f"gcc-{triple}",),
            (f"{triple}-gcc", "--version"),
            (12,),
        ),
        Need(
            "build tools",
            "as above",
            purposes,
            packages,
            ("sh", "-c", f"gcc --version && test -e /usr/include/stdio.h && {found}"),
        ),
    ]


def _build_needs(board: Board) -> list[Need]:
    triple = toolchain.TRIPLES[board.arch][0]
    purposes = frozenset({BUILD})
    return [
        Need("git", "names the build", purposes, ("git",), ("git", "--version")),
        Need(
            COMPILER,
            "compiles the hypervisor",
            purposes,
            (f"gcc-{triple}",),
            (f"{triple}-gcc", "--version"),
            (12,),
            "clang: .venv/bin/pip install ziglang",
        ),
    ]


def _run_needs(board: Board) -> list[Need]:
    purposes = frozenset({RUN})
    packages = purposes | {TEST, PROVE}
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    return [
        Need(
            "QEMU",
            "plays the board",
            purposes,
            (board.qemu.package,),
            (board.qemu.binary, "--version"),
            board.qemu.min_version,
        ),
        Need(
            "Debian's keys",
            "check what dom0 is made of",
            packages,
            ("debian-archive-keyring",),
            ("test", "-e", keyring),
        ),
        Need("dpkg-deb", "unpacks packages", packages, ("dpkg",), ("dpkg-deb", "--version")),
    ]


def _test_needs() -> list[Need]:
    purposes = frozenset({TEST})
    folder = "$(clang -print-resource-dir)/lib/"
    fuzzer = f'find -L "{folder}" -name "libclang_rt.fuzzer*.a" | grep -q .'
    return [
        Need(
            "host compiler",
            "runs the core in a process",
            purposes | {PROVE},
            ("gcc", "libc6-dev"),
            ("sh", "-c", "gcc --version && test -e /usr/include/stdio.h"),
            (12,),
        ),
        Need(
            "libFuzzer",
            "hostile input",
            purposes,
            ("clang", f"libclang-rt-{_clang_major()}-dev"),
            ("sh", "-c", f"clang --version && {fuzzer}"),
        ),
    ]


def _oracle_needs() -> list[Need]:
    """Programs of others that check what we write."""
    purposes = frozenset({TEST})
    return [
        Need(
            "package checkers",
            "check the Debian package and its scripts",
            purposes,
            ("lintian", "shellcheck"),
            ("sh", "-c", "shellcheck --version && lintian --version"),
        ),
        Need(
            "U-Boot's tools",
            "check boot scripts and FIT images",
            purposes,
            ("u-boot-tools",),
            ("sh", "-c", "mkimage -V && command -v dumpimage"),
        ),
        Need(
            "dtc",
            "makes device trees for tests",
            purposes,
            ("device-tree-compiler",),
            ("dtc", "--version"),
        ),
        Need(
            "disk tools",
            "read what card images are made of, and make file systems that are full",
            purposes,
            ("dosfstools", "fdisk", "mount", "mtools"),
            ("sh", "-c", f"{SBIN}; command -v fsck.vfat sfdisk mount mdir"),
        ),
    ]


def examine(need: Need) -> Finding:
    """Looks for one need on this machine."""
    said = _run(need.probe)
    if said is None:
        return Finding(need, "missing")
    version = parse_version(said)
    old = bool(need.min_version) and version < need.min_version
    return Finding(need, "too old" if old else "present", ".".join(map(str, version)))


Wanted = Iterable[tuple[Board, Iterable[str]]]
"""Boards and the purposes that they are wanted for."""


def select(wanted: Wanted) -> list[Need]:
    """What boards need for purposes, each thing once."""
    found = dict.fromkeys(
        need
        for board, purposes in wanted
        for need in needs(board)
        if not need.purposes.isdisjoint(purposes)
    )
    return list(found)


def survey(wanted: Wanted) -> list[Finding]:
    """What this machine has of that."""
    return [examine(need) for need in select(wanted)]


@functools.cache
def candidate(package: str, options: tuple[str, ...] = ()) -> tuple[int, ...]:
    """The version that apt would install; empty if it knows none."""
    said = _run(("apt-cache", *options, "policy", package)) or ""
    found = re.search(r"Candidate: (?:\d+:)?(\S+)", said)
    return parse_version(found[1]) if found else ()
