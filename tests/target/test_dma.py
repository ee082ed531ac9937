"""A dom0 on the Pi whose devices do DMA at an offset: bus address = physical + 0xc0000000, 1 GiB.

The bus master is the USB controller (DWC2) with a stick and a network card. What Linux maps is in
its trace events, what the controller accesses in QEMU's; the data are compared on both sides.
QEMU has RAM at each multiple of 1 GiB of the bus, as a board has, so an offset that is forgotten
altogether is seen only in the addresses; any other is seen in the data too.
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
from xenolith.lab.report import Report
from xenolith.system.model import System

pytestmark = pytest.mark.slow

Boot = Callable[..., Report]
MakeSystem = Callable[..., System]

OFFSET = 0xC000_0000
REACH = 1 << 30
BUS = range(OFFSET, OFFSET + REACH)
CACHE_LINE = 64
SIZE = 4 << 20
"""Bytes written and read on each disk, and sent."""
FETCHED = SIZE // 4
"""Bytes got by TFTP, which waits for an answer to each packet."""
BLOCKS = SIZE >> 16
CONTROLLER = "fe980000.usb"

# Wait until a condition holds in dom0, at most 60 s.
UNTIL = "i=0; until {0}; do i=$((i+1)); [ $i -lt 300 ] || exit 9; sleep 0.2; done; "
STICK = {
    "stick": UNTIL.format("[ -b /dev/sda ]"),
    "trace": "cd /sys/kernel/tracing && mount -t tracefs tracefs . && cd . &&"
    " echo xen_swiotlb_map_page >set_ftrace_filter && echo function >current_tracer &&"
    " echo 1 >events/swiotlb/enable && echo 1 >events/dma/dma_map_page/enable",
    "stick-read": f"dd if=/dev/sda bs=64k count={BLOCKS} | sha256sum",
    "stick-write": f"head -c {SIZE} /dev/urandom >/run/random &&"
    f" dd if=/run/random of=/dev/sda bs=64k seek={BLOCKS} conv=fsync && sha256sum </run/random",
    "maps": "cd /sys/kernel/tracing && echo 0 >tracing_on && cat trace",
}
COMMANDS = {
    "ranges": 'hexdump -v -e \'4/1 "%02x" " "\' /proc/device-tree/soc/dma-ranges',
    "ram": "grep 'System RAM' /proc/iomem",
    "features": "cat /sys/hypervisor/properties/features",
    "kernel": "dmesg",
    **STICK,
    "card": UNTIL.format("[ -b /dev/mmcblk? ]"),
    "card-read": f"dd if=$(echo /dev/mmcblk?) bs=64k count={BLOCKS} | sha256sum",
    "card-write": f"dd if=/run/random of=$(echo /dev/mmcblk?) bs=64k seek={BLOCKS} conv=fsync",
    "network": UNTIL.format("ip addr show dev eth0 | grep -q 10.0.2.15"),
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

    def accesses(self) -> list[tuple[str, int, int]]:
        """`read` or `write` (of memory), bus address and length; without empty packets."""
        pattern = re.compile(r"usb_dwc2_memory_(\w+) addr (-?\d+) len (\d+)")
        found = pattern.findall((self.folder / "accesses").read_text())
        return [(way, int(at) % (1 << 32), int(size)) for way, at, size in found if size != "0"]

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


@dataclass(frozen=True)
class Mapping:
    """What Linux prepared for the controller."""

    bus: int
    size: int
    physical: int

    @property
    def is_direct(self) -> bool:
        """True if the controller accesses the memory itself, not a copy in the bounce buffer."""
        return self.bus == self.physical + OFFSET


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def mappings(report: Report) -> list[Mapping]:
    pattern = rf"dma_map_page: {CONTROLLER} dir=\w+ dma_addr=(\w+) size=(\d+) phys_addr=(\w+)"
    found = re.findall(pattern, report["maps"])
    return [Mapping(int(bus, 16), int(size), int(at, 16)) for bus, size, at in found]


def ram(report: Report) -> list[range]:
    found = re.findall(r"^(\w+)-(\w+) : System RAM", report["ram"], re.MULTILINE)
    return [range(int(first, 16), int(last, 16) + 1) for first, last in found]


@pytest.fixture(scope="module", autouse=True)
def only_the_pi(board: Board) -> None:
    if board.family != "rpi4":
        pytest.skip(f"no device of {board.name} does DMA at an offset")


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
    made = mappings(report)
    assert sum(m.size for m in made if m.is_direct) >= 2 * SIZE
    # A buffer that shares a cache line with others is copied, because DMA is not coherent.
    assert all(m.is_direct or m.size < CACHE_LINE for m in made)
    assert all(m.bus in BUS for m in made)
    assert report["maps"].count("xen_swiotlb_map_page <-") >= len(made)


def test_the_controller_accesses_dom0_at_the_offset(report: Report, devices: Devices) -> None:
    found = devices.accesses()
    assert sum(size for way, _, size in found if way == "read") >= 2 * SIZE
    assert sum(size for way, _, size in found if way == "write") >= SIZE + FETCHED
    for _, at, size in found:
        assert any(at - OFFSET in part and at - OFFSET + size <= part.stop for part in ram(report))


@pytest.mark.parametrize("name", ["stick", "card"])
def test_data_are_intact(report: Report, devices: Devices, name: str) -> None:
    assert report[f"{name}-read"].split()[0] == digest(devices.content[name])
    assert report.results[f"{name}-write"].status == 0
    assert devices.written(name) == report["stick-write"].split()[0]


def test_the_network_is_intact(report: Report, devices: Devices) -> None:
    assert report["tftp"].split()[0] == digest(devices.content["served"])
    assert report.results["upload"].status == 0
    assert digest(devices.received) == report["stick-write"].split()[0]


def test_memory_out_of_reach_is_bounced(
    make_system: MakeSystem, boot: Boot, board: Board, tmp_path: Path
) -> None:
    """Most of this dom0's memory is above the first GiB."""
    devices = Devices(tmp_path)
    system = make_system(smp=4, xen_args="dom0_mem=1400M")
    report = boot(
        system, "test-dma-bounce", {"ram": COMMANDS["ram"], **STICK}, devices.options(board)
    )
    assert report.error is None
    copied = [m for m in mappings(report) if not m.is_direct]
    assert sum(m.size for m in copied if m.physical >= REACH) >= SIZE
    assert all(m.bus in BUS for m in copied)
    assert report["maps"].count("swiotlb_bounced:") >= len(copied)
    assert all(at in BUS for _, at, _ in devices.accesses())
    assert report["stick-read"].split()[0] == digest(devices.content["stick"])
    assert devices.written("stick") == report["stick-write"].split()[0]


