# SPDX-License-Identifier: Apache-2.0
"""What /chosen asks for and nobody does: a line for each node, none for what is used."""

from __future__ import annotations

from typing import Any

import pytest


def module(*kinds: str, at: int = 0x50000000, **more: Any) -> dict[str, Any]:
    """A module node."""
    return {"compatible": [*kinds, "multiboot,module"], "reg": [0, at, 0, 0x1000]} | more


def report(core: Any, chosen: dict[str, Any], **top: Any) -> list[str]:
    """What modules_report prints for a tree with dom0's modules and this in /chosen."""
    cells = {"#address-cells": 2, "#size-cells": 2}
    usual = {"k": module("multiboot,kernel"), "r": module("multiboot,ramdisk", at=0x51000000)}
    tree = core.tree(cells | {"chosen": cells | usual | chosen} | top)
    found = core.ffi.new("struct boot_modules *")
    assert core.lib.modules_find(tree, found) == 0
    assert core.log() == []
    core.lib.modules_report(tree, found)
    return list(core.log())


def test_what_is_used_is_not_named(core: Any) -> None:
    usual = {
        "bootargs": "a",
        "xen,xen-bootargs": "b",
        "xen,dom0-bootargs": "c",
        "stdout-path": "/uart",
        "framebuffer": {"compatible": "simple-framebuffer"},
    }
    assert report(core, usual) == []
    assert report(core, {"x": {"compatible": "vendor,xen,multiboot,"}}) == []


@pytest.mark.parametrize(
    "binding",
    [
        "xen,domain",
        "xen,cpupool",
        "xen,domain-shared-memory-v1",
        "xen,evtchn-v1",
        "xen,some-future-thing",
    ],
)
def test_bindings_of_xen(core: Any, binding: str) -> None:
    line = f"/chosen/n@1 ({binding}): not supported yet: ignored"
    assert report(core, {"n@1": {"compatible": binding}}) == [line]
    assert report(core, {"n@1": {"compatible": ["vendor,first", binding]}}) == [line]
    inside = {"compatible": binding, "m": module("multiboot,kernel"), "s": {"compatible": binding}}
    assert report(core, {"n@1": inside}) == [line]  # one line for all that is below
    deep = {"box": {"n@1": {"compatible": binding}}}
    assert report(core, deep) == [line.replace("/n@1", "/box/n@1")]


@pytest.mark.parametrize(
    ("node", "kind", "reason"),
    [
        (module("xen,xsm-policy"), "xen,xsm-policy", "not supported yet"),
        (module("multiboot,device-tree"), "multiboot,device-tree", "not supported yet"),
        (module("multiboot,kernel"), "multiboot,kernel", "another one was found before"),
        (module("xen,linux-initrd"), "xen,linux-initrd", "another one was found before"),
        (
            {"compatible": "multiboot,kernel"},
            "multiboot,kernel",
            "its compatible has no multiboot,module",
        ),
        (module("multiboot,ramdisk", status="disabled"), "multiboot,ramdisk", "status is not okay"),
    ],
)
def test_modules_without_a_user(core: Any, node: Any, kind: str, reason: str) -> None:
    (line,) = report(core, {"z": node})
    assert line.startswith(f"/chosen/z ({kind}): ")
    assert line.endswith(f"{reason}: ignored")


def test_untyped_modules_beyond_the_second(core: Any) -> None:
    untyped = {name: module() for name in ("a", "b", "c")}
    lines = report(core, {"k": {}, "r": {}} | untyped)
    assert lines == [
        "/chosen/c (multiboot,module): its compatible does not say what it is: ignored"
    ]


def test_properties_and_reserved_memory(core: Any) -> None:
    lines = report(core, {"xen,static-heap": [0, 0, 0, 0]})
    assert lines == ["/chosen, property xen,static-heap: not supported yet: ignored"]
    shared = {
        "theirs": {"compatible": "xen,shared-memory-v1"},  # dom0 reads that itself
        "ours": {"compatible": "xen,domain-shared-memory-v1"},
    }
    lines = report(core, {}, **{"reserved-memory": shared})
    assert lines == [
        "/reserved-memory/ours (xen,domain-shared-memory-v1): not supported yet: ignored"
    ]


def test_a_list_of_a_million_strings(core: Any) -> None:
    """Its length is the boot loader's choice: a walk by index would take hours."""
    assert report(core, {"n": {"compatible": b"\0" * (1 << 20)}}) == []
    line = "/chosen/n (xen,domain): not supported yet: ignored"
    assert report(core, {"n": {"compatible": b"a\0" * (1 << 19) + b"xen,domain\0"}}) == [line]
    assert report(core, {"n": {"compatible": b"a\0xen,domain"}}) == []
