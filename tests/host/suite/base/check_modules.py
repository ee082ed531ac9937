# SPDX-License-Identifier: Apache-2.0
"""Boot modules and command lines: every form of Xen's booting.txt, and every fault by name."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

ENODEV, EINVAL, ENOSPC = 19, 22, 28
KERNEL, RAMDISK, DEVICE_TREE, XSM, OTHER = range(5)
RAM = (0x40000000, 0x80000000)


def chosen(content: dict[str, Any], cells: bool = True) -> dict[str, Any]:
    """A tree with this /chosen."""
    own = {"#address-cells": 2, "#size-cells": 2} if cells else {}
    return {"#address-cells": 2, "#size-cells": 2, "chosen": own | content}


def module(kind: str | None, at: int, size: int = 0x1000, **more: Any) -> dict[str, Any]:
    """A module node."""
    return {
        "compatible": [*([kind] if kind else []), "multiboot,module"],
        "reg": [at >> 32, at & 0xFFFFFFFF, size >> 32, size & 0xFFFFFFFF],
    } | more


def find(core: Any, content: dict[str, Any]) -> tuple[int, Any, Any]:
    """Result, modules, tree."""
    tree = core.tree(content)
    found = core.ffi.new("struct boot_modules *")
    return core.lib.modules_find(tree, found), found, tree


def kinds(found: Any) -> list[tuple[int, int, int]]:
    """Kind, address and size of each."""
    return [(m.kind, m.start, m.size) for m in found.module[0 : found.count]]


@pytest.mark.parametrize(
    ("compatible", "kind"),
    [
        (["multiboot,kernel", "multiboot,module"], KERNEL),
        (["xen,linux-zimage", "xen,multiboot-module"], KERNEL),
        (["xen,linux-zimage", "xen,multiboot-module", "multiboot,module"], KERNEL),
        (["multiboot,module", "multiboot,kernel"], KERNEL),
        (["multiboot,ramdisk", "multiboot,module"], RAMDISK),
        (["xen,linux-initrd", "xen,multiboot-module"], RAMDISK),
        (["xen,xsm-policy", "multiboot,module"], XSM),
        (["xen,xsm-policy", "xen,multiboot-module"], XSM),
        (["multiboot,device-tree", "multiboot,module"], DEVICE_TREE),
        (["multiboot,kernel"], None),
        (["something,else"], None),
    ],
)
def test_compatibles(core: Any, compatible: list[str], kind: int | None) -> None:
    node = {"compatible": compatible, "reg": [0, 0x50000000, 0, 0x1000]}
    rc, found, _ = find(core, chosen({"module@50000000": node}))
    assert rc == 0
    assert kinds(found) == ([] if kind is None else [(kind, 0x50000000, 0x1000)])


def test_untyped_in_order(core: Any) -> None:
    tree = chosen(
        {
            "module@1": module("xen,xsm-policy", 0x1000),
            "module@2": module(None, 0x2000),
            "module@3": module("multiboot,device-tree", 0x3000),
            "domU": {"compatible": "xen,domain", "module@6": module(None, 0x6000)},
            "module@4": module(None, 0x4000),
            "module@5": module(None, 0x5000),
        }
    )
    rc, found, _ = find(core, tree)
    assert rc == 0
    assert [m[0] for m in kinds(found)] == [XSM, KERNEL, DEVICE_TREE, OTHER, RAMDISK, OTHER]


def test_domains_are_kept_apart(core: Any) -> None:
    cells = {"#address-cells": 1, "#size-cells": 1}
    guest = {
        "compatible": "xen,domain",
        **cells,
        "module@0": {
            "compatible": ["multiboot,kernel", "multiboot,module"],
            "reg": [0x9000, 0x10],
            "bootargs": "g",
        },
    }
    rc, found, tree = find(
        core, chosen({"bootargs": "b", "domU1": guest, "k": module("multiboot,kernel", 0x8000)})
    )
    assert rc == 0
    domain = core.lib.dt_path(tree, b"/chosen/domU1")
    mine = core.lib.modules_get(found, core.ffi.NULL, KERNEL)
    theirs = core.lib.modules_get(found, domain, KERNEL)
    assert (mine.start, theirs.start, core.text(theirs.bootargs)) == (0x8000, 0x9000, "g")
    assert core.lib.modules_get(found, domain, RAMDISK) == core.ffi.NULL
    # a guest's bootargs do not make the plain ones Xen's
    assert core.text(found.xen_cmdline) == ""
    assert core.text(found.dom0_cmdline) == "b"


def wanted_lines(xen: bool, dom0: bool, plain: bool, own: bool) -> tuple[str, str]:
    """booting.txt, "Command lines", as a table; and the order of Xen's code where two apply."""
    for_dom0 = "d" if dom0 else "m" if own else "b" if plain else ""
    for_xen = "x" if xen else "b" if plain and (dom0 or own) else ""
    return for_xen, for_dom0


@pytest.mark.parametrize(("xen", "dom0", "plain", "own"), list(product([False, True], repeat=4)))
def test_command_lines(core: Any, xen: bool, dom0: bool, plain: bool, own: bool) -> None:
    content: dict[str, Any] = {}
    if xen:
        content["xen,xen-bootargs"] = "x"
    if dom0:
        content["xen,dom0-bootargs"] = "d"
    if plain:
        content["bootargs"] = "b"
    content["m"] = module(None, 0x1000) | ({"bootargs": "m"} if own else {})
    rc, found, tree = find(core, chosen(content))
    assert rc == 0
    lines = core.text(found.xen_cmdline), core.text(found.dom0_cmdline)
    assert lines == wanted_lines(xen, dom0, plain, own)
    assert core.text(core.lib.modules_xen_cmdline(tree)) == lines[0]


