"""The installed package on machines that look like Debian's, below a folder: no root, no arm64."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from xenolith.package import bootscript, plan

CONFIG = b"# Debian's\narm_64bit=1\nkernel=vmlinuz-6.1\n[pi4]\ninitramfs initrd.img-6.1\nlast=1"
"""Like raspi-firmware's; the last line has no end."""

Run = Callable[..., subprocess.CompletedProcess[str]]


def put(root: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)


def state(root: Path) -> dict[str, bytes]:
    """Everything in /boot."""
    return {
        str(p.relative_to(root)): p.read_bytes() for p in root.rglob("boot/**/*") if p.is_file()
    }


def kernel(folder: str, version: str) -> dict[str, bytes]:
    files = {f"{folder}/{name}-{version}": version.encode() for name in ("vmlinuz", "initrd.img")}
    return {**files, f"boot/config-{version}": b"CONFIG_XEN_DOM0=y\n"}


def settings(root: Path, folder: str = "boot") -> dict[str, str]:
    lines = (root / folder / bootscript.SETTINGS).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine with dpkg's database."""
    made = tmp_path / "root"
    put(made, {"var/lib/dpkg/status": b"", "etc/fstab": b"# x\nUUID=1-2 / ext4 rw 0 1\n"})
    for folder in ("info", "updates", "triggers"):
        (made / "var/lib/dpkg" / folder).mkdir()
    return made


@pytest.fixture
def uboot(root: Path) -> Path:
    """One that U-Boot starts by extlinux.conf and that has another's boot.scr, too."""
    put(root, kernel("boot", "6.1"))
    put(root, {"boot/extlinux/extlinux.conf": b"default l0\n", "boot/boot.scr": b"other"})
    return root


@pytest.fixture
def pi(root: Path) -> Path:
    """A Raspberry Pi with raspi-firmware and u-boot-rpi."""
    put(root, kernel("boot/firmware", "6.1"))
    put(
        root,
        {
            "boot/firmware/config.txt": CONFIG,
            "boot/firmware/cmdline.txt": b"console=tty0 console=ttyS1,115200 root=LABEL=R rw *\n",
            "proc/device-tree/compatible": b"raspberrypi,4-model-b\0brcm,bcm2711\0",
            "usr/lib/u-boot/rpi_arm64/u-boot.bin": b"u-boot",
        },
    )
    return root


