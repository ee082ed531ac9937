# SPDX-License-Identifier: Apache-2.0
"""/chosen as ImageBuilder would make it: ours beside its own, for the configurations beside this.

imagebuilder/NAME.chosen is what ImageBuilder's uboot-script-gen of 2024 made of NAME.config, run by
`IMAGEBUILDER=/path/to/imagebuilder pytest -k imagebuilder_itself`, which compares it anew; with
CHOSEN_WRITE=1 it writes the files. Nodes of modules are called by the file that was loaded.
"""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fdt
import pytest

from xenolith.boards import find
from xenolith.cli import main
from xenolith.dt import blob
from xenolith.lab import rehearsal

HERE = Path(__file__).parent / "imagebuilder"
NAMES = ("dom0", "dom0less", "static", "passthrough", "sizes")
BOARD = find("qemu-virt-arm64")
BSS = 0x40000
"""Bytes that kernels need behind their file."""
SIZES = {"xen": 0x30000, "Image": 0x50000, "domU/Image": 0x20000}

CONSOLE = f"dtuart={BOARD.console}"
DIFFERENCES: dict[str, Callable[[str], str]] = {
    "by default the console is the board's, whatever is called serial0": lambda text: re.sub(
        "dtuart=serial0(?=.*vwfi=native)", CONSOLE, text
    ),
    "no blanks for words that are not there": lambda text: re.sub(
        r" +(?=\"$)|(?<=\S) +(?= )", "", text, flags=re.MULTILINE
    ),
    "Linux knows no early console `xen`; ImageBuilder says xenboot since 2025": lambda text: (
        text.replace("earlycon=xen earlyprintk=xen", "earlycon=xenboot earlyprintk")
    ),
    "a module is as long as what was loaded; ImageBuilder adds the kernel's bss": lambda text: (
        re.sub(r"(Image reg) (\w+)", lambda m: f"{m[1]} {int(m[2], 16) - BSS:#x}", text)
    ),
}
"""What differs and why; a function that makes ours of ImageBuilder's."""


def image(size: int) -> bytes:
    """A kernel image of that many bytes that will need more."""
    head = struct.pack("<IIQQQ", 0, 0, 0, size + BSS, 0xA) + bytes(24) + b"ARM\x64" + bytes(4)
    return head + bytes(size - len(head))


def board_tree() -> bytes:
    """A small virt machine: two CPUs, one of them with a phandle, two devices."""
    tree = fdt.FDT()
    tree.header.version = 17
    root = tree.root
    for name in ("#address-cells", "#size-cells"):
        blob.set_cells(root, name, 2)
    blob.set_strings(root, "compatible", "linux,dummy-virt")
    blob.set_cells(root, "interrupt-parent", 1)
    devices = ("virtio_mmio@a003c00", "virtio_mmio@a003e00")
    for path in ("/chosen", "/memory@40000000", "/cpus/cpu@0", "/cpus/cpu@1", "/intc"):
        tree.get_node(path, create=True)
    blob.set_cells(tree.get_node("/memory@40000000"), "reg", 0, 0x4000_0000, 0, 0x4000_0000)
    for number in (0, 1):
        blob.set_cells(tree.get_node(f"/cpus/cpu@{number}"), "reg", number)
    blob.set_cells(tree.get_node("/cpus/cpu@1"), "phandle", 7)
    blob.set_cells(tree.get_node("/intc"), "phandle", 1)
    blob.set_strings(tree.get_node("/intc"), "compatible", "arm,cortex-a15-gic")
    for name in devices:
        node = tree.get_node(f"/{name}", create=True)
        blob.set_strings(node, "compatible", "virtio,mmio")
        blob.set_cells(node, "reg", 0, int(name[-7:], 16), 0, 0x200)
    return blob.serialize(tree)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files that the configurations name."""
    (tmp_path / "domU").mkdir()
    for name, size in SIZES.items():
        (tmp_path / name).write_bytes(image(size))
    for name, size in (("initrd.cpio", 5000), ("domU/initrd.cpio", 9000)):
        (tmp_path / name).write_bytes(b"070701" + b"0" * size)
    (tmp_path / "board.dtb").write_bytes(board_tree())
    (tmp_path / "partial.dtb").write_bytes(board_tree())
    return tmp_path


def rehearse(folder: Path, script: str) -> rehearsal.Board:
    """What the script of a bundle does."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    files = {str(path.relative_to(folder)): path.read_bytes() for path in paths}
    env = {"devtype": "virtio", "devnum": "0", "distro_bootpart": "1"}
    board = rehearsal.run((folder / script).read_text(), rehearsal.Board(files, env))
    assert board.started[:1] == ("booti",), board.said
    assert board.loaded[int(board.started[1], 0 if "0x" in board.started[1] else 16)] == "xen"
    return board


