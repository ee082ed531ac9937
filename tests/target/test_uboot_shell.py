# SPDX-License-Identifier: Apache-2.0
"""Real U-Boot edits a device tree by a script of ours: what it prints is what we meant.

The same script goes through the interpreter that stands for U-Boot elsewhere (lab/rehearsal.py).
"""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

import fdt
import pytest

from xenolith import ROOT
from xenolith.boards import Board
from xenolith.dt import blob
from xenolith.lab import qemu, rehearsal, uboot
from xenolith.lab.console import Console, Deadline
from xenolith.system.placement import MIB, Region
from xenolith.system.spec import Channel, Dom0, Guest, Pool, Range, SharedMemory, Spec
from xenolith.uboot import legacy, plan, script
from xenolith.uboot.plan import File, Room
from xenolith.uboot.shell import MAX_VALUE

pytestmark = pytest.mark.slow

QUOTING = r"""a;b $c ${d} "e" 'f' \g \\ #h &i |j >k <l [m] *n ?o ~p !q {r} (s) `t` %u @v =w ^x \\"""
"""Everything that a shell might care about."""
GUEST = Guest(
    "Image",
    "domU0",
    ramdisk="initrd",
    arguments=QUOTING,
    static_memory=(Range(0x5000_0000, 256 * MIB), Range(0x1_0000_0000, 256 * MIB)),
    memory=512 << 10,
    vcpus=2,
    direct_map=True,
    enhanced="no-xenstore",
    shared_memory=(SharedMemory("buffer", 0x7000_0000, 0x600_0000, 0x1000),),
    channels=(Channel(1, 1, 2),),
    affinity={0: "0-1", 1: "1"},
    numbers={"nr_spis": 32, "capabilities": 5},
    texts={"llc-colors": "0-3,8"},
    pool=0,
)
SPEC = Spec(
    "xen",
    "console=dtuart ".ljust(MAX_VALUE - 1, "x"),
    Dom0("Image", "initrd", QUOTING),
    (GUEST, Guest("Image", "domU1", channels=(Channel(2, 0, 1),))),
    pools=(Pool(("cpu@0",), "null"),),
    static_heap=tuple(Range(0x6000_0000 + n * MIB, MIB) for n in range(60)),
    print_chosen=True,
    boot="none",
)


def test_what_uboot_makes_of_a_script(board: Board, tmp_path: Path) -> None:
    assert board.uboot is not None
    text = make(board)
    card = tmp_path / "card"
    card.mkdir()
    for name in ("xen", "Image", "initrd"):
        (card / name).write_bytes(name.encode() * 100)
    packed = legacy.pack(legacy.Script(text + "echo all done\n", board.arch))
    (card / "boot.scr").write_bytes(packed)
    devices = ["-drive", f"if=none,id=card,format=raw,read-only=on,file=fat:{card}"]
    devices += ["-device", "virtio-blk-device,drive=card"]
    firmware = uboot.options(board, tmp_path / "u-boot")
    command = [*board.qemu.command(1, board.min_memory), *firmware, *devices]
    log = ROOT / "build" / board.name / "logs/test-uboot-shell.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with qemu.Machine(command) as machine:
        console = Console(machine, log)
        console.expect(rb"chosen \{", Deadline(300), "fdt print /chosen")
        start = console.data.rfind(b"chosen {")
        console.expect(rb"all done", Deadline(300), "the end of the script")
        said = bytes(console.data[start:]).replace(b"\r", b"").decode()
    printed = properties(said)
    meant = expected(board, text, {path.name: path.read_bytes() for path in card.iterdir()})
    for key, value in meant.items():
        assert printed.get(key) == value, key
    assert any(QUOTING in value for value in printed.values())


def make(board: Board) -> str:
    """The script, with sizes asked."""
    facts = board.uboot
    assert facts is not None
    room = Room(Region("RAM", facts.start + 16 * MIB, 64 * MIB), ())
    files = dict.fromkeys(("xen", "Image", "initrd"), File(600))
    options: dict[str, Any] = {"firmware_tree": facts.tree, "cpus": {"cpu@0": 0}}
    return script.text(plan.make(SPEC, room, files, script.CARD, ask_sizes=True, **options).plan)


def expected(board: Board, text: str, files: dict[str, bytes]) -> dict[str, str]:
    """Properties below /chosen as U-Boot prints them."""
    facts = board.uboot
    assert facts is not None
    tree = fdt.FDT()
    tree.header.version = 17
    tree.get_node("/chosen", create=True)
    tree.get_node("/cpus/cpu@0", create=True)
    env = {facts.tree: "1000", "devtype": "virtio", "devnum": "0", "distro_bootpart": "1"}
    found = rehearsal.run(text, rehearsal.Board(files, env, trees={0x1000: tree}))
    shown: dict[str, str] = {}
    _collect(found.tree.get_node("/chosen"), "chosen", shown)
    return shown


def _collect(node: Any, path: str, shown: dict[str, str]) -> None:
    for prop in node.props:
        value = blob.get_bytes(node, prop.name) or b""
        shown[f"{path}/{prop.name}"] = _shown(value)
    for child in node.nodes:
        _collect(child, f"{path}/{child.name}", shown)


def _shown(value: bytes) -> str:
    if re.fullmatch(rb"([\x20-\x7e]+\0)+", value):
        return ", ".join(f'"{text}"' for text in value[:-1].decode().split("\0"))
    if len(value) % 4:
        return f"[{value.hex(' ')}]"
    cells = struct.unpack(f">{len(value) // 4}I", value)
    return "<" + " ".join(f"0x{cell:08x}" for cell in cells) + ">" if cells else ""


def properties(text: str) -> dict[str, str]:
    """What `fdt print` has written: path/name to value."""
    found: dict[str, str] = {}
    path: list[str] = []
    for line in text.splitlines():
        line = line.strip()
        if line.endswith(" {"):
            path.append(line[:-2])
        elif line == "};":
            path.pop()
            if not path:
                break
        elif line.endswith(";"):
            name, _, value = line[:-1].partition(" = ")
            found["/".join([*path, name])] = value
    return found
