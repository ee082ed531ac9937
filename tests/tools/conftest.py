"""The installed package: dpkg and its programs on a machine below a folder, the fixture `root`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from xenolith.cli import package as verb
from xenolith.package import deb, plan

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The .deb around some bytes."""
    image = bytes(56) + b"ARM\x64" + os.urandom(200_000)
    build = plan.Build("arm64", "arm64", image, "1.0", "git:abc", 1_700_000_000)
    path = tmp_path / "x.deb"
    path.write_bytes(deb.build(plan.make(build, verb._templates())))
    return path


@pytest.fixture
def dpkg(root: Path, package: Path) -> Run:
    """Runs dpkg on the machine; `install` by default."""

    def run(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        forces = "not-root,script-chrootless,architecture,depends,bad-path,confold"
        command = ["dpkg", f"--root={root}", f"--force-{forces}", "--log=/dev/null"]
        # dpkg asks for the programs of the administrator.
        env = {**os.environ, "LC_ALL": "C", "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
        done = subprocess.run(
            [*command, *(arguments or ("--install", str(package)))],
            capture_output=True,
            text=True,
            env=env,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    return run


@pytest.fixture
def update(root: Path) -> Run:
    """Runs a program of the installed package; no file can grow beyond `blocks` of 512 bytes."""

    def run(
        *arguments: str, name: str = "usr/lib/xenolith/update-boot", blocks: int | None = None
    ) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "DPKG_ROOT": str(root)}
        limit = "unlimited" if blocks is None else blocks
        start = ["sh", "-c", f'ulimit -f {limit}; exec "$@"', "sh", str(root / name)]
        command = [*start, *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=env, check=False)

    return run
