# SPDX-License-Identifier: Apache-2.0
"""Device trees of real machines with something wrong in them, booted on the third port.

Each is a file of build/host/trees and a run of the fuzzer's `boot` target, whose rules hold: dom0
starts and has nobody else's memory, or a panic names a node or an option. For one tree again:
`build/host/fuzz-boot-... FILE`.
"""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from xenolith.boards import find
from xenolith.dt import blob
from xenolith.lab import qemu

TREES = 300
"""Of each machine."""
RAM, SIZE, KERNEL = 0x4000_0000, 0x4000_0000, 0x4060_0000
"""RAM that every tree says, and where the fuzzer's kernel is (SCENE_KERNEL)."""
IMAGE, TREE = 0x4020_0000, 0x4040_0000
"""The hypervisor and the tree itself (SCENE_FDT)."""


@dataclass
class Node:
    """A node; unlike the `fdt` package's it may have the same name or property twice."""

    name: str
    props: list[tuple[str, bytes]] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        yield self
        for node in self.nodes:
            yield from node.walk()

    def set(self, name: str, *values: int | str | bytes) -> Node:
        self.drop(name)
        self.props.append((name, b"".join(map(encode, values))))
        return self

    def drop(self, name: str) -> None:
        self.props = [prop for prop in self.props if prop[0] != name]

    def child(self, name: str) -> Node:
        """The child of that name, made if there is none."""
        for node in self.nodes:
            if node.name.split("@")[0] == name:
                return node
        self.nodes.append(Node(name))
        return self.nodes[-1]


def encode(value: int | str | bytes) -> bytes:
    """A cell, a string, or bytes as they are."""
    if isinstance(value, int):
        return struct.pack(">I", value & 0xFFFF_FFFF)
    return value.encode() + b"\0" if isinstance(value, str) else value


def wide(*values: int) -> bytes:
    """Two cells for each."""
    return struct.pack(f">{len(values)}Q", *(value & (1 << 64) - 1 for value in values))


def read(node: Any) -> Node:
    """A node of the `fdt` package."""
    props = [(p.name, blob.get_bytes(node, p.name) or b"") for p in node.props]
    return Node(node.name if node.parent else "", props, [read(child) for child in node.nodes])


def serialize(root: Node, reserved: list[tuple[int, int]]) -> bytes:
    """The blob."""
    strings: dict[str, int] = {}

    def pad(data: bytes) -> bytes:
        return data + bytes(-len(data) % 4)

    def name_at(name: str) -> int:
        return strings.setdefault(name, sum(len(other) + 1 for other in strings))

    def body(node: Node) -> bytes:
        props = [
            encode(blob.PROP) + encode(len(data)) + encode(name_at(name)) + pad(data)
            for name, data in node.props
        ]
        head = encode(blob.BEGIN_NODE) + pad(encode(node.name))
        nodes = [body(child) for child in node.nodes]
        return b"".join([head, *props, *nodes, encode(blob.END_NODE)])

    block = b"".join(wide(*entry) for entry in reserved) + bytes(16)
    tree, text = body(root) + encode(blob.END), b"".join(encode(name) for name in strings)
    at = blob.HEADER.size + len(block)
    sizes = (at + len(tree) + len(text), at, at + len(tree), blob.HEADER.size)
    head = blob.HEADER.pack(blob.MAGIC, *sizes, 17, 16, 0, len(text), len(tree))
    return head + block + tree + text


def machine(name: str) -> Node:
    """A board's own tree, with RAM and a kernel where the fuzzer has them."""
    root = read(blob.parse(qemu.base_tree(find(name), 2, SIZE >> 20)).root)
    root.nodes = [node for node in root.nodes if not node.name.startswith("memory@")]
    cells = dict(root.props)["#size-cells"]
    size = encode(SIZE) if cells == encode(1) else wide(SIZE)
    root.child("memory").set("device_type", "memory").set("reg", wide(RAM), size)
    chosen = root.child("chosen").set("#address-cells", 2).set("#size-cells", 2)
    chosen.set("xen,xen-bootargs", "dom0_mem=64M noreboot loglvl=all")
    kernel = chosen.child("kernel").set("compatible", "multiboot,kernel", "multiboot,module")
    kernel.set("reg", wide(KERNEL, 4096))
    return root