def test_install_remove_purge_on_a_uboot_machine(uboot: Path, dpkg: Run) -> None:
    before = state(uboot)
    assert "the next boot starts the hypervisor with vmlinuz-6.1" in dpkg().stdout
    assert settings(uboot) == {
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
    assert state(uboot) == before
    assert (uboot / "etc/default/xenolith").exists()
    dpkg("--purge", plan.NAME)
    assert state(uboot) == before
    assert not list(uboot.glob("etc/**/*xenolith")) and not lib.exists()


def test_install_and_remove_on_a_pi(pi: Path, dpkg: Run) -> None:
    before, firmware = state(pi), pi / "boot/firmware"
    dpkg()
    config = (firmware / "config.txt").read_bytes()
    assert b"\nkernel=u-boot-xenolith.bin\n" in config
    assert config.count(b"\nkernel=") == 1 and b"\ninitramfs" not in config
    assert (firmware / "u-boot-xenolith.bin").read_bytes() == b"u-boot"
    found = settings(pi, "boot/firmware")
    assert found["dom0_args"] == "console=tty0 root=LABEL=R rw * console=hvc0"
    assert found["linux_args"] == "console=tty0 console=ttyS1,115200 root=LABEL=R rw *"
    dpkg("--remove", plan.NAME)
    assert state(pi) == before


def test_an_upgrade_keeps_what_the_user_set(uboot: Path, dpkg: Run) -> None:
    dpkg()
    config = uboot / "etc/default/xenolith"
    config.write_text(config.read_text().replace("dom0_mem=512M", "dom0_mem=1G"))
    dpkg()
    assert settings(uboot)["xen_args"] == "console=dtuart dom0_mem=1G"
    assert (uboot / "boot/boot.scr.before-xenolith").read_bytes() == b"other"


@pytest.mark.parametrize("hook", plan.HOOKS)
def test_kernels_come_and_go(uboot: Path, dpkg: Run, update: Run, hook: str) -> None:
    dpkg()
    put(uboot, kernel("boot", "6.12"))
    put(uboot, {"boot/vmlinuz-6.13": b"", "boot/extlinux/extlinux.conf": b"default l1\n"})
    put(uboot, {**kernel("boot", "6.14"), "boot/config-6.14": b"# CONFIG_XEN_DOM0 is not set\n"})
    done = update("6.12", name=hook)
    assert done.returncode == 0 and "vmlinuz-6.12 as dom0" in done.stderr and not done.stdout
    assert settings(uboot)["kernel"] == "vmlinuz-6.12"
    kept = uboot / "boot/extlinux/extlinux.conf.before-xenolith"
    assert kept.read_bytes() == b"default l1\n"
    for path in uboot.glob("boot/*-6.12"):
        path.unlink()
    update("6.12", name=hook)
    assert settings(uboot)["initrd"] == "initrd.img-6.1"
    assert update(name=hook).stderr == ""
    shutil.rmtree(uboot / "usr/lib/xenolith")
    assert update(name=hook).returncode == 0


def test_the_last_kernel_for_dom0_goes(uboot: Path, dpkg: Run, update: Run) -> None:
    """Settings that name it would start nothing; the machine's own scripts know what is left."""
    before = state(uboot)
    dpkg()
    gone = ("boot/vmlinuz-6.1", "boot/initrd.img-6.1")
    for name in gone:
        (uboot / name).unlink()
    done = update(name=plan.HOOKS[-1])
    assert done.returncode == 0 and "no kernel" in done.stderr
    assert state(uboot) == {name: data for name, data in before.items() if name not in gone}
    put(uboot, {name: before[name] for name in gone})
    update(name=plan.HOOKS[-1])
    assert settings(uboot)["kernel"] == "vmlinuz-6.1"
    dpkg("--purge", plan.NAME)
    assert state(uboot) == before


def test_kernels_change_when_u_boot_rpi_has_gone(pi: Path, dpkg: Run, update: Run) -> None:
    dpkg()
    (pi / "usr/lib/u-boot/rpi_arm64/u-boot.bin").unlink()
    put(pi, kernel("boot/firmware", "6.2"))
    assert update(name=plan.HOOKS[-1]).returncode == 0
    assert settings(pi, "boot/firmware")["kernel"] == "vmlinuz-6.2"
    assert (pi / "boot/firmware/u-boot-xenolith.bin").read_bytes() == b"u-boot"


def test_an_installation_that_failed_is_undone(uboot: Path, dpkg: Run) -> None:
    """/boot/xenolith cannot be made whole: dpkg still calls what takes it away."""
    before = state(uboot)
    (uboot / "boot/xenolith/settings.env.new").mkdir(parents=True)
    assert dpkg(check=False).returncode != 0
    assert (uboot / "boot/xenolith/hypervisor").exists()
    dpkg("--purge", plan.NAME)
    assert state(uboot) == before


def test_raspi_firmware_writes_config_anew(pi: Path, dpkg: Run, update: Run) -> None:
    dpkg()
    config = pi / "boot/firmware/config.txt"
    config.write_bytes(CONFIG.replace(b"6.1", b"6.2"))
    assert update().returncode == 0
    assert b"kernel=u-boot-xenolith.bin" in config.read_bytes()
    dpkg("--purge", plan.NAME)
    assert config.read_bytes() == CONFIG.replace(b"6.1", b"6.2")


def test_a_script_made_anew_by_others_is_theirs(uboot: Path, dpkg: Run) -> None:
    dpkg()
    put(uboot, {"boot/boot.scr": b"newer", "boot/extlinux/extlinux.conf": b"newer"})
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
        ({"boot/config-6.1": b"CONFIG_XEN=n\n"}, "no kernel"),
        ({"boot/firmware/config.txt": b"", **kernel("boot/firmware", "6.1")}, "install u-boot-rpi"),
        ({"etc/default/xenolith": b"XENOLITH_BOOT=none\n"}, ""),
    ],
)
def test_machines_left_alone(uboot: Path, dpkg: Run, files: dict[str, bytes], message: str) -> None:
    put(uboot, files)
    before = state(uboot)
    said = [line for line in dpkg().stdout.splitlines() if line.startswith("xenolith:")]
    assert len(said) == bool(message) and message in "".join(said)
    assert state(uboot) == before


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
        ("XENOLITH_KERNEL=9.9", "vmlinuz-9.9 is not there"),
        ("XENOLITH_BOOT=lilo", "none of auto, pi, uboot, none"),
    ],
)
def test_settings_that_cannot_work_change_nothing(
    uboot: Path, dpkg: Run, update: Run, line: str, message: str
) -> None:
    dpkg()
    before = state(uboot)
    put(uboot, {"etc/default/xenolith": line.encode() + b"\n"})
    done = update()
    assert done.returncode == 1 and message in done.stderr
    assert state(uboot) == before


def test_files_larger_than_their_room(uboot: Path, dpkg: Run) -> None:
    with (uboot / "boot/initrd.img-6.1").open("wb") as file:
        file.truncate(bootscript.room("dom0 ramdisk") + 1)
    before = set(state(uboot))
    assert "has room for" in dpkg(check=False).stderr
    assert set(state(uboot)) == before


@pytest.mark.parametrize("blocks", [0, 400])
def test_a_full_disk_leaves_what_boots(uboot: Path, dpkg: Run, update: Run, blocks: int) -> None:
    dpkg()
    before = state(uboot)
    put(uboot, {"usr/lib/xenolith/hypervisor": os.urandom(300_000), **kernel("boot", "6.2")})
    done = update(blocks=blocks)
    assert done.returncode == 1 and "what was there still is" in done.stderr
    after = state(uboot)
    assert {name: after[name] for name in before} == before
    assert not [name for name in after if name.endswith(".new")]


def test_the_firmware_is_told_of_us_last(pi: Path, dpkg: Run, update: Run) -> None:
    dpkg()
    update("remove")
    put(pi, {"usr/lib/u-boot/rpi_arm64/u-boot.bin": bytes(300_000)})
    assert update(blocks=400).returncode == 1
    assert (pi / "boot/firmware/config.txt").read_bytes() == CONFIG


def test_root_file_system(uboot: Path, dpkg: Run, update: Run) -> None:
    put(uboot, {"etc/fstab": b"/dev/sda1 / btrfs rw,subvol=@root,noatime 0 0\n"})
    dpkg()
    assert settings(uboot)["linux_args"] == "root=/dev/sda1 rootflags=subvol=@root ro"
    put(uboot, {"etc/fstab": b"", "proc/cmdline": b"quiet root=PARTUUID=7 rootflags=x=y z\n"})
    update()
    assert settings(uboot)["linux_args"] == "root=PARTUUID=7 rootflags=x=y ro"
    put(uboot, {"etc/default/xenolith": b"XENOLITH_ROOT=/dev/nfs\n"})
    update()
    assert settings(uboot)["linux_args"] == "root=/dev/nfs ro"
    put(uboot, {"etc/default/xenolith": b"", "proc/cmdline": b"quiet\n"})
    assert "set XENOLITH_ROOT" in update().stderr