def test_a_wrong_offset_is_seen(
    make_system: MakeSystem, boot: Boot, board: Board, tmp_path: Path
) -> None:
    """Neither the firmware's mailbox nor the USB controller finds what Linux has prepared.

    USB without its power domain, which needs the mailbox. The memory hit instead is not dom0's.
    """
    devices = Devices(tmp_path)
    assert board.qemu.tree
    wrong = ("/soc", "dma-ranges", bytes.fromhex("e0000000 00000000 00000000 20000000"))
    changed = (*board.qemu.tree.changed, wrong, ("/soc/usb@7e980000", "power-domains", None))
    tree = replace(board.qemu.tree, changed=changed)
    system = make_system(smp=4)
    system = replace(system, board=replace(board, qemu=replace(board.qemu, tree=tree)))
    commands = {
        "end": UNTIL.format("dmesg | grep -q 'unable to enumerate USB' || [ -b /dev/sda ]"),
        "kernel": "dmesg",
        "stick": "[ -b /dev/sda ]",
    }
    report = boot(system, "test-dma-wrong", commands, devices.options(board))
    assert report.results["stick"].status != 0
    assert "Attached to firmware" not in report["kernel"]
    assert "returned status 0x00000000" in report["kernel"]
    assert re.search(r"usb 1-1: device (descriptor read|not accepting)", report["kernel"])
    assert all(at >= 0xE000_0000 for _, at, _ in devices.accesses())
