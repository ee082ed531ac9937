# SPDX-License-Identifier: Apache-2.0
"""What Xen starts and this hypervisor does not yet is said when the bundle is made."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import fdt
import pytest

from xenolith.boards import find
from xenolith.dt import blob
from xenolith.errors import UserError
from xenolith.system.spec import Dom0, Guest, Spec
from xenolith.uboot import bundle, script

BOARD = find("qemu-virt-arm64")
SIZE = 0x4000
HEAD = bytes(16) + struct.pack("<QQ", SIZE, 10) + bytes(24) + b"ARM\x64" + bytes(4)
XEN, OURS = HEAD.ljust(SIZE, b"\0"), (HEAD + b"Xenolith, Xen version 4.20").ljust(SIZE, b"\0")
GUEST = Guest("Image", "domU0")

Make = Callable[..., bundle.Made]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A bundle around a hypervisor, and a device tree with interrupt controllers if there are."""

    def run(hypervisor: bytes, spec: Spec, *gics: str) -> bundle.Made:
        tree = fdt.FDT()
        tree.header.version = 17
        blob.set_strings(tree.root, "compatible", "linux,dummy-virt")
        tree.get_node("/chosen", create=True)
        for number, gic in enumerate(gics):
            node = tree.get_node(f"/bus/intc@{number}", create=True)
            blob.set_strings(node, "compatible", gic)
        contents = {"xen": hypervisor, "Image": XEN, "board.dtb": blob.serialize(tree)}
        for name, data in contents.items():
            (tmp_path / name).write_bytes(data)
        files = {name: tmp_path / name for name in contents}
        return bundle.make(bundle.Request(BOARD, spec, files, script.CARD))

    return run


def test_guests_without_a_dom0(make: Make) -> None:
    spec = Spec("xen", "", guests=(GUEST,))
    assert make(XEN, spec).inputs.notes == ()
    with pytest.raises(UserError, match=r"xen starts no guests without a dom0 yet; describe one"):
        make(OURS, spec)


def test_guests_beside_a_dom0(make: Make) -> None:
    spec = Spec("xen", "", Dom0("Image"), guests=(GUEST,))
    assert make(XEN, spec).inputs.notes == ()
    assert "make them in dom0 with `xl`" in make(OURS, spec).inputs.notes[0]


def test_a_machine_with_a_gicv3(make: Make) -> None:
    spec = Spec("xen", "", Dom0("Image"), device_tree="board.dtb")
    make(XEN, spec, "arm,gic-v3")
    make(OURS, spec)
    make(OURS, spec, "arm,gic-400")
    make(OURS, spec, "arm,gic-v3", "arm,cortex-a15-gic")
    with pytest.raises(UserError, match=r"board\.dtb has a GICv3, which this hypervisor does not"):
        make(OURS, spec, "arm,gic-v3")
