# SPDX-License-Identifier: Apache-2.0
"""Devices of the machine that a run leaves to guests: --passthrough PATH.

dom0 finds, for each, the partial device tree and the lines of an xl.cfg that give it to a guest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xenolith.dom0 import cpio
from xenolith.dt import address, blob, controllers, passthrough
from xenolith.errors import UserError

FOLDER = "etc/xen/devices"


def give(base: bytes, paths: Sequence[str]) -> tuple[bytes, list[cpio.Entry]]:
    """The machine's tree with these nodes marked for guests, and dom0's files. Raises UserError."""
    if not paths:
        return base, []
    tree = blob.parse(base)
    found = [cpio.directory(FOLDER)]
    for path in paths:
        if not tree.exist_node(path):
            raise UserError(f"--passthrough {path}: the machine's device tree has no such node", 2)
        name = f"{FOLDER}/{path.rpartition('/')[2]}"
        partial = controllers.add(passthrough.make(tree, [path]).data, tree)
        found.append(cpio.file(f"{name}.dtb", partial))
        found.append(cpio.file(f"{name}.cfg", settings(tree, path).encode()))
    for path in paths:
        blob.set_bytes(tree.get_node(path), "xen,passthrough", b"")
    return blob.serialize(tree), found


def settings(tree: Any, path: str) -> str:
    """The lines of an xl.cfg. Registers are where they are on the host, in whole pages."""
    pages = [passthrough.pages(*row) for row in address.regs(tree, path)]
    frames = ", ".join(f'"{start >> 12:#x},{size >> 12:x}"' for start, size, _ in pages)
    numbers = ", ".join(map(str, passthrough.interrupts(tree, path)))
    name = path.rpartition("/")[2]
    return f'device_tree = "/{FOLDER}/{name}.dtb"\niomem = [ {frames} ]\nirqs = [ {numbers} ]\n'
