# SPDX-License-Identifier: Apache-2.0
"""A dom0 on the Pi whose devices do DMA at an offset: bus address = physical + 0xc0000000, 1 GiB.

The bus masters are the USB controller (DWC2) with a stick and a network card, the DMA engine with
the SD card, and the firmware's mailbox. What Linux maps is in its trace events, what the USB
controller accesses in QEMU's; data are compared on both sides. QEMU has RAM at each multiple of
1 GiB of the bus, as a board has: an offset that is forgotten altogether is seen only in the
addresses, any other in the data too.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from socketserver import StreamRequestHandler, TCPServer

import pytest

from xenolith.boards import Board
from xenolith.dom0 import image
from xenolith.dt import blob
from xenolith.lab.dma import Access, Mapping, mappings, usb_accesses
from xenolith.lab.report import Report, until
from xenolith.system.model import System

pytestmark = [pytest.mark.slow, pytest.mark.families("rpi4")]

Boot = Callable[..., Report]
MakeSystem = Callable[..., System]
Change = tuple[str, str, bytes | None]

OFFSET = 0xC000_0000
REACH = 1 << 30
BUS = range(OFFSET, OFFSET + REACH)
CACHE_LINE = 64
SIZE = 4 << 20
"""Bytes written and read on each disk, and sent."""
FETCHED = SIZE // 4
"""Bytes got by TFTP, which waits for an answer to each packet."""
BLOCKS = SIZE >> 16
USB = "fe980000.usb"
SD_HOST = "/soc/mmc@7e202000"
DMA_ENGINE = "/soc/dma-controller@7e007000"

STICK = {
    "stick": until("[ -b /dev/sda ]"),
    "random": f"head -c {SIZE} /dev/urandom >/run/random && sha256sum </run/random",
    "trace": "cd /sys/kernel/tracing && mount -t tracefs tracefs . && cd . &&"
    " echo xen_swiotlb_map_page >set_ftrace_filter && echo function >current_tracer &&"
    " for event in swiotlb dma/dma_map_page dma/dma_map_sg;"
    " do echo 1 >events/$event/enable || exit; done",
    "stick-read": f"dd if=/dev/sda bs=64k count={BLOCKS} | sha256sum",
    "stick-write": f"dd if=/run/random of=/dev/sda bs=64k seek={BLOCKS} conv=fsync",
}
CARD = {
    "card": until("[ -b /dev/mmcblk? ]"),
    "card-read": f"dd if=$(echo /dev/mmcblk?) bs=64k count={BLOCKS} | sha256sum",
    "card-write": f"dd if=/run/random of=$(echo /dev/mmcblk?) bs=64k seek={BLOCKS} conv=fsync",
}
MAPS = "cd /sys/kernel/tracing && echo 0 >tracing_on && cat trace"
COMMANDS = {
    "ranges": 'hexdump -v -e \'4/1 "%02x" " "\' /proc/device-tree/soc/dma-ranges',
    "ram": "grep 'System RAM' /proc/iomem",
    "features": "cat /sys/hypervisor/properties/features",
    "kernel": "dmesg",
    **STICK,
    "maps": MAPS,
    **CARD,
    "tftp": "tftp -g -b 1468 -l /run/got -r served 10.0.2.2 && sha256sum </run/got",
    "upload": "nc 10.0.2.2 {port} </run/random",
}


@dataclass
class Devices:
    """What is attached to the machine, and what came out of it."""

    folder: Path
    received: bytes = b""
    port: int = 0
    content: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for seed, name in enumerate(("stick", "card", "served")):
            self.content[name] = Random(seed).randbytes(FETCHED if name == "served" else SIZE)
            # The second half of a disk is for what dom0 writes.
            tail = b"" if name == "served" else bytes(SIZE)
            (self.folder / name).write_bytes(self.content[name] + tail)

    def options(self, board: Board) -> list[str]:
        """QEMU's options for them, and for a log of what the USB controller accesses."""
        return [
            *("-netdev", f"user,id=net0,tftp={self.folder}", *board.qemu.network[2:]),
            *("-drive", f"if=none,id=stick,format=raw,file={self.folder}/stick"),
            *("-device", "usb-storage,drive=stick"),
            *("-drive", f"if=sd,format=raw,file={self.folder}/card"),
            *("-trace", "usb_dwc2_memory_*", "-D", f"{self.folder}/accesses"),
        ]

    def written(self, name: str) -> str:
        """SHA-256 of the half that dom0 has written."""
        return digest((self.folder / name).read_bytes()[SIZE:])

    def accesses(self) -> list[Access]:
        """What the USB controller did."""
        return usb_accesses((self.folder / "accesses").read_text())

    @contextmanager
    def receiving(self) -> Iterator[None]:
        """A server, on a port of its own, that keeps what a client sends."""
        devices = self

        class Handler(StreamRequestHandler):
            def handle(self) -> None:
                devices.received = self.rfile.read()

        with TCPServer(("127.0.0.1", 0), Handler) as server:
            self.port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                thread.join()


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def is_direct(mapping: Mapping) -> bool:
    """True if the device accesses the memory itself, not a copy in the bounce buffer."""
    return mapping.bus == mapping.physical + OFFSET


