# SPDX-License-Identifier: Apache-2.0
"""Gets what is missing: Debian packages through apt, a compiler through pip."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from xenolith import ROOT
from xenolith.boards import Board
from xenolith.build import needs, toolchain
from xenolith.build.needs import BUILD, DEBUG, DOM0, RUN, TEST, Finding
from xenolith.dom0 import apt, cache, sources
from xenolith.errors import UserError
from xenolith.progress import Step, note, step

__all__ = [
    "BUILD",
    "DEBUG",
    "DOM0",
    "RUN",
    "TEST",
    "ensure",
    "ensure_all",
    "ensure_extra",
    "ensure_toolchain",
]

APT = ("env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", "apt-get")
INSTALL = ("install", "-qy", "--no-install-recommends")
APT_TOTAL = re.compile(r"(\d+) upgraded, (\d+) newly installed")
APT_PARTS = ("Get:", "Unpacking ", "Setting up ")
"""What apt-get prints: how many packages, and a line for each thing it does with one."""


def ensure(board: Board, *purposes: str) -> None:
    """Installs what `purposes` (BUILD, RUN, DOM0, TEST, DEBUG) need and this machine lacks.

    The cross compiler is left to `ensure_toolchain`.

    UserError with the command to run if it may not or cannot.
    """
    found = needs.survey([(board, purposes)])
    _provide([f for f in found if f.need.name != needs.COMPILER])


def ensure_all(wanted: needs.Wanted) -> None:
    """The same for several boards in one call of apt, and their cross compilers too."""
    _provide(needs.survey(wanted))


def _provide(findings: list[Finding]) -> None:
    lacking = [f for f in findings if f.state != "present"]
    if lacking:
        _install(lacking)
        _check([needs.examine(f.need) for f in lacking])


def ensure_toolchain(board: Board, kind: str | None = None) -> str:
    """The kind of toolchain to build with, present afterwards; None takes what is easiest."""
    if toolchain.find(kind or "gcc", board.arch):
        return kind or "gcc"
    if kind == "clang":
        _install_zig()
        return "clang"
    if kind is None and (toolchain.find("clang", board.arch) and not may_be_root()):
        return "clang"
    finding = next(f for f in needs.survey([(board, (BUILD,))]) if f.need.name == needs.COMPILER)
    if kind is None and not may_be_root():
        note("no cross compiler and no right to install one: using clang from Python's ziglang")
        _install_zig()
        return "clang"
    _provide([finding])
    return "gcc"


def _check(findings: list[Finding]) -> None:
    for found in findings:
        if found.state != "present":
            version = f" ({found.version})" if found.version else ""
            raise UserError(f"{found.need.name} is {found.state}{version}: {found.remedy}")


def _interactive() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty() and not os.environ.get("CI")


@functools.cache
def _sudo_without_password() -> bool:
    if not shutil.which("sudo"):
        return False
    return subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0


def may_be_root() -> bool:
    """True if commands can be run as root, perhaps after a question."""
    if os.geteuid() == 0:
        return True
    return _sudo_without_password() or (_interactive() and bool(shutil.which("sudo")))


def _as_root(command: list[str]) -> list[str]:
    """The command line that runs `command` as root."""
    return command if os.geteuid() == 0 else ["sudo", *command]


def _agree(packages: list[str], findings: list[Finding]) -> None:
    """Asks whether to install; UserError with the command for a no, and where nobody can answer."""
    wanted = shlex.join(["apt", "install", *packages])
    names = ", ".join(f"{f.need.name} ({f.state})" for f in findings)
    if not shutil.which("apt-get"):
        raise UserError(f"needed: {names}; this is no Debian, so install them your way")
    if os.geteuid() == 0:
        return
    if not may_be_root():
        raise UserError(f"needed: {names}; run: sudo {wanted}")
    if not _interactive():
        return
    print(
        f"xenolith needs {names}.\nRun `sudo {wanted}`? [Y/n] ", end="", file=sys.stderr, flush=True
    )
    if sys.stdin.readline().strip().lower() not in ("", "y", "yes"):
        raise UserError(f"needed: {names}; run: sudo {wanted}")


def _install(findings: list[Finding]) -> None:
    packages = sorted({package for f in findings for package in f.need.packages})
    _agree(packages, findings)
    if not _interactive() or _sudo_without_password() or os.geteuid() == 0:
        with step(f"installing {' '.join(packages)}") as doing:
            _apt_install(packages, findings, doing)
    else:
        # sudo will ask for a password: no live line over it.
        _apt_install(packages, findings, Step("installing"))


def _apt_install(packages: list[str], findings: list[Finding], doing: Step) -> None:
    """Tries with the package lists the machine has, then with fresh ones and with backports."""
    if not _too_old(findings) and _apt([*INSTALL, *packages], doing).returncode == 0:
        return
    fresh = _apt(["update", "-q"], doing)
    needs.candidate.cache_clear()
    options = _backports(doing) if _too_old(findings) else ()
    done = _apt([*options, *INSTALL, *packages], doing)
    if done.returncode != 0:
        said = fresh if fresh.returncode != 0 else done
        raise UserError(f"apt could not install {' '.join(packages)}: {apt.reason(said)}")


def _too_old(findings: list[Finding]) -> bool:
    """True if apt's own choice of version will not do for all."""
    return any(
        needs.candidate(f.need.packages[0]) < f.need.min_version
        for f in findings
        if f.need.min_version
    )


