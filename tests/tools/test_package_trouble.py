# SPDX-License-Identifier: Apache-2.0
"""The installed package where something is not as it should be: it says what, and loses nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from xenolith.package import bootscript, plan

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("XENOLITH_ARGS='a; b'", "xen_args has characters"),
        ("XENOLITH_ARGS='a=\"b\"'", "xen_args has characters"),
        ("XENOLITH_DOM0_ARGS='a\\\\b'", "dom0_args has characters"),
        ("XENOLITH_ARGS='$(reboot)'", "xen_args has characters"),
        ("XENOLITH_ARGS='a\nstart=linux'", "xen_args has characters"),
        ("XENOLITH_ARGS=" + "a" * 1001, "longer than 1000"),
        ("XENOLITH_ARGS='<0>'", "bracket"),
        ("XENOLITH_KERNEL=9.9", "no vmlinuz-9.9 that can be dom0"),
        ("XENOLITH_BOOT=lilo", "none of auto, pi, uboot, none"),
    ],
)
def test_settings_that_cannot_work_change_nothing(
    uboot: Any, dpkg: Run, update: Run, line: str, message: str
) -> None:
    dpkg()
    before = uboot.state()
    uboot.put({"etc/default/xenolith": line.encode() + b"\n"})
    done = update()
    assert done.returncode == 1 and message in done.stderr
    assert uboot.state() == before


def test_files_larger_than_their_room(uboot: Any, dpkg: Run) -> None:
    with (uboot / "boot/initrd.img-6.1").open("wb") as file:
        file.truncate(bootscript.room("dom0 ramdisk") + 1)
    before = set(uboot.state())
    assert "has room for" in dpkg(check=False).stderr
    assert set(uboot.state()) == before


def test_a_kernel_that_goes_and_settings_that_are_wrong(uboot: Any, dpkg: Run, update: Run) -> None:
    dpkg()
    uboot.put({**uboot.kernel("boot", "6.2"), "etc/default/xenolith": b"XENOLITH_KERNEL=6.1\n"})
    (uboot / "boot/vmlinuz-6.1").unlink()
    assert update().returncode == 1
    assert (uboot / "boot/boot.scr").read_bytes() == b"other"
    assert (uboot / "boot/extlinux/extlinux.conf").exists()


@pytest.mark.parametrize("folder", ["/boot", "/boot/firmware"])
def test_what_is_not_mounted_is_asked_for(pi: Any, dpkg: Run, update: Run, folder: str) -> None:
    """Or the user would believe that the card boots as before."""
    dpkg()
    before = pi.state()
    pi.put({"etc/fstab": f"LABEL=x {folder} vfat rw 0 2\n".encode(), "proc/mounts": b"y / ext4\n"})
    for arguments in ([], ["remove"]):
        done = update(*arguments)
        assert done.returncode == 1 and f"mount {folder}" in done.stderr
    assert dpkg("--remove", plan.NAME, check=False).returncode != 0
    assert pi.state() == before
    pi.put({"proc/mounts": f"/dev/x {folder} vfat rw 0 0\n".encode()})
    dpkg("--remove", plan.NAME)
    assert (pi / "boot/firmware/config.txt").read_bytes() == pi.CONFIG


def test_config_that_an_editor_has_changed(pi: Any, dpkg: Run, update: Run) -> None:
    dpkg()
    config = pi / "boot/firmware/config.txt"
    written = config.read_bytes()
    config.write_bytes(written.replace(b"# END xenolith\n", b""))
    before = pi.state()
    for arguments in ([], ["remove"]):
        assert "`# END xenolith' is missing" in update(*arguments).stderr
    assert pi.state() == before
    config.write_bytes(b"kernel=u-boot-xenolith.bin\n" + pi.CONFIG)
    assert "still names u-boot-xenolith.bin" in update("remove").stderr
    assert (pi / "boot/firmware/u-boot-xenolith.bin").exists()
    config.write_bytes(written.replace(b"\n", b"\r\n"))
    dpkg("--remove", plan.NAME)
    assert config.read_bytes() == pi.CONFIG.replace(b"\n", b"\r\n")


def test_only_our_files_go(uboot: Any, dpkg: Run) -> None:
    uboot.put({"boot/xenolith/mine": b"", "boot/boot.scr.before-xenolith.new": b"half"})
    (uboot / "boot/boot.scr").chmod(0o600)
    dpkg()
    uboot.put({"etc/default/xenolith": b"this is ( no shell"})
    dpkg("--purge", plan.NAME)
    assert [path.name for path in (uboot / "boot/xenolith").iterdir()] == ["mine"]
    assert (uboot / "boot/boot.scr").stat().st_mode & 0o777 == 0o600
    assert not list(uboot.glob("boot/*.new"))