def ram(report: Report) -> list[range]:
    found = re.findall(r"^(\w+)-(\w+) : System RAM", report["ram"], re.MULTILINE)
    return [range(int(first, 16), int(last, 16) + 1) for first, last in found]


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory) -> Devices:
    return Devices(tmp_path_factory.mktemp("devices"))


@pytest.fixture(scope="module")
def report(make_system: MakeSystem, boot: Boot, board: Board, devices: Devices) -> Report:
    with devices.receiving():
        commands = {
            name: text.replace("{port}", str(devices.port)) for name, text in COMMANDS.items()
        }
        return boot(make_system(smp=4), "test-dma", commands, devices.options(board))


def test_linux_knows_the_offset(report: Report) -> None:
    assert report["ranges"].split() == ["c0000000", "00000000", "00000000", "40000000"]
    assert int(report["features"], 16) & (1 << 17), "XENFEAT_direct_mapped"
    assert all(part.stop <= REACH for part in ram(report))
    (first, last) = re.findall(r"^\[.*?\]   DMA +\[mem (\w+)-(\w+)\]", report["kernel"], re.M)[0]
    assert int(last, 16) < REACH and int(first, 16) in ram(report)[0]
    assert "Attached to firmware" in report["kernel"]


def test_linux_maps_with_the_offset(report: Report) -> None:
    made = mappings(report["maps"], USB)
    assert sum(m.size for m in made if is_direct(m)) >= 2 * SIZE
    # A buffer that shares a cache line with others is copied, because DMA is not coherent.
    assert all(is_direct(m) or m.size < CACHE_LINE for m in made)
    assert all(m.bus in BUS for m in made)
    assert report["maps"].count("xen_swiotlb_map_page <-") >= len(made)


def test_the_controller_accesses_dom0_at_the_offset(report: Report, devices: Devices) -> None:
    found = devices.accesses()
    assert sum(a.size for a in found if a.way == "read") >= 2 * SIZE
    assert sum(a.size for a in found if a.way == "write") >= SIZE + FETCHED
    for access in found:
        first, last = access.bus - OFFSET, access.bus - OFFSET + access.size - 1
        assert any(first in part and last in part for part in ram(report))


@pytest.mark.parametrize("name", ["stick", "card"])
def test_data_are_intact(report: Report, devices: Devices, name: str) -> None:
    assert report[f"{name}-read"].split()[0] == digest(devices.content[name])
    assert report.results[f"{name}-write"].status == 0
    assert devices.written(name) == report["random"].split()[0]


