# SPDX-License-Identifier: Apache-2.0
"""Boards are checked when made; the registry names those there are."""

from __future__ import annotations

import dataclasses
import struct
from pathlib import Path

import fdt
import pytest

from xenolith.boards import Board, Tree, Uart, boards, find
from xenolith.boards.registry import DEFAULT, load_file
from xenolith.dom0 import image
from xenolith.dt import blob
from xenolith.errors import UserError
from xenolith.lab import qemu
from xenolith.system.model import System


def test_default_board_exists() -> None:
    assert DEFAULT in boards()


def test_wrong_board_names_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"no board 'pi'; there are: .*qemu-virt-arm64") as caught:
        find("pi")
    assert caught.value.code == 2


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"arch": "mips"},
        {"smp": 0},
        {"smp": 99},
        {"memory": 1},
        {"dom0_memory": 1 << 20},
        {"kernel_addr": 0x50000001},
        {"kernel_addr": 0x10000000},
        {"initrd_addr": 0xF0000000},
        {"console": "uart"},
    ],
)
def test_bad_facts_are_refused(board: Board, change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="board"):
        dataclasses.replace(board, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        (Uart("ns1655", 0x1000), r"early_uart.kind is 'ns1655': write 'pl011' or 'ns16550'"),
        (Uart("pl011", 0), "early_uart.base is 0x0: write the address"),
        (Uart("pl011", 0x1002), "early_uart.base is 0x1002: .* a multiple of 4"),
        (Uart("pl011", "0x1000"), "early_uart.base is '0x1000': write"),  # type: ignore[arg-type]
        (Uart("pl011", 0x1000, width=4), "early_uart.shift or width is given: leave both away"),
        (Uart("ns16550", 0x1000, shift=4), "early_uart.shift is 4: write 0 to 3"),
        (Uart("ns16550", 0x1000, width=2), "early_uart.width is 2: write 1 or 4"),
        ("ns16550", r"early_uart is 'ns16550': write Uart\(kind, base\)"),
    ],
)
def test_a_wrong_uart_says_what_to_write(board: Board, wrong: object, remedy: str) -> None:
    with pytest.raises(ValueError, match=f"^board '{board.name}': {remedy}"):
        dataclasses.replace(board, early_uart=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("written", ["earlyuart=None", 'early_uart=Uart("ns16550", 1, shfit=2)'])
def test_a_mistyped_fact_is_refused(tmp_path: Path, written: str) -> None:
    path = tmp_path / "qemu-virt" / "board.py"
    path.parent.mkdir()
    path.write_text(
        "import dataclasses\nfrom xenolith.boards import Uart, find\n"
        f"BOARDS = (dataclasses.replace(find('qemu-virt-arm64'), {written}),)\n"
    )
    with pytest.raises(UserError, match=r"board.py:3: TypeError: .*'(earlyuart|shfit)'"):
        load_file(path)


def test_a_file_of_another_family_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pi" / "board.py"
    path.parent.mkdir()
    path.write_text("from xenolith.boards import find\nBOARDS = (find('qemu-virt-arm64'),)\n")
    with pytest.raises(UserError, match="family 'pi'"):
        load_file(path)


def test_qemu_command(board: Board) -> None:
    command = board.qemu.command(4, 1024)
    assert command[0] == board.qemu.binary
    assert command[command.index("-smp") + 1] == "4"
    assert command[command.index("-m") + 1] == "1024M"


def test_a_fixed_machine_is_not_another() -> None:
    board, none = find("rpi4"), Path()
    assert board.qemu.console == ["-serial", "null", "-serial", "stdio"]
    assert board.ram_end(2048) == 960 << 20
    System(board, none, none, none, 4, 2048)
    with pytest.raises(UserError, match="rpi4 has 4 CPUs, not 2"):
        System(board, none, none, none, 2, 2048)
    with pytest.raises(UserError, match="rpi4 has at most 2048 MiB of memory, not 4096"):
        System(board, none, none, none, 4, 4096)


def test_a_kernels_tree_is_adapted_to_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    base = find("rpi4")
    tree = blob.parse(blob.serialize(fdt.FDT()))
    for path in ("/soc/usb", "/soc/hdmi"):
        blob.set_strings(tree.get_node(path, create=True), "supply", "switch")
    blob.set_cells(tree.root, "#address-cells", 2)
    monkeypatch.setattr(image, "device_tree", lambda arch, file: blob.serialize(tree))
    changed = (("/soc/usb", "supply", None), ("/soc/none", "supply", None), ("/soc", "x", b"\1"))
    source = Tree("board.dtb", ("/soc/hdmi", "/soc/none"), changed)
    board = dataclasses.replace(base, qemu=dataclasses.replace(base.qemu, tree=source))
    made = blob.parse(qemu.base_tree(board, 4, 2048))
    assert not made.exist_property("supply", "/soc/usb")
    assert not made.exist_node("/soc/none")
    assert blob.get_bytes(made.get_node("/soc"), "x") == b"\1"
    assert blob.get_string(made.get_node("/soc/hdmi"), "status") == "disabled"
    # Two cells of address, one of size: the second GiB.
    assert blob.get_bytes(made.get_node("/ram@40000000"), "reg") == struct.pack(
        ">3I", 0, 0x4000_0000, 0x4000_0000
    )
