# SPDX-License-Identifier: Apache-2.0
"""xenolith.bench.windows: what the plugin is told and what it says; no machine is started."""

from __future__ import annotations

from pathlib import Path

from xenolith.bench import windows
from xenolith.bench.windows import Cost
from xenolith.boards import find

BOARD = find("qemu-virt-riscv64")


def test_options_name_who_is_where() -> None:
    name, value = windows.options(BOARD, Path("/a,b/windows.so"), Path("/tmp/x,y/out"))
    assert name == "-plugin"
    assert value.startswith("/a,,b/windows.so,firmware=80000000:80080000,hypervisor=80200000:")
    assert "hypervisor=fffffffe00000000:fffffffe40000000" in value
    assert value.endswith(",out=/tmp/x,,y/out")


def test_the_middle_cost_of_what_is_warm() -> None:
    warm_up = "5 1 900 0\n" * windows.WARM_UP
    text = warm_up + "5 1 30 0\n5 1 10 0\n5 1 10 5\n" + "127 7 2000 13000\n"
    costs = windows.parse(text)
    assert costs == {5: Cost(10, 5), 127: Cost(2000, 13000)}
    assert costs[5].total == 15


def test_the_plugin_compiles() -> None:
    assert windows.plugin().stat().st_size > 0
