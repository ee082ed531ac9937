# SPDX-License-Identifier: Apache-2.0
"""The forms of a bundle: FIT, finished tree, bootm, what an ImageBuilder config asks for."""

from __future__ import annotations

import gzip
import re
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import fdt
import pytest

from xenolith.cli import main
from xenolith.dt import blob
from xenolith.lab import rehearsal
from xenolith.uboot import legacy


def image(
    size: int = 0x4000,
    *,
    linux: bool = False,
    xen: bool = False,
    start: bytes = b"",
    flags: int = 10,
) -> bytes:
    """A kernel image, with the words by which Linux and its Xen support are known."""
    head = start.ljust(16, b"\0") + struct.pack("<QQ", size, flags) + bytes(24)
    words = (b"Linux version 6" if linux else b"") + (b"\0xen,xen\0" if xen else b"")
    return (head + b"ARM\x64" + bytes(4) + words).ljust(size, b"\0")


def tree(compatible: str = "linux,dummy-virt") -> bytes:
    made = fdt.FDT()
    made.header.version = 17
    blob.set_strings(made.root, "compatible", compatible)
    for name in ("#address-cells", "#size-cells"):
        blob.set_cells(made.root, name, 2)
    made.get_node("/chosen", create=True)
    blob.set_cells(made.get_node("/uart@9000000", create=True), "reg", 0, 0x900_0000, 0, 0x1000)
    return blob.serialize(made)


BASE = "XEN=xen\nDOM0_KERNEL=Image\nDOM0_RAMDISK=initrd\nDEVICE_TREE=board.dtb\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of BASE and some more."""
    (tmp_path / "xen").write_bytes(image())
    (tmp_path / "Image").write_bytes(image(linux=True, xen=True))
    (tmp_path / "initrd").write_bytes(b"070701" + bytes(1000))
    (tmp_path / "board.dtb").write_bytes(tree())
    (tmp_path / "extra.txt").write_text("setenv mine 1\necho ready\n")
    (tmp_path / "bits").write_bytes(b"bits")
    return tmp_path


def make(folder: Path, more: str = "", *options: str, code: int = 0) -> Path:
    """Runs the command on BASE and more lines."""
    (folder / "config").write_text(BASE + more)
    out = folder / "out"
    command = ["uboot", "--config", str(folder / "config"), "--out", str(out), *options]
    assert main.main(command) == code
    return out


def test_fit(folder: Path) -> None:
    out = make(folder, "", "--fit", "--tftp", "dhcp")
    assert {path.name for path in out.iterdir()} == {
        "boot.scr", "boot.source", "boot2.source", "boot.fit"
    }  # fmt: skip
    made = blob.parse((out / "boot.fit").read_bytes())
    parts = [node.name for node in made.get_node("/images").nodes]
    assert parts == ["hypervisor", "dom0-kernel", "dom0-ramdisk", "device-tree", "script"]
    data = blob.get_bytes(made.get_node("/images/dom0-kernel"), "data")
    assert data == (folder / "Image").read_bytes()
    text = (blob.get_bytes(made.get_node("/images/script"), "data") or b"").decode()
    assert text == (out / "boot2.source").read_text()
    assert text.count("imxtract") == 4
    assert "tftpb" not in text
    first = (out / "boot.source").read_text()
    assert first.startswith("setenv autoload no\ndhcp\nif tftpb 0x")
    assert ":script\n" in first
    scr = blob.parse((out / "boot.scr").read_bytes())
    assert blob.get_bytes(scr.get_node("/images/script"), "data") == first.encode()
    before = (out / "boot.fit").read_bytes()
    make(folder, "", "--fit", "--tftp", "dhcp")
    assert (out / "boot.fit").read_bytes() == before