CELLS = (0, 1, 2, 3, 4, 5, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x1000, 0x4000_0000)
PLACES = (
    0,
    0x123,
    RAM - 0x800,
    RAM,
    IMAGE,
    TREE,
    KERNEL,
    0x5000_0000,
    RAM + SIZE,
    1 << 39,
    1 << 63,
)
LENGTHS = (0, 1, 0x1000, 0x1234, 0x20_0000, 0x1000_0000, SIZE, 1 << 40, 1 << 63, (1 << 64) - 0x1000)
STATES = ("okay", "ok", "disabled", "reserved", "fail", "fail-sss", "", "off")
WORDS = (
    *("reg", "ranges", "dma-ranges", "interrupts", "interrupts-extended", "interrupt-parent"),
    *("interrupt-map", "#address-cells", "#size-cells", "#interrupt-cells", "phandle", "status"),
    *("compatible", "device_type", "no-map", "reusable", "stdout-path", "bootargs", "reg-names"),
    *("enable-method", "cpu-release-addr", "interrupt-controller", "linux,initrd-start", "size"),
)

Change = Callable[[random.Random, Node], None]


def area(root: Node) -> Node:
    """/reserved-memory."""
    made = root.child("reserved-memory").set("#address-cells", 2).set("#size-cells", 2)
    return made.set("ranges")


def place(rng: random.Random) -> bytes:
    """A range somewhere."""
    return wide(rng.choice(PLACES) + rng.choice((0, 0, 0x1000, -0x1000)), rng.choice(LENGTHS))


def lose(rng: random.Random, root: Node) -> None:
    """A node or a property is not there."""
    node = rng.choice(list(root.walk()))
    group: list[Any] = rng.choice([node.nodes, node.props])
    if group:
        del group[rng.randrange(len(group))]


def repeat(rng: random.Random, root: Node) -> None:
    """One is there twice, or in another place."""
    node, other = rng.choice(list(root.walk())), rng.choice(list(root.walk()))
    if node.props and rng.random() < 0.5:
        other.props.insert(0, rng.choice(node.props))
    elif node.nodes:
        copy = rng.choice(node.nodes)
        if other not in list(copy.walk()):
            other.nodes.insert(rng.randrange(len(other.nodes) + 1), copy)


def cut(rng: random.Random, root: Node) -> None:
    """A property is too short, too long or has a wrong cell."""
    nodes = [node for node in root.walk() if node.props]
    node = rng.choice(nodes)
    at = rng.randrange(len(node.props))
    name, data = node.props[at]
    where = rng.randrange(0, len(data) + 1, 4 if rng.random() < 0.8 else 1)
    cell = encode(rng.choice(CELLS))
    new = rng.choice([data[:where], data[:where] + cell + data[where + 4 :], data + cell, b""])
    node.props[at] = (name, new)


def put(rng: random.Random, root: Node) -> None:
    """A property that somebody reads, anywhere."""
    cells = [rng.choice(CELLS) for _ in range(rng.randrange(6))]
    text = rng.choice(("memory", "pci", "cpu", "a\0b", "no end", "/", "serial0", "/pl011@9000000"))
    data = rng.choice([b"".join(map(encode, cells)), encode(text), text.encode(), place(rng)])
    rng.choice(list(root.walk())).set(rng.choice(WORDS), data)


def state(rng: random.Random, root: Node) -> None:
    rng.choice(list(root.walk())).set("status", rng.choice(STATES))


def reservation(rng: random.Random, root: Node) -> None:
    """Some memory of the firmware: anywhere, of any kind, at any depth."""
    parent = area(root)
    if rng.random() < 0.3:
        parent.set("ranges", *rng.choice([(place(rng), 0, 0x1000_0000), (wide(RAM, 0, SIZE),)]))
    for _ in range(rng.choice((1, 1, 3, 300))):
        many = Node(f"r@{rng.randrange(1 << 30):x}").set("reg", place(rng))
        for name in ("no-map", "reusable"):
            if rng.random() < 0.4:
                many.set(name)
        if rng.random() < 0.3:
            many.set("status", rng.choice(STATES))
        if rng.random() < 0.3:
            many.set("device_type", rng.choice(("memory", "pci"))).set("ranges", place(rng))
        parent.nodes.append(many)
        if rng.random() < 0.2:
            parent = many.set("ranges").set("#address-cells", 2).set("#size-cells", 2)


