# SPDX-License-Identifier: Apache-2.0
"""The installed package: dpkg and its programs on machines that fixtures make below a folder."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path, PosixPath

import pytest

from xenolith.cli import package as verb
from xenolith.package import bootscript, deb, plan

Run = Callable[..., subprocess.CompletedProcess[str]]


class Machine(PosixPath):
    """The folder below which a machine's files are."""

    CONFIG = b"# Debian's\narm_64bit=1\nkernel=vmlinuz-6.1\n[pi4]\ninitramfs initrd.img-6.1\nlast=1"
    """Like raspi-firmware's; the last line has no end."""

    def put(self, files: dict[str, bytes]) -> None:
        """Write files, by path."""
        for name, data in files.items():
            (self / name).parent.mkdir(parents=True, exist_ok=True)
            (self / name).write_bytes(data)

    def state(self) -> dict[str, bytes]:
        """Everything in /boot."""
        files = (p for p in self.rglob("boot/**/*") if p.is_file())
        return {str(p.relative_to(self)): p.read_bytes() for p in files}

    def settings(self, folder: str = "boot") -> dict[str, str]:
        """What boot.scr reads."""
        lines = (self / folder / bootscript.SETTINGS).read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    @staticmethod
    def kernel(folder: str, version: str) -> dict[str, bytes]:
        """Files of a kernel that can be dom0."""
        return {
            f"{folder}/vmlinuz-{version}": bytes(56) + b"ARM\x64" + version.encode(),
            f"{folder}/initrd.img-{version}": version.encode(),
            f"boot/config-{version}": b"CONFIG_XEN_DOM0=y\n",
        }


@pytest.fixture
def bare(tmp_path: Path) -> Machine:
    """A machine with dpkg's database."""
    made = Machine(tmp_path / "root")
    made.put({"var/lib/dpkg/status": b"", "etc/fstab": b"# x\nUUID=1-2 / ext4 rw 0 1\n"})
    for folder in ("info", "updates", "triggers"):
        (made / "var/lib/dpkg" / folder).mkdir()
    return made


@pytest.fixture
def uboot(bare: Machine) -> Machine:
    """One that U-Boot starts by extlinux.conf and that has another's boot.scr, too."""
    bare.put(bare.kernel("boot", "6.1"))
    bare.put({"boot/extlinux/extlinux.conf": b"default l0\n", "boot/boot.scr": b"other"})
    return bare


@pytest.fixture
def pi(bare: Machine) -> Machine:
    """A Raspberry Pi with raspi-firmware and u-boot-rpi."""
    bare.put(bare.kernel("boot/firmware", "6.1"))
    bare.put(
        {
            "boot/firmware/config.txt": bare.CONFIG,
            "boot/firmware/cmdline.txt": b"console=tty0 console=ttyS1,115200 root=LABEL=R rw *\n",
            "proc/device-tree/compatible": b"raspberrypi,4-model-b\0brcm,bcm2711\0",
            "usr/lib/u-boot/rpi_arm64/u-boot.bin": b"u-boot",
        },
    )
    return bare


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The .deb around some bytes."""
    image = bytes(56) + b"ARM\x64" + os.urandom(200_000)
    build = plan.Build("arm64", "arm64", image, "1.0", "git:abc", 1_700_000_000)
    path = tmp_path / "x.deb"
    path.write_bytes(deb.build(plan.make(build, verb._templates())))
    return path


@pytest.fixture
def dpkg(bare: Path, package: Path) -> Run:
    """Runs dpkg on the machine; `install` by default."""

    def run(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        forces = "not-root,script-chrootless,architecture,depends,bad-path,confold"
        command = ["dpkg", f"--root={bare}", f"--force-{forces}", "--log=/dev/null"]
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
def update(bare: Path) -> Run:
    """Runs a program of the installed package; no file can grow beyond `blocks` of 512 bytes."""

    def run(
        *arguments: str, name: str = "usr/lib/xenolith/update-boot", blocks: int | None = None
    ) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "DPKG_ROOT": str(bare)}
        limit = "unlimited" if blocks is None else blocks
        start = ["sh", "-c", f'ulimit -f {limit}; exec "$@"', "sh", str(bare / name)]
        command = [*start, *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=env, check=False)

    return run