def shown(board: rehearsal.Board) -> str:
    """Every property below /chosen, and those of other nodes that belong to Xen."""
    lines: list[str] = []
    _node(board, board.tree.get_node("/chosen"), "/chosen", lines)
    for node in board.tree.root.nodes:
        if node.exist_property("xen,passthrough"):
            lines.append(f"/{node.name} xen,passthrough")
    for number in (0, 1):
        phandle = blob.get_bytes(board.tree.get_node(f"/cpus/cpu@{number}"), "phandle")
        lines.append(f"/cpus/cpu@{number} phandle {phandle.hex() if phandle else 'none'}")
    return "\n".join(sorted(lines)) + "\n"


def _node(board: rehearsal.Board, node: Any, path: str, lines: list[str]) -> None:
    reg = blob.get_bytes(node, "reg")
    if reg:
        address, size = struct.unpack(">QQ", reg)
        name = board.loaded[address]
        kind = re.sub(r"module.*", "module", node.name.split("@")[0])
        path = f"{path.rpartition('/')[0]}/{kind}:{name}"
        lines.append(f"{path} reg {size:#x}")
    for prop in node.props:
        value = blob.get_bytes(node, prop.name) or b""
        if prop.name != "reg":
            lines.append(f"{path} {prop.name} {_shown(value)}".rstrip())
    for child in node.nodes:
        _node(board, child, f"{path}/{_plain(child.name)}", lines)


def _plain(name: str) -> str:
    """Unit addresses are written with and without 0x."""
    return name.replace("@0x", "@")


def _shown(value: bytes) -> str:
    if re.fullmatch(rb"([\x20-\x7e]+\0)+", value):
        return " ".join(f'"{text}"' for text in value[:-1].decode().split("\0"))
    return value.hex()


def ours(folder: Path, name: str, *options: str) -> str:
    """What our script makes of a configuration."""
    out = folder / "out"
    config = ["--config", str(HERE / f"{name}.config"), "--files", str(folder)]
    assert main.main(["uboot", *config, "--out", str(out), *options]) == 0
    return shown(rehearse(out, "boot.source"))


@pytest.mark.parametrize("name", NAMES)
def test_chosen_is_imagebuilders(folder: Path, name: str) -> None:
    expected = (HERE / f"{name}.chosen").read_text()
    for why, change in DIFFERENCES.items():
        # With -s ImageBuilder, too, takes the size of what was loaded.
        if name != "sizes" or "bss" not in why:
            expected = change(expected)
    assert ours(folder, name, *(["--ask-sizes"] if name == "sizes" else [])) == expected


def test_every_difference_is_one() -> None:
    texts = [(HERE / f"{name}.chosen").read_text() for name in NAMES]
    for why, change in DIFFERENCES.items():
        assert any(change(text) != text for text in texts), why


@pytest.mark.imagebuilder
@pytest.mark.parametrize("name", NAMES)
def test_imagebuilder_itself(folder: Path, name: str) -> None:
    script = Path(os.environ["IMAGEBUILDER"]) / "scripts/uboot-script-gen"
    options = ["-s"] if name == "sizes" else []
    shutil.copy(HERE / f"{name}.config", folder / "config")
    command = ["bash", str(script), "-c", "config", "-d", ".", "-t", "tftp", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (folder / "boot.source").exists(), done.stdout + done.stderr
    found = shown(rehearse(folder, "boot.source"))
    target = HERE / f"{name}.chosen"
    if os.environ.get("CHOSEN_WRITE"):
        target.write_text(found)
    assert found == target.read_text()
