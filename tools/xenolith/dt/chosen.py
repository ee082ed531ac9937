# SPDX-License-Identifier: Apache-2.0
"""Boot modules in /chosen, as Xen's docs/misc/arm/device-tree/booting.txt has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xenolith.dt import blob

KERNEL = ("multiboot,kernel", "multiboot,module")
RAMDISK = ("multiboot,ramdisk", "multiboot,module")


@dataclass(frozen=True)
class Module:
    """Something in memory that the hypervisor finds by its node; addresses and sizes in bytes."""

    compatible: tuple[str, ...]
    address: int
    size: int
    bootargs: str | None = None


def add_modules(tree: Any, hypervisor_args: str, modules: Sequence[Module]) -> None:
    """Give /chosen the hypervisor's command line and a node for each module. Raises UserError."""
    chosen = tree.get_node("/chosen", create=True)
    blob.set_strings(chosen, "xen,xen-bootargs", hypervisor_args)
    blob.set_cells(chosen, "#address-cells", 2)
    blob.set_cells(chosen, "#size-cells", 2)
    for module in modules:
        node = tree.get_node(f"/chosen/module@{module.address:x}", create=True)
        blob.set_strings(node, "compatible", *module.compatible)
        halves = [*divmod(module.address, 1 << 32), *divmod(module.size, 1 << 32)]
        blob.set_cells(node, "reg", *halves)
        if module.bootargs is not None:
            blob.set_strings(node, "bootargs", module.bootargs)
