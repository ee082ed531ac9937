# SPDX-License-Identifier: Apache-2.0
"""The installed package on machines that look like Debian's, below a folder: no root, no arm64."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from xenolith.package import plan

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_install_remove_purge_on_a_uboot_machine(uboot: Any, dpkg: Run) -> None:
    before = uboot.state()
    assert "the next boot starts the hypervisor with vmlinuz-6.1" in dpkg().stdout
    assert uboot.settings() == {
        "start": "hypervisor",
        "kernel": "vmlinuz-6.1",
        "initrd": "initrd.img-6.1",
        "xen_args": "console=dtuart dom0_mem=512M",
        "dom0_args": "root=UUID=1-2 ro console=hvc0",
        "linux_args": "root=UUID=1-2 ro",
    }
    lib = uboot / "usr/lib/xenolith"
    assert (uboot / "boot/boot.scr").read_bytes() == (lib / "boot.scr").read_bytes()
    assert not (uboot / "boot/extlinux/extlinux.conf").exists()
    dpkg("--remove", plan.NAME)
    assert uboot.state() == before
    assert (uboot / "etc/default/xenolith").exists()
    dpkg("--purge", plan.NAME)
    assert uboot.state() == before
    assert not list(uboot.glob("etc/**/*xenolith")) and not lib.exists()


def test_install_and_remove_on_a_pi(pi: Any, dpkg: Run) -> None:
    before, firmware = pi.state(), pi / "boot/firmware"
    dpkg()
    config = (firmware / "config.txt").read_bytes()
    assert b"\nkernel=u-boot-xenolith.bin\n" in config
    assert config.count(b"\nkernel=") == 1 and b"\ninitramfs" not in config
    assert (firmware / "u-boot-xenolith.bin").read_bytes() == b"u-boot"
    found = pi.settings("boot/firmware")
    assert found["dom0_args"] == "console=tty0 root=LABEL=R rw * console=hvc0"
    assert found["linux_args"] == "console=tty0 console=ttyS1,115200 root=LABEL=R rw *"
    dpkg("--remove", plan.NAME)
    assert pi.state() == before


def test_an_upgrade_keeps_what_the_user_set(uboot: Any, dpkg: Run) -> None:
    dpkg()
    config = uboot / "etc/default/xenolith"
    config.write_text(config.read_text().replace("dom0_mem=512M", "dom0_mem=1G"))
    dpkg()
    assert uboot.settings()["xen_args"] == "console=dtuart dom0_mem=1G"
    assert (uboot / "boot/boot.scr.before-xenolith").read_bytes() == b"other"


@pytest.mark.parametrize("hook", plan.HOOKS)
def test_kernels_come_and_go(uboot: Any, dpkg: Run, update: Run, hook: str) -> None:
    dpkg()
    uboot.put(uboot.kernel("boot", "6.12"))
    uboot.put({"boot/vmlinuz-6.13": b"", "boot/extlinux/extlinux.conf": b"default l1\n"})
    uboot.put(
        {**uboot.kernel("boot", "6.14"), "boot/config-6.14": b"# CONFIG_XEN_DOM0 is not set\n"}
    )
    done = update("6.12", name=hook)
    assert done.returncode == 0 and "vmlinuz-6.12 as dom0" in done.stderr and not done.stdout
    assert uboot.settings()["kernel"] == "vmlinuz-6.12"
    kept = uboot / "boot/extlinux/extlinux.conf.before-xenolith"
    assert kept.read_bytes() == b"default l1\n"
    for path in uboot.glob("boot/*-6.12"):
        path.unlink()
    update("6.12", name=hook)
    assert uboot.settings()["initrd"] == "initrd.img-6.1"
    assert update(name=hook).stderr == ""
    shutil.rmtree(uboot / "usr/lib/xenolith")
    assert update(name=hook).returncode == 0


def test_the_last_kernel_for_dom0_goes(uboot: Any, dpkg: Run, update: Run) -> None:
    """Settings that name it would start nothing; the machine's own scripts know what is left."""
    before = uboot.state()
    dpkg()
    gone = ("boot/vmlinuz-6.1", "boot/initrd.img-6.1")
    for name in gone:
        (uboot / name).unlink()
    done = update(name=plan.HOOKS[-1])
    assert done.returncode == 0 and "no kernel" in done.stderr
    assert uboot.state() == {name: data for name, data in before.items() if name not in gone}
    uboot.put({name: before[name] for name in gone})
    update(name=plan.HOOKS[-1])
    assert uboot.settings()["kernel"] == "vmlinuz-6.1"
    dpkg("--purge", plan.NAME)
    assert uboot.state() == before


def test_kernels_change_when_u_boot_rpi_has_gone(pi: Any, dpkg: Run, update: Run) -> None:
    dpkg()
    (pi / "usr/lib/u-boot/rpi_arm64/u-boot.bin").unlink()
    pi.put(pi.kernel("boot/firmware", "6.2"))
    assert update(name=plan.HOOKS[-1]).returncode == 0
    assert pi.settings("boot/firmware")["kernel"] == "vmlinuz-6.2"
    assert (pi / "boot/firmware/u-boot-xenolith.bin").read_bytes() == b"u-boot"


