# SPDX-License-Identifier: Apache-2.0
"""A board with every kind of node, for the tests of device trees."""

from __future__ import annotations

from typing import Any

import pytest

GIC, NEXUS, ODD, LOOP_A, LOOP_B, WIDE = 1, 2, 3, 4, 5, 6

BOARD = {
    "#address-cells": 2,
    "#size-cells": 2,
    "interrupt-parent": GIC,
    "chosen": {"stdout-path": "serial0:115200n8"},
    "aliases": {"serial0": "/soc/serial@1000"},
    "intc@8000000": {
        "phandle": GIC,
        "#interrupt-cells": 3,
        "#address-cells": 2,
        "interrupt-controller": True,
        "reg": [0, 0x8000000, 0, 0x10000, 0, 0x8010000, 0, 0x10000],
        "reg-names": ["dist", "cpu"],
    },
    "memory@40000000": {"device_type": "memory", "reg": [0, 0x40000000, 0, 0x8000000, 1, 0, 2, 0]},
    "memory@0": {"device_type": "memory", "reg": [0, 0, 0, 0x1000], "status": "disabled"},
    "reserved-memory": {
        "#address-cells": 2,
        "#size-cells": 2,
        "ranges": True,
        "fw@41000000": {"reg": [0, 0x41000000, 0, 0x1000], "no-map": True},
        "pool": {"size": [0, 0x1000]},
        "off@42000000": {"reg": [0, 0x42000000, 0, 0x1000], "status": "disabled"},
    },
    "cpus": {
        "#address-cells": 1,
        "#size-cells": 0,
        "cpu-map": {},
        "cpu@0": {"device_type": "cpu", "reg": 0, "enable-method": "psci"},
        "cpu@1": {"device_type": "cpu", "reg": 1, "status": "fail"},
        "cpu@2": {"device_type": "cpu", "reg": 2, "status": "disabled"},
        "cpu@100": {
            "device_type": "cpu",
            "reg": 0x100,
            "status": "disabled",
            "enable-method": "spin-table",
            "cpu-release-addr": [0, 0xD8],
        },
        "cpu@101": {"device_type": "cpu", "reg": 0x101},
    },
    "soc": {
        "#address-cells": 1,
        "#size-cells": 1,
        "compatible": ["simple-bus"],
        "ranges": [0x0, 0x1, 0xFE000000, 0x100000, 0x40000000, 0x0, 0xFF800000, 0x800000],
        "serial@1000": {
            "compatible": ["vendor,uart", "arm,pl011"],
            "reg": [0x1000, 0x200, 0x40001000, 0x10],
            "interrupts": [0, 1, 4, 0, 2, 4],
            "interrupt-names": ["tx", "rx"],
        },
        "far@7e000000": {"reg": [0x7E000000, 0x10]},
        "edge@fff00": {"reg": [0xFFF00, 0x101]},
        "inner": {
            "#address-cells": 1,
            "#size-cells": 1,
            "ranges": [0x10, 0x2000, 0x100],
            "dev@20": {"reg": [0x20, 0x10]},
        },
        "i2c@3000": {
            "reg": [0x3000, 0x10],
            "#address-cells": 1,
            "#size-cells": 0,
            "rtc@51": {"reg": 0x51},
        },
        "broken": {"reg": [0x3000]},
        "wraps": {
            "#address-cells": 2,
            "#size-cells": 2,
            "x": {"reg": [0xFFFFFFFF, 0xFFFFF000, 0, 0x2000]},
        },
    },
    "nexus": {"phandle": NEXUS, "#interrupt-cells": 1},
    "dev-extended": {"interrupts-extended": [GIC, 1, 13, 8, NEXUS, 7, GIC, 0, 3, 4]},
    "dev-bad-phandle": {"interrupts-extended": [99, 1, 13, 8]},
    "dev-short": {"interrupts-extended": [GIC, 1, 13]},
    "dev-odd": {"interrupts": [1, 2]},
    "dev-own-parent": {"interrupt-parent": NEXUS, "interrupts": [9]},
    "dev-no-parent": {"interrupt-parent": 77, "interrupts": [9]},
    "odd": {"phandle": ODD, "#interrupt-cells": 0},
    "dev-zero-cells": {"interrupt-parent": ODD, "interrupts": [9]},
    "wide": {"phandle": WIDE, "#interrupt-cells": 5},
    "dev-wide": {"interrupt-parent": WIDE, "interrupts": [1, 2, 3, 4, 5]},
    "loop-a": {"phandle": LOOP_A, "interrupt-parent": LOOP_B, "interrupts": [1]},
    "loop-b": {"phandle": LOOP_B, "interrupt-parent": LOOP_A},
    "pcie@10000000": {
        "device_type": "pci",
        "#address-cells": 3,
        "#size-cells": 2,
        "#interrupt-cells": 1,
        "reg": [0x40, 0x10000000, 0, 0x10000000],
        "ranges": [
            *[0x1000000, 0, 0, 0, 0x3EFF0000, 0, 0x10000],
            *[0x2000000, 0, 0x10000000, 0, 0x10000000, 0, 0x2EFF0000],
            *[0x3000000, 0x80, 0, 0x80, 0, 0x80, 0],
        ],
        "interrupt-map": [0, 0, 0, 1, GIC, 0, 0, 0, 3, 4, 0, 0, 0, 2, NEXUS, 5],
        "dev@0,0": {"reg": [0x2000000, 0, 0x10001000, 0, 0x1000]},
    },
}


@pytest.fixture
def board(core: Any) -> Any:
    """The tree above, opened."""
    return core.tree(BOARD, [(0x48000000, 0x1000)])
