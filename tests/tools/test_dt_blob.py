# SPDX-License-Identifier: Apache-2.0
"""Device trees: exact, and clear about what is wrong with a blob."""

from __future__ import annotations

import contextlib
import struct

import fdt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenolith.dt import blob, chosen
from xenolith.errors import UserError


@pytest.fixture
def sample() -> bytes:
    tree = fdt.FDT(entries=[{"address": 0x1000, "size": 0x2000}])
    tree.header.version = 17
    node = tree.get_node("/chosen", create=True)
    blob.set_strings(node, "stdout-path", "/uart")
    blob.set_bytes(node, "empty", b"")
    blob.set_bytes(node, "odd", b"\0\x01\0")
    blob.set_strings(node, "list", "a", "", "b")
    return blob.serialize(tree)


def test_round_trip_is_exact(sample: bytes) -> None:
    tree = blob.parse(sample)
    node = tree.get_node("/chosen")
    assert blob.get_bytes(node, "list") == b"a\0\0b\0"
    assert blob.get_bytes(node, "odd") == b"\0\x01\0"
    assert blob.get_bytes(node, "empty") == b""
    assert blob.get_bytes(node, "absent") is None
    assert blob.get_string(node, "stdout-path") == "/uart"
    assert tree.entries == [{"address": 0x1000, "size": 0x2000}]
    assert blob.serialize(tree) == sample
    assert blob.parse(blob.serialize(fdt_without_reservations())).entries == []


def fdt_without_reservations() -> fdt.FDT:
    tree = fdt.FDT(entries=[])
    tree.header.version = 17
    return tree


def test_padding_and_nops_are_accepted(sample: bytes) -> None:
    assert blob.serialize(blob.parse(sample + bytes(4096))) == sample
    nop = struct.pack(">I", blob.NOP)
    (struct_at,) = struct.unpack_from(">I", sample, 8)
    data = bytearray(sample[:struct_at] + nop + sample[struct_at:])
    for offset in (4, 12, 36):  # total size, strings offset, structure size
        (value,) = struct.unpack_from(">I", data, offset)
        struct.pack_into(">I", data, offset, value + 4)
    assert blob.serialize(blob.parse(bytes(data))) == sample


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: b"", "too few"),
        (lambda d: b"\0" * 64, "magic"),
        (lambda d: d[:-8], "truncated"),
        (lambda d: d[:20] + struct.pack(">II", 99, 99) + d[28:], "version"),
        (lambda d: d[:12] + struct.pack(">I", 1 << 30) + d[16:], "outside"),
        (lambda d: d[:36] + struct.pack(">I", 8), "truncated"),
    ],
)
def test_damage_is_named(sample: bytes, change, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(blob.BadBlob, match=message):
        blob.parse(change(sample))


@given(st.data())
def test_no_damage_gets_past_the_checks(data: st.DataObject) -> None:
    tree = fdt_without_reservations()
    blob.set_strings(tree.get_node("/a/b", create=True), "p", "text")
    good = bytearray(blob.serialize(tree))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(UserError):
        blob.parse(bytes(good))


def test_modules(sample: bytes) -> None:
    tree = blob.parse(sample)
    modules = [
        chosen.Module(chosen.KERNEL, 0x1_5000_0000, 0x1234, "console=hvc0"),
        chosen.Module(chosen.RAMDISK, 0x5800_0000, 5),
    ]
    chosen.add_modules(tree, "dom0_mem=1G", modules)
    node = tree.get_node("/chosen")
    assert blob.get_string(node, "xen,xen-bootargs") == "dom0_mem=1G"
    kernel = tree.get_node("/chosen/module@150000000")
    assert blob.get_bytes(kernel, "reg") == struct.pack(">4I", 1, 0x5000_0000, 0, 0x1234)
    assert blob.get_bytes(kernel, "compatible") == b"multiboot,kernel\0multiboot,module\0"
    assert blob.get_string(kernel, "bootargs") == "console=hvc0"
    assert blob.get_bytes(tree.get_node("/chosen/module@58000000"), "bootargs") is None


@pytest.mark.parametrize("text", ["ä", "a\0b"])
def test_command_lines_are_plain_text(text: str) -> None:
    with pytest.raises(UserError, match="ASCII"):
        chosen.add_modules(fdt_without_reservations(), text, [])