def test_an_installation_that_failed_is_undone(uboot: Any, dpkg: Run) -> None:
    """/boot/xenolith cannot be made whole: dpkg still calls what takes it away."""
    before = uboot.state()
    (uboot / "boot/xenolith/settings.env.new").mkdir(parents=True)
    assert dpkg(check=False).returncode != 0
    assert (uboot / "boot/xenolith/hypervisor").exists()
    dpkg("--purge", plan.NAME)
    assert uboot.state() == before


def test_raspi_firmware_writes_config_anew(pi: Any, dpkg: Run, update: Run) -> None:
    dpkg()
    config = pi / "boot/firmware/config.txt"
    config.write_bytes(pi.CONFIG.replace(b"6.1", b"6.2"))
    assert update().returncode == 0
    assert b"kernel=u-boot-xenolith.bin" in config.read_bytes()
    dpkg("--purge", plan.NAME)
    assert config.read_bytes() == pi.CONFIG.replace(b"6.1", b"6.2")


def test_a_script_made_anew_by_others_is_theirs(uboot: Any, dpkg: Run) -> None:
    dpkg()
    uboot.put({"boot/boot.scr": b"newer", "boot/extlinux/extlinux.conf": b"newer"})
    dpkg("--purge", plan.NAME)
    assert (uboot / "boot/boot.scr").read_bytes() == b"newer"
    assert (uboot / "boot/extlinux/extlinux.conf").read_bytes() == b"newer"
    assert not list(uboot.glob("boot/**/*before-xenolith"))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"boot/grub/grub.cfg": b""}, "boots by EFI"),
        ({"sys/firmware/efi/systab": b""}, "boots by EFI"),
        (
            {
                "boot/firmware/config.txt": b"",
                "proc/device-tree/compatible": b"raspberrypi,3-model-b\0brcm,bcm2837\0",
            },
            "no Raspberry Pi 4",
        ),
        (
            {"proc/device-tree/compatible": b"pine64,rockpro64\0rockchip,rk3399\0"},
            "nobody has seen the hypervisor on this board",
        ),
        ({"boot/firmware/config.txt": b"", "sys/firmware/efi/systab": b""}, "boots by EFI"),
        ({"boot/config-6.1": b"CONFIG_XEN=n\n"}, "no kernel in /boot can be dom0"),
        ({"boot/vmlinuz-6.1": b"\x1f\x8b" + bytes(100)}, "no kernel in /boot can be dom0"),
        ({"etc/default/xenolith": b"XENOLITH_BOOT=none\n"}, ""),
    ],
)
def test_machines_left_alone(uboot: Any, dpkg: Run, files: dict[str, bytes], message: str) -> None:
    uboot.put(files)
    before = uboot.state()
    said = [line for line in dpkg().stdout.splitlines() if line.startswith("xenolith:")]
    assert len(said) == bool(message) and message in "".join(said)
    assert uboot.state() == before


@pytest.mark.parametrize("blocks", [0, 400])
def test_a_full_disk_leaves_what_boots(uboot: Any, dpkg: Run, update: Run, blocks: int) -> None:
    dpkg()
    before = uboot.state()
    uboot.put({"usr/lib/xenolith/hypervisor": os.urandom(300_000), **uboot.kernel("boot", "6.2")})
    done = update(blocks=blocks)
    assert done.returncode == 1 and "what was there still is" in done.stderr
    after = uboot.state()
    assert {name: after[name] for name in before} == before
    assert not [name for name in after if name.endswith(".new")]


def test_the_firmware_is_told_of_us_last(pi: Any, dpkg: Run, update: Run) -> None:
    dpkg()
    update("remove")
    pi.put({"usr/lib/u-boot/rpi_arm64/u-boot.bin": bytes(300_000)})
    assert update(blocks=400).returncode == 1
    assert (pi / "boot/firmware/config.txt").read_bytes() == pi.CONFIG


def test_root_file_system(uboot: Any, dpkg: Run, update: Run) -> None:
    uboot.put({"etc/fstab": b"/dev/sda1 / btrfs rw,subvol=@root,noatime 0 0\n"})
    dpkg()
    assert uboot.settings()["linux_args"] == "root=/dev/sda1 rootflags=subvol=@root ro"
    uboot.put({"etc/fstab": b"", "proc/cmdline": b"quiet root=PARTUUID=7 rootflags=x=y z\n"})
    update()
    assert uboot.settings()["linux_args"] == "root=PARTUUID=7 rootflags=x=y ro"
    uboot.put({"etc/default/xenolith": b"XENOLITH_ROOT=/dev/nfs\n"})
    update()
    assert uboot.settings()["linux_args"] == "root=/dev/nfs ro"
    uboot.put({"etc/default/xenolith": b"", "proc/cmdline": b"quiet\n"})
    assert "set XENOLITH_ROOT" in update().stderr


def test_a_pi_without_u_boot_is_left_alone(pi: Any, dpkg: Run) -> None:
    (pi / "usr/lib/u-boot/rpi_arm64/u-boot.bin").unlink()
    before = pi.state()
    assert "apt install u-boot-rpi" in dpkg().stdout
    assert pi.state() == before
