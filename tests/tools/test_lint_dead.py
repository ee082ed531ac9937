# SPDX-License-Identifier: Apache-2.0
"""The rule on functions that no image has finds them in maps, and leaves used ones alone."""

from __future__ import annotations

import pytest

from xenolith.lint import dead

MAP = """
Discarded input sections

 .text          0x0000000000000000        0x0 out/obj/xen/a.c.o
 .text.idle     0x0000000000000000       0x10 out/obj/xen/a.c.o
 .text.of_one_port.isra.0
                0x0000000000000000       0x1c out/obj/xen/a.c.o
 .text.private  0x0000000000000000        0x8 out/obj/arch/arm64/b.c.o

Memory Configuration

 .text.used     0x0000000000000000        0x8 out/obj/xen/a.c.o
"""


def test_functions_in_no_image() -> None:
    arm64 = dead.read_map(MAP, "out/obj", ["xen/a.c", "arch/arm64/b.c"])
    riscv = dead.read_map(MAP.replace("of_one_port", "idle"), "out/obj", ["xen/a.c"])
    assert ("xen/a.c", "of_one_port") in arm64.discarded
    assert ("xen/a.c", "used") not in arm64.discarded
    why = "in no image: delete it, or make it static"
    private, idle = f"arch/arm64/b.c:private: {why}", f"xen/a.c:idle: {why}"
    assert dead.check([arm64, riscv], []) == [private, idle]
    assert dead.check([arm64, riscv], ["xen/a.c:idle"]) == [private]
    assert dead.check([arm64, riscv], ["arch/arm64/b.c"]) == [idle]
    gone = ["xen/a.c", "arch/arm64/b.c", "xen/gone.c:f"]
    assert dead.check([arm64, riscv], gone) == ["tests/lint/allow.toml: no file of xen/gone.c:f"]
    with pytest.raises(ValueError, match="does not say"):
        dead.read_map("lld's", "out/obj", [])
    with pytest.raises(ValueError, match=r"f: .* needs its reason"):
        dead.parse_kept('[[keep]]\nwhat = "f"\n')