def test_empty_and_damaged_bootargs(core: Any) -> None:
    kernel = module(None, 0x1000, bootargs="")
    _, found, _ = find(core, chosen({"bootargs": "b", "m": kernel}))
    assert (core.text(found.xen_cmdline), core.text(found.dom0_cmdline)) == ("", "b")
    _, found, _ = find(core, chosen({"xen,xen-bootargs": b"no end", "m": module(None, 0x1000)}))
    assert core.text(found.xen_cmdline) == ""


def test_inherited_and_narrow_cells(core: Any) -> None:
    rc, found, _ = find(core, chosen({"m": module(None, 0x1_5000_0000)}, cells=False))
    assert (rc, kinds(found)) == (0, [(KERNEL, 0x1_5000_0000, 0x1000)])
    narrow = {
        "#address-cells": 1,
        "#size-cells": 1,
        "m": {"compatible": "multiboot,module", "reg": [0x5000, 7]},
    }
    rc, found, _ = find(core, {"chosen": narrow})
    assert (rc, kinds(found)) == (0, [(KERNEL, 0x5000, 7)])


def test_linux_initrd(core: Any) -> None:
    initrd = {"linux,initrd-start": [0, 0x48000000], "linux,initrd-end": 0x48800000}
    _, found, _ = find(core, chosen(initrd | {"m": module(None, 0x1000)}))
    assert kinds(found)[1] == (RAMDISK, 0x48000000, 0x800000)
    _, found, _ = find(core, chosen(initrd | {"m": module("multiboot,ramdisk", 0x1000)}))
    assert len(kinds(found)) == 1
    for end in (0x48000000, 0x47000000):
        _, found, _ = find(core, chosen(initrd | {"linux,initrd-end": end}))
        assert found.count == 0


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ({}, ENODEV, "no /chosen"),
        (chosen({"m@1": {"compatible": "multiboot,module"}}), EINVAL, "/chosen/m@1: no usable reg"),
        (
            chosen({"m": {"compatible": "multiboot,module", "reg": [1, 2, 3]}}),
            EINVAL,
            "no usable reg",
        ),
        (chosen({"#address-cells": 9, "m": module(None, 1)}), EINVAL, "no usable reg"),
        (chosen({f"m{i}": module(None, 1) for i in range(65)}), ENOSPC, "More than 64"),
    ],
)
def test_faults_of_form(core: Any, content: dict[str, Any], error: int, message: str) -> None:
    rc, _, _ = find(core, content)
    assert rc == -error
    assert message in " ".join(core.log())


def check(
    core: Any, content: dict[str, Any], reserved: list[tuple[int, int]] | None = None
) -> tuple[int, list[str]]:
    """Result of modules_check and what it printed."""
    tree = core.tree(content, reserved or [])
    found = core.ffi.new("struct boot_modules *")
    assert core.lib.modules_find(tree, found) == 0
    ranges = core.ffi.new("struct range[1]", [RAM])
    ram = core.ffi.new("struct rangeset *", {"ranges": ranges, "count": 1, "capacity": 1})
    layout = core.ffi.new(
        "struct modules_layout *",
        {
            "ram": ram,
            "image_start": 0x40200000,
            "image_end": 0x40240000,
            "fdt_start": 0x48000000,
            "fdt_end": 0x48010000,
        },
    )
    rc = core.lib.modules_check(tree, found, layout)
    return rc, core.log()


FIRMWARE = {
    "reserved-memory": {
        "#address-cells": 2,
        "#size-cells": 2,
        "ranges": True,
        "tee@7e000000": {"reg": [0, 0x7E000000, 0, 0x1000000]},
    }
}


def test_good_layout(core: Any) -> None:
    tree = chosen(
        {
            "kernel@50000000": module("multiboot,kernel", 0x50000000, 0x23EA000),
            "ramdisk@58000000": module("multiboot,ramdisk", 0x58000000, 0x1234567),
        }
    )
    # what U-Boot adds: reservations of the tree and of the ramdisk it knows
    reserved = [(0x48000000, 0x10000), (0x58000000, 0x1234567)]
    assert check(core, tree | FIRMWARE, reserved) == (0, [])


@pytest.mark.parametrize(
    ("at", "size", "message"),
    [
        (0x50000000, 0, "its size is 0"),
        (0x7FFFF000, 0x2000, "is not all in RAM"),
        (0x1000, 0x2000, "is not all in RAM"),
        (0xFFFFFFFFFFFFF000, 0x2000, "is not all in RAM"),
        (0x4023F000, 0x1000, "lies over the hypervisor at 0x40200000-0x40240000"),
        (0x47FFF000, 0x1001, "lies over the device tree"),
        (0x7DFFF000, 0x2000, "lies over tee@7e000000 at 0x7e000000-0x7f000000"),
        (0x58000800, 0x1000, "lies over ramdisk at 0x58000000-0x58001000"),
        (0x59000000, 0x1000, "lies over /memreserve/"),
    ],
)
def test_faults_of_place(core: Any, at: int, size: int, message: str) -> None:
    tree = chosen(
        {
            "r": module("multiboot,ramdisk", 0x58000000),
            "kernel@0": module("multiboot,kernel", at, size),
        }
    )
    rc, lines = check(core, tree | FIRMWARE, [(0x58FFF000, 0x3000)])
    assert rc == -EINVAL
    assert len(lines) == 1
    assert lines[0].startswith(f"Boot module /chosen/kernel@0, kernel at {at:#x}, ")
    assert message in lines[0]