def banks(rng: random.Random, root: Node) -> None:
    """More RAM, in few or many pieces."""
    for number in range(rng.choice((1, 2, 40, 300))):
        start = RAM + SIZE + (number << 24) + rng.choice((0, 0x800))
        reg = rng.choice([wide(start, 0x80_0000), place(rng)])
        root.nodes.insert(0, Node(f"memory@{start:x}").set("device_type", "memory").set("reg", reg))


def module(rng: random.Random, root: Node) -> None:
    """Boot modules, some over others, and a ramdisk as Linux gets it."""
    chosen = root.child("chosen")
    for number in range(rng.choice((1, 3, 70))):
        kind = rng.choice(("multiboot,kernel", "multiboot,ramdisk", "xen,xsm-policy", "other"))
        made = Node(f"m@{number:x}").set("compatible", kind, "multiboot,module")
        good = wide(0x4800_0000 + number * 0x1000, 0x1000)
        chosen.nodes.append(made.set("reg", rng.choice([good, good, good, place(rng)])))
    if rng.random() < 0.5:
        chosen.set("linux,initrd-start", wide(rng.choice(PLACES)))
        chosen.set("linux,initrd-end", wide(rng.choice(PLACES)))


def device(rng: random.Random, root: Node) -> None:
    """A device, a bus or a screen with registers, windows and interrupts that are somewhere."""
    made = Node(f"d@{rng.randrange(1 << 40):x}").set("reg", place(rng), place(rng))
    made.set("ranges", 0x0300_0000, wide(0), place(rng)).set("#address-cells", 3)
    made.set("device_type", rng.choice(("pci", "soc"))).set("#size-cells", 2)
    made.set("dma-ranges", 0, wide(0), place(rng))
    made.set("compatible", rng.choice(("a", "simple-framebuffer")))
    made.set("interrupts", *(rng.choice(CELLS) for _ in range(rng.randrange(12))))
    made.set("#interrupt-cells", rng.choice(CELLS)).set("interrupt-map", *CELLS)
    parent = rng.choice((root, root.child("chosen").set("ranges")))
    parent.nodes.insert(rng.randrange(len(parent.nodes) + 1), made)


def deep(rng: random.Random, root: Node) -> None:
    """Nodes in nodes, with names that nobody writes."""
    node = rng.choice(list(root.walk()))
    for _ in range(rng.choice((3, 3, 20, 40))):
        node.nodes.append(Node(rng.choice(("n", "n@0", "n" * 300, "a/b", ""))))
        node = node.nodes[-1]


CHANGES: tuple[Change, ...] = (
    *(lose, repeat, cut, cut, cut, put, put, state, reservation, banks, module, device, deep),
)


def write_trees(name: str, folder: Path) -> None:
    """TREES blobs, the same ones every time."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    good = machine(name)
    (folder / "good.dtb").write_bytes(serialize(good, []))
    for number in range(TREES):
        rng = random.Random(f"{name} {number}")
        root = deepcopy(good)
        for _ in range(rng.choice((1, 1, 2, 4))):
            rng.choice(CHANGES)(rng, root)
        starts = [rng.choice(PLACES) for _ in range(rng.choice((0, 0, 0, 1, 20)))]
        reserved = [(start, rng.choice(LENGTHS)) for start in starts]
        (folder / f"{number:04}.dtb").write_bytes(serialize(root, reserved))


@pytest.mark.parametrize("name", ["qemu-virt-arm64", "qemu-virt-riscv64", "rpi4"])
def test_wrong_trees(name: str, root: Path, host_fuzzer: Callable[..., Path]) -> None:
    """None makes a sanitizer complain, or breaks the rules of fuzz_boot."""
    program = host_fuzzer("boot", "core", ())
    folder = root / "build" / "host" / "trees" / name
    write_trees(name, folder)
    files = [str(path) for path in sorted(folder.iterdir())]
    env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    command = [str(program), "-timeout=60", f"-artifact_prefix={folder}.", *files]
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=False, env=env
    )
    if done.returncode != 0:
        pytest.fail(done.stderr[-6000:], pytrace=False)
