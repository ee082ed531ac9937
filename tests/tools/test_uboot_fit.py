# SPDX-License-Identifier: Apache-2.0
"""FIT images and script images: accepted by U-Boot's own tools, the same every time."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from xenolith.dt import blob
from xenolith.uboot import fit, legacy

PARTS = (
    fit.Part("hypervisor", "hypervisor", "kernel", b"h" * 4097, 0x4040_0000),
    fit.Part("dom0-ramdisk", "dom0 ramdisk", "ramdisk", b"r" * 3, 0x1_0000_0000),
    fit.Part("device-tree", "device tree", "flat_dt", b"\xd0\x0d\xfe\xed" + bytes(36), 0x4100_0000),
    fit.Part("policy", "policy", "firmware", b"p", 0x4200_0000),
    fit.Part("script", "boot script", "script", b"echo hello\n"),
)
BOOT = fit.Boot("hypervisor", "device-tree", ("dom0-ramdisk", "policy"))


def tool(*command: str, folder: Path) -> str:
    """What a program of u-boot-tools says."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("arch", ["arm64", "riscv"])
@pytest.mark.parametrize("program", ["mkimage", "dumpimage"])
def test_tools_accept_a_fit(program: str, arch: str, tmp_path: Path) -> None:
    (tmp_path / "fit").write_bytes(fit.pack("A system", arch, PARTS, BOOT, 1700000000))
    said = tool(program, "-l", "fit", folder=tmp_path)
    assert "FIT description: A system" in said
    assert {"arm64": "AArch64", "riscv": "RISC-V"}[arch] in said
    for part in PARTS:
        assert f"({part.name})" in said
        assert hashlib.sha256(part.data).hexdigest() in said
    assert "Load Address: 0x40400000" in said
    assert "Loadables:    dom0-ramdisk" in said
    assert "Default Configuration: 'boot'" in said


def test_dumpimage_gives_the_parts_back(tmp_path: Path) -> None:
    (tmp_path / "fit").write_bytes(fit.pack("A system", "arm64", PARTS))
    for number, part in enumerate(PARTS):
        command = ["dumpimage", "-T", "flat_dt", "-p", str(number), "-o", "out", "fit"]
        tool(*command, folder=tmp_path)
        assert (tmp_path / "out").read_bytes() == part.data


def test_a_fit_is_the_same_every_time() -> None:
    first = fit.pack("A system", "arm64", PARTS, BOOT)
    assert first == fit.pack("A system", "arm64", list(PARTS), BOOT)
    tree = blob.parse(first)
    # `source` without a name runs what this says.
    assert blob.get_string(tree.get_node("/images"), "default") == "script"
    assert blob.get_bytes(tree.get_node("/images/policy"), "data") == b"p"
    high = blob.get_bytes(tree.get_node("/images/dom0-ramdisk"), "load")
    assert high == (0x1_0000_0000).to_bytes(8, "big")


@pytest.mark.parametrize("program", ["mkimage", "dumpimage"])
@pytest.mark.parametrize("arch", ["arm64", "riscv"])
def test_tools_accept_a_script(program: str, arch: str, tmp_path: Path) -> None:
    made = legacy.Script("echo one\n", arch, 0xC0_0000, "boot")
    (tmp_path / "scr").write_bytes(legacy.pack(made))
    said = tool(program, "-l", "scr", folder=tmp_path)
    assert "Script" in said
    assert "Image Name:   boot" in said


def test_a_kernel_for_bootm_is_mkimages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    (tmp_path / "xen").write_bytes(b"kernel" * 100)
    command = "mkimage -A arm64 -O linux -T kernel -C none -a 0x40400000 -e 0x40400000 -n xen"
    tool(*command.split(), "-d", "xen", "out", folder=tmp_path)
    ours = legacy.pack_kernel(b"kernel" * 100, "arm64", 0x4040_0000, "xen", legacy.now())
    assert ours == (tmp_path / "out").read_bytes()