def _apt(arguments: list[str], doing: Step) -> subprocess.CompletedProcess[str]:
    """Runs apt-get, with its progress; as root."""
    command = _as_root([*APT, *arguments])
    lines: list[str] = []
    with (
        tempfile.TemporaryFile("w+", errors="replace") as errors,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, errors="replace"
        ) as running,
    ):
        assert running.stdout is not None
        total = done = 0
        for line in running.stdout:
            lines.append(line)
            if counts := APT_TOTAL.match(line):
                # Each package is fetched, unpacked and set up.
                total = 3 * sum(map(int, counts.groups()))
            elif total and line.startswith(APT_PARTS):
                done += 1
                doing.part(done, total, line.strip())
        running.wait()
        errors.seek(0)
        said = errors.read()
    return subprocess.CompletedProcess(command, running.returncode, "".join(lines), said)


def _backports(doing: Step) -> tuple[str, ...]:
    """Options that add this release's backports to apt's sources for one call.

    The machine's own configuration stays as it is: a private folder holds links to its sources and
    one more, and the package lists live beside it.
    """
    suite = f"{needs.release()}-backports"
    folder = cache.cache_dir("apt-host")
    parts = cache.cache_dir("apt-host", "sources.list.d")
    cache.cache_dir("apt-host", "lists", "partial")
    for old in parts.iterdir():
        old.unlink()
    for path in Path("/etc/apt/sources.list.d").glob("*"):
        (parts / path.name).symlink_to(path)
    line = f"deb [signed-by={apt.KEYRING}] {sources.mirror()} {suite} main\n"
    (parts / "xenolith-backports.list").write_text(line)
    options = (
        "-o",
        f"Dir::Etc::sourceparts={parts}",
        "-o",
        f"Dir::State::lists={folder / 'lists'}",
        "-o",
        "APT::Sandbox::User=root",
        "-t",
        suite,
    )
    done = _apt([*options, "update", "-q"], doing)
    if done.returncode != 0:
        raise UserError(f"cannot read the package lists of {suite}: {apt.reason(done)}")
    return options


def ensure_extra(extra: str, module: str, what: str) -> None:
    """Installs an optional dependency group of pyproject.toml into .venv unless it is there."""
    if importlib.util.find_spec(module) is not None:
        return
    pip = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    with step(f"installing {what} into .venv"):
        done = subprocess.run(
            [*pip, "--no-input", "--editable", f"{ROOT}[{extra}]"],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
        raise UserError(f"pip could not install {what} ({last}); check the network")
    importlib.invalidate_caches()


def _install_zig() -> None:
    """Clang and LLD without apt."""
    ensure_extra("clang", "ziglang", "ziglang (clang and lld, about 100 MB)")