@pytest.mark.parametrize("program", ["mkimage", "dumpimage"])
def test_uboots_tools_accept_every_form(folder: Path, program: str) -> None:
    forms = (
        "",
        "--tftp dhcp",
        "--usb",
        "--ask-sizes",
        "--fit --tftp dhcp",
        "--fit --finished-tree",
    )
    for number, options in enumerate(forms):
        out = make(folder, "", *options.split()).rename(folder / f"out-{number}")
        images = [path for path in out.iterdir() if path.suffix in (".scr", ".fit")]
        assert len(images) == 1 + any(form in options for form in ("--tftp", "--fit"))
        for path in images:
            done = subprocess.run(
                [program, "-l", path], capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            assert "Script" in done.stdout


def test_a_finished_tree_is_what_the_script_would_make(folder: Path) -> None:
    env = {"devtype": "virtio", "devnum": "0", "distro_bootpart": "1"}

    def rehearse(out: Path) -> rehearsal.Board:
        files = {path.name: path.read_bytes() for path in out.iterdir()}
        text = (out / "boot.source").read_text()
        return rehearsal.run(text, rehearsal.Board(files, dict(env)))

    edited = rehearse(make(folder))
    finished = rehearse(make(folder, "", "--finished-tree"))
    assert "fdt set" not in (folder / "out/boot.source").read_text()
    assert finished.started == edited.started
    assert blob.serialize(finished.tree) == blob.serialize(edited.tree)
    assert (folder / "board.dtb").read_bytes() == tree()
    make(folder, "", "--finished-tree", "--fit")
    made = blob.parse((folder / "out/boot.fit").read_bytes())
    boot = made.get_node("/configurations/boot")
    assert blob.get_string(boot, "kernel") == "hypervisor"
    assert blob.get_bytes(boot, "loadables") == b"dom0-kernel\0dom0-ramdisk\0"


def test_keys_about_loading(folder: Path) -> None:
    more = (
        "LOAD_CMD=sd\nXEN_LOAD='load mmc 1:2'\nDOM0_LOAD=tftp\nPREPEND_PATH=/boot/\n"
        "APPEND_EXTRA_CMDS=extra.txt\nDBG_FDT_PRINT_CHOSEN=1\nUBOOT_SCRIPT=own.scr\n"
        "UBOOT_SOURCE=own.txt\nFDTEDIT=seen.dtb\nBITSTREAM=bits\nNUM_BOOT_AUX_FILE=1\n"
        "BOOT_AUX_FILE[0]=extra.txt\n"
    )
    out = make(folder, more)
    text = (out / "own.txt").read_text()
    assert legacy.unpack((out / "own.scr").read_bytes()).text == text
    assert "if load mmc 1:2 0x40400000 boot/xen;" in text
    assert " boot/Image;" in text and "if tftpb 0x" in text
    assert "fpga load 0 0x" in text
    assert text.index("fdt print /chosen") < text.index("setenv mine 1\necho ready\nbooti")
    assert (out / "extra.txt").exists()
    seen = blob.parse((out / "seen.dtb").read_bytes())
    assert [n.name.split("@")[0] for n in seen.get_node("/chosen").nodes] == [
        "dom0", "dom0-ramdisk"
    ]  # fmt: skip
    text = (make(folder, more, "--usb") / "own.txt").read_text()
    assert "load mmc" not in text
    assert "tftpb" not in text


def test_boot_commands(folder: Path) -> None:
    out = make(folder, "BOOT_CMD=bootm\n")
    packed = (out / "xen.ub").read_bytes()
    assert packed[64:] == (folder / "xen").read_bytes()
    assert not (out / "xen").exists()
    text = (out / "boot.source").read_text()
    load = struct.unpack_from(">I", packed, 16)[0]
    assert f" {load:#x} xen.ub;" in text
    assert f"bootm {load:#x} - 0x" in text
    text = (make(folder, "BOOT_CMD=none\n") / "boot.source").read_text()
    assert "setenv host_kernel_addr 0x40400000\nsetenv host_fdt_addr 0x" in text
    assert "booti" not in text
    (folder / "xen").write_bytes(image(start=b"MZ"))
    text = (make(folder, "BOOT_CMD=bootefi\n") / "boot.source").read_text()
    assert "bootefi 0x40400000 0x" in text


def test_a_device_for_a_guest(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    guest = "NUM_DOMUS=1\nDOMU_KERNEL[0]=Image\n"
    out = make(folder, guest + "DOMU_PASSTHROUGH_PATHS[0]=/uart@9000000\n")
    partial = blob.parse((out / "domU0-passthrough.dtb").read_bytes())
    assert partial.exist_node("/passthrough/uart@9000000")
    text = (out / "boot.source").read_text()
    assert "if fdt set /uart@9000000 xen,passthrough; then true; else" in text
    assert "multiboot,device-tree" in text
    for more, message in (
        ("DOMU_PASSTHROUGH_PATHS[0]=/no\n", "no node /no"),
        ("DOMU_PASSTHROUGH_PATHS[0]=/uart@9000000\nDEVICE_TREE=\n", "name one"),
        ("DOMU_PASSTHROUGH_PATHS[0]=/a\nDOMU_PASSTHROUGH_DTB[0]=board.dtb\n", "name one"),
    ):
        make(folder, guest + more, code=2)
        assert message in capsys.readouterr().err


def test_what_the_user_should_know(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "plain").write_bytes(gzip.compress(image(linux=True)))
    more = "NUM_DOMUS=2\nDOMU_KERNEL[0]=Image\nDOMU_ROOTFS[0]=r\nDOMU_KERNEL[1]=plain\n"
    (folder / "xen").write_bytes(image() + b"Xenolith, Xen version 4.20")
    make(folder, more)
    said = capsys.readouterr().err
    assert "xen does not start guests by itself yet" in said
    assert "plain is a Linux without Xen support: it will have no Xen devices" in said
    assert "DOMU_ROOTFS[0]: it does not start by itself" in said
    shutil.rmtree(folder / "out")
    make(folder)
    assert "Xen support" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda d: (d / "board.dtb").write_bytes(tree("brcm,bcm2711")), (), "is for brcm,bcm2711"),
        (lambda d: (d / "board.dtb").write_bytes(tree()[:60]), (), "board.dtb: device tree: trunc"),
        (lambda d: (d / "extra.txt").write_bytes(b"\xff"), (), "no plain text|not plain text"),
        (lambda d: (d / "extra.txt").unlink(), (), "further commands.*No such file.*--files"),
        (
            lambda d: (d / "Image").write_bytes(image(linux=True)),
            (),
            "Linux without Xen support; take Debian's",
        ),
        (lambda d: None, ("--ask-sizes", "--fit"), "hold the sizes"),
        (lambda d: (d / "xen").write_bytes(image(flags=2)), (), "moved by booti.*bootm"),
        (lambda d: (d / "out").write_text(""), (), "choose another --out"),
    ],
)
def test_one_line_and_nothing_written(
    folder: Path, change: Any, options: tuple[str, ...], message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    change(folder)
    (folder / "config").write_text(BASE + "APPEND_EXTRA_CMDS=extra.txt\n")
    command = ["uboot", "--config", str(folder / "config"), "--out", str(folder / "out"), *options]
    assert main.main(command) != 0
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert re.search(message, said)
    assert not (folder / "out").is_dir()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("DOM0_CMD='[1 2]'\n", "takes .* for numbers; .*--finished-tree"),
        (f"DOM0_CMD='root=/ {'x' * 1020}'\n", "crashes above 1024"),
        ("UBOOT_SCRIPT=Image\n", "Image is the name of two files"),
        ("FDTEDIT=board.dtb\n", "board.dtb is the name of two files"),
        ("UBOOT_SCRIPT=x\nUBOOT_SOURCE=x\n", "x is the name of two files"),
        ("FIT=boot.scr\n", "boot.scr is the name of two files"),
        ("BOOT_CMD=bootz\n", "32-bit kernels"),
        ("BOOT_CMD=bootefi\n", "no EFI program"),
        ("LOAD_CMD='load mmc 0:1; reset'\n", "more than one plain U-Boot command"),
        ("XEN_CMD='dom0_mem=1G'\nDOM0_MEM=512\n", "XEN_CMD does not say dom0_mem=512M"),
        ("UBOOT_SCRIPT='../boot.scr'\n", "no `..`"),
        ("DEVICE_TREE=\nFDTEDIT=x.dtb\n", "DEVICE_TREE"),
    ],
)
def test_what_is_refused(
    folder: Path, more: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "config").write_text(BASE + more)
    assert main.main(["uboot", "--config", str(folder / "config"), "--out", str(folder / "o")])
    said = capsys.readouterr().err
    assert re.search(message, said), said
    assert said.count("\n") == 1
    assert not (folder / "o").exists()


def test_a_long_line_goes_into_a_finished_tree(folder: Path) -> None:
    out = make(folder, f"DOM0_CMD='root=/ {'x' * 1800}'\n", "--finished-tree")
    made = blob.parse((out / "board-finished.dtb").read_bytes())
    line = blob.get_string(made.get_node("/chosen"), "xen,dom0-bootargs")
    assert line is not None
    assert len(line) == 1807