def test_the_network_is_intact(report: Report, devices: Devices) -> None:
    assert report["tftp"].split()[0] == digest(devices.content["served"])
    assert report.results["upload"].status == 0
    assert digest(devices.received) == report["random"].split()[0]


def changed(system: System, *changes: Change) -> System:
    """The same on a machine whose device tree has these properties (None: not)."""
    qemu = system.board.qemu
    assert qemu.tree
    tree = replace(qemu.tree, changed=(*qemu.tree.changed, *changes))
    return replace(system, board=replace(system.board, qemu=replace(qemu, tree=tree)))


def card_by_dma(board: Board) -> list[Change]:
    """The card in the host that the DMA engine serves; the usual one has none in QEMU."""
    assert board.qemu.tree
    tree = blob.parse(image.device_tree(board.debian_arch, board.qemu.tree.file))
    handles = (DMA_ENGINE, "/soc/gpio@7e200000/sdhost-gpio48")
    engine, pins = (blob.get_bytes(tree.get_node(path), "phandle") for path in handles)
    assert engine and pins
    request = 13  # the line by which the SD host asks for data
    return [
        ("/soc/mmc@7e300000", "status", b"disabled\0"),
        (SD_HOST, "status", b"okay\0"),
        (SD_HOST, "pinctrl-names", b"default\0"),
        (SD_HOST, "pinctrl-0", pins),
        (SD_HOST, "dma-names", b"rx-tx\0"),
        (SD_HOST, "dmas", engine + request.to_bytes(4, "big")),
    ]


def test_memory_out_of_reach_is_bounced(
    make_system: MakeSystem, boot: Boot, board: Board, tmp_path: Path
) -> None:
    """Most of this dom0's memory is above the first GiB. The card is read by the DMA engine."""
    devices = Devices(tmp_path)
    system = make_system(smp=4, xen_args="dom0_mem=1400M")
    report = boot(
        changed(system, *card_by_dma(board)),
        "test-dma-bounce",
        {"engine": CARD["card"] + "dmesg", **STICK, **CARD, "maps": MAPS},
        devices.options(board),
    )
    assert report.error is None
    assert "sdhost-bcm2835 fe202000.mmc: loaded - DMA enabled" in report["engine"]
    for master in (USB, "fe007000.dma-controller"):
        copied = [m for m in mappings(report["maps"], master) if not is_direct(m)]
        assert sum(m.size for m in copied if m.physical >= REACH) >= SIZE
        assert all(m.bus in BUS for m in mappings(report["maps"], master))
    assert report["maps"].count("swiotlb_bounced:") >= len(copied)
    assert all(access.bus in BUS for access in devices.accesses())
    for name in ("stick", "card"):
        assert report[f"{name}-read"].split()[0] == digest(devices.content[name])
        assert devices.written(name) == report["random"].split()[0]


def test_a_wrong_offset_is_seen(
    make_system: MakeSystem, boot: Boot, board: Board, tmp_path: Path
) -> None:
    """Neither the firmware's mailbox nor the USB controller finds what Linux has prepared.

    USB without its power domain, which needs the mailbox. The memory hit instead is not dom0's.
    """
    devices = Devices(tmp_path)
    system = changed(
        make_system(smp=4),
        ("/soc", "dma-ranges", bytes.fromhex("e0000000 00000000 00000000 20000000")),
        ("/soc/usb@7e980000", "power-domains", None),
    )
    commands = {
        "end": until("dmesg | grep -q 'unable to enumerate USB' || [ -b /dev/sda ]"),
        "kernel": "dmesg",
        "stick": "[ -b /dev/sda ]",
    }
    report = boot(system, "test-dma-wrong", commands, devices.options(board))
    assert report.results["stick"].status != 0
    assert "Attached to firmware" not in report["kernel"]
    assert "returned status 0x00000000" in report["kernel"]
    assert re.search(r"usb 1-1: device (descriptor read|not accepting)", report["kernel"])
    assert all(access.bus >= 0xE000_0000 for access in devices.accesses())
