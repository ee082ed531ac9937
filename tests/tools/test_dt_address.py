# SPDX-License-Identifier: Apache-2.0
"""What a device tree says of addresses, and partial trees for guests."""

from __future__ import annotations

import struct
import subprocess
from typing import Any

import pytest

from xenolith.dt import address, blob, passthrough
from xenolith.dt.address import Span
from xenolith.errors import UserError

SOURCE = """/dts-v1/;
/memreserve/ 0x1000 0x2000;
/ {
    #address-cells = <2>; #size-cells = <1>; interrupt-parent = <&gic>;
    compatible = "raspberrypi,4-model-b", "brcm,bcm2711";
    memory@0 { device_type = "memory"; reg = <0 0 0x3b400000 0 0x40000000 0xbc000000>; };
    reserved-memory {
        #address-cells = <2>; #size-cells = <1>; ranges;
        one@5000000 { reg = <0 0x5000000 0x1000 0 0x6000000 0x100000>; };
        two@1 { reg = <1 0 0x10000>; };
        cma { size = <0x4000000>; alloc-ranges = <0 0 0x40000000>; };
    };
    gic: interrupt-controller { compatible = "arm,gic-400"; #interrupt-cells = <3>; };
    tick: clock { compatible = "fixed-clock"; #clock-cells = <0>; clock-frequency = <24000000>; };
    other: controlled { compatible = "vendor,clocks"; #clock-cells = <1>; };
    soc {
        compatible = "simple-bus"; #address-cells = <1>; #size-cells = <1>;
        ranges = <0x7e000000 0 0xfe000000 0x1800000>, <0x40000000 0 0xff800000 0x800000>;
        l2: intc@7e00b000 { compatible = "vendor,l2"; reg = <0x7e00b000 0x200>; };
        uart@7e201000 {
            compatible = "arm,pl011"; reg = <0x7e201000 0x200>; interrupts = <0 121 4>;
            clocks = <&tick>; clock-names = "apb"; status = "okay"; dmas = <&l2 1>;
            #address-cells = <1>; #size-cells = <0>;
            child@0 { reg = <0>; label = "inside"; };
        };
        i2c@7e205000 { reg = <0x7e205000 0x1000>; clocks = <&other 1>; iommus = <&l2>; };
        lost@7e300000 { reg = <0x7e300000 0x100>; interrupt-parent = <&l2>; interrupts = <1>; };
        outside@10000000 { reg = <0x10000000 0x100>; };
    };
};
"""


@pytest.fixture(scope="module")
def tree() -> Any:
    """SOURCE, read."""
    command = ["dtc", "-q", "-I", "dts", "-O", "dtb"]
    made = subprocess.run(command, input=SOURCE.encode(), capture_output=True, check=True)
    return blob.parse(made.stdout)


def test_memory_and_what_is_reserved_of_it(tree: Any) -> None:
    assert address.memory(tree) == [
        Span("RAM", 0, 0x3B40_0000),
        Span("RAM", 0x4000_0000, 0xBC00_0000),
    ]
    assert address.reserved(tree) == [
        Span("reserved by the device tree", 0x1000, 0x2000),
        Span("reserved-memory one@5000000", 0x500_0000, 0x1000),
        Span("reserved-memory one@5000000", 0x600_0000, 0x10_0000),
        Span("reserved-memory two@1", 1 << 32, 0x1_0000),
    ]
    assert address.compatible(tree) == ["raspberrypi,4-model-b", "brcm,bcm2711"]


def test_registers_as_the_cpu_sees_them(tree: Any) -> None:
    assert address.regs(tree, "/soc/uart@7e201000") == [(0xFE20_1000, 0x200)]
    with pytest.raises(UserError, match="outside the ranges of soc"):
        address.regs(tree, "/soc/outside@10000000")
    with pytest.raises(UserError, match="CPU's address space"):
        address.regs(tree, "/soc/uart@7e201000/child@0")


def test_lengths_that_make_no_sense() -> None:
    with pytest.raises(UserError, match="not a multiple of 12"):
        address.split(bytes(16), 2, 1, where="reg of x")
    with pytest.raises(UserError, match="multiple"):
        address.split(bytes(16), 0, 0, where="reg of x")


def test_a_partial_tree(tree: Any) -> None:
    made = passthrough.make(tree, ["/soc/uart@7e201000", "/soc/i2c@7e205000"])
    partial = blob.parse(made.data)
    uart = partial.get_node("/passthrough/uart@7e201000")
    assert blob.get_bytes(uart, "reg") == struct.pack(">QQ", 0xFE20_1000, 0x200)
    page = struct.pack(">QQQ", 0xFE20_1000, 0x1000, 0xFE20_1000)
    assert blob.get_bytes(uart, "xen,reg") == page
    assert blob.get_string(uart, "xen,path") == "/soc/uart@7e201000"
    assert blob.get_bytes(uart, "interrupt-parent") == struct.pack(">I", 0xFDE8)
    assert blob.get_bytes(uart, "interrupts") == struct.pack(">III", 0, 121, 4)
    assert uart.exist_property("xen,force-assign-without-iommu")
    assert not uart.exist_property("dmas")
    assert not uart.exist_property("status")
    assert blob.get_string(partial.get_node("/passthrough/uart@7e201000/child@0"), "label")
    clock = partial.get_node("/passthrough/clock")
    assert blob.get_bytes(clock, "phandle") == blob.get_bytes(uart, "clocks")
    i2c = partial.get_node("/passthrough/i2c@7e205000")
    assert not i2c.exist_property("clocks")
    # Behind an IOMMU it is not to be forced.
    assert not i2c.exist_property("xen,force-assign-without-iommu")
    assert any("i2c@7e205000: clocks is left out" in note for note in made.notes)
    assert any("uart@7e201000: dmas is left out" in note for note in made.notes)
    assert any("uart@7e201000: the guest gets whole pages" in note for note in made.notes)


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (["/soc/none"], "no node /soc/none"),
        (["soc"], "no node soc"),
        (["/"], "no node /"),
        (["/soc/lost@7e300000"], "interrupts go to intc@7e00b000"),
        (["/soc/uart@7e201000"] * 2, "two devices"),
    ],
)
def test_what_cannot_be_given(tree: Any, paths: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        passthrough.make(tree, paths)
