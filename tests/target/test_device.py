# SPDX-License-Identifier: Apache-2.0
"""A device of the machine for a guest, by real xl: its clock, with registers and interrupt.

The same on real Xen (`--hypervisor xen`).
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.target.test_many import FLAGS, LINK, PREFIX

from xenolith.boards import Board
from xenolith.dom0 import cpio, debian, recipe
from xenolith.lab import shell
from xenolith.lab.report import ALONE, Report, rows
from xenolith.system.model import System

pytestmark = [pytest.mark.slow, pytest.mark.families("qemu-virt")]

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Clock:
    """The machine's clock: its node, frame and interrupt, and interrupts that nobody may give."""

    path: str
    frame: str
    irq: int
    own: int
    """The console's."""
    dom0s: int
    absent: int
    taken: tuple[str, ...]
    """Frames: the interrupt controller's, the console's, RAM's."""


CLOCKS = {
    "arm64": Clock("/pl031@9010000", "0x9010", 34, 33, 48, 200, ("0x8000", "0x9000", "0x48000")),
    "riscv": Clock("/soc/rtc@101000", "0x101", 11, 10, 1, 60, ("0xc000", "0x10000", "0x80000")),
    "qemu-virt-riscv64-aia": Clock(
        "/soc/rtc@101000", "0x101", 11, 10, 1, 60, ("0xc000", "0xd000", "0x10000", "0x28000")
    ),
}
AIA = "-aia"
FEW, MANY = 5, 200
"""Guests that are destroyed."""

INIT = b"""#!/bin/busybox sh
b=/bin/busybox
$b mkdir -p /proc /sys
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs dev /dev
rtc=/sys/class/rtc/rtc0
echo "guest: driver $($b cat $rtc/name)"
echo "guest: year $($b cut -d - -f 1 $rtc/date)"
count() { $b awk '/rtc/ { for (i = 2; $i ~ /^[0-9]+$/; i++) n += $i } END { print n + 0 }' $all; }
all=/proc/interrupts
$b timeout 60 /bin/alarms && echo "guest: alarms came"
echo "guest: interrupts $(count)"
$b poweroff -f
"""

GUEST = """name = "{name}"
type = "pvh"
kernel = "{kernel}"
memory = {memory}
on_poweroff = "destroy"
on_crash = "destroy"
"""

CYCLES = """
for i in $(seq {cycles}); do
  xl create -q /guest/storm.cfg && xl destroy storm || echo cycle $i failed
done
xl create -q /guest/some.cfg && wait_for '! xl domid some >/dev/null 2>&1' && echo all came
"""
"""Guests that die while their interrupt storms; then one that ends after 1000 of them."""


def alarms(arch: str, folder: Path) -> bytes:
    """The program that waits for three of the clock's interrupts."""
    made = folder / "alarms"
    gcc = [f"{PREFIX[arch]}gcc", "-Os", "-fno-stack-protector", *LINK, f"{HERE}/alarms.c"]
    subprocess.run([*gcc, "-o", str(made)], check=True)
    return made.read_bytes()


def small_guest(arch: str, folder: Path, count: int) -> bytes:
    """A program that takes so many interrupts, 0: for ever; and ends."""
    made = folder / f"storm{count}"
    gcc = [f"{PREFIX[arch]}gcc", f"-DCOUNT={count}", *FLAGS[arch], *LINK, f"{HERE}/storm.S"]
    subprocess.run([*gcc, "-o", f"{made}.elf"], check=True)
    objcopy = [f"{PREFIX[arch]}objcopy", "-O", "binary", f"{made}.elf", str(made)]
    subprocess.run(objcopy, check=True)
    return made.read_bytes()


def linux_files(system: System, board: Board, folder: Path) -> dict[str, bytes]:
    """A Linux guest that uses the clock, by path in dom0."""
    rules = recipe.load()
    (deb,) = debian.download(["busybox-static"], rules.suite, board.debian_arch)
    (busybox,) = debian.members(deb, lambda name: name == "usr/bin/busybox")
    small = [cpio.directory(name) for name in ("bin", "dev", "proc")]
    small += [cpio.character_device("dev/console", 5, 1), cpio.file("init", INIT, 0o755)]
    small.append(cpio.file("bin/busybox", busybox.data, 0o755))
    small.append(cpio.file("bin/alarms", alarms(board.arch, folder), 0o755))
    config = GUEST.format(name="clock", kernel="/guest/kernel", memory=256)
    config += 'ramdisk = "/guest/initrd"\n'
    config += 'extra = "console=hvc0 rdinit=/init panic=5 nokaslr mitigations=off"\n'
    return {
        "/guest/kernel": system.kernel.read_bytes(),
        "/guest/initrd": cpio.compress(cpio.pack(small)),
        "/guest/clock.cfg": config.encode(),
    }


def storm_files(arch: str, clock: Clock, folder: Path) -> dict[str, bytes]:
    """Guests that do nothing but take the clock's interrupt."""
    found = {}
    for name, count in (("storm", 0), ("some", 1000)):
        config = GUEST.format(name=name, kernel=f"/guest/{name}", memory=8)
        config += f'irqs = [ {clock.irq} ]\niomem = [ "{clock.frame},1" ]\n'
        found[f"/guest/{name}"] = small_guest(arch, folder, count)
        found[f"/guest/{name}.cfg"] = config.encode()
    return found


def refusals(clock: Clock) -> dict[str, str]:
    """What an xl.cfg may not say."""
    numbers = {"own": clock.own, "private": 0, "dom0's": clock.dom0s, "absent": clock.absent}
    wrong = {name: f"irqs=[{number}]" for name, number in numbers.items()}
    wrong["beyond"] = "irqs=[5000]"
    wrong["twice"] = f"irqs=[{clock.irq}, {clock.irq}]"
    wrong["two at once"] = f"irqs=[{clock.irq}, {clock.own}]"
    for frame in clock.taken:
        wrong[f"frame {frame}"] = f'iomem=["{frame},1"]'
    wrong["dtdev"] = f'dtdev=["{clock.path}"]'
    return wrong


@pytest.fixture(scope="module")
def clock(board: Board, on_xen: bool) -> Clock:
    """Real Xen gives away its interrupt controller's registers, which are the first frame."""
    found = CLOCKS[board.name if board.name in CLOCKS else board.arch]
    return replace(found, taken=found.taken[1:]) if on_xen else found


@pytest.fixture(scope="module")
def files(
    make_system: Callable[..., System], clock: Clock, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    """All guests, by path in dom0."""
    system, folder = make_system(), tmp_path_factory.mktemp("guests")
    return linux_files(system, system.board, folder) | storm_files(system.board.arch, clock, folder)


@pytest.fixture(scope="module", params=[FEW, pytest.param(MANY, marks=pytest.mark.long)])
def report(
    make_system: Callable[..., System],
    boot: Callable[..., Report],
    clock: Clock,
    files: dict[str, bytes],
    request: pytest.FixtureRequest,
) -> Report:
    """dom0 after all commands."""
    system = replace(make_system(), passthrough=(clock.path,))
    cycles = request.param
    commands = {
        "library": shell.library(),
        "free before": "xl info | grep free_memory",
        "linux": "cat /guest/clock.cfg /etc/xen/devices/*.cfg > /run/clock.cfg; "
        "mkfifo /silent && xl create -c /run/clock.cfg <>/silent",
        "storms": f". /run/lib; {CYCLES.format(cycles=cycles)}",
    }
    if system.board.name.endswith(AIA):
        del commands["storms"]
    for name, line in refusals(clock).items():
        commands[name] = f"xl create -p /guest/some.cfg '{line}' 2>&1 && echo created; xl list"
    commands["after"] = f"{ALONE}xl list; xl info | grep free_memory"
    return boot(system, "test-device", commands, files=files, timeout=60.0 * 60)


def test_linux_reads_it_and_takes_its_interrupts(report: Report) -> None:
    said = dict(re.findall(r"^guest: (\w+) (.*?)\s*$", report["linux"], re.MULTILINE))
    assert "rtc" in said["driver"], report["linux"][-2000:]
    assert int(said["year"]) >= 2024, said
    assert said["alarms"] == "came", said
    assert int(said["interrupts"]) >= 3, said


def test_guests_die_while_it_storms(report: Report, board: Board) -> None:
    """And the next one has it."""
    if board.name.endswith(AIA):
        pytest.skip("the small guest knows no APLIC")
    assert report["storms"].split() == ["all", "came"]


def test_what_nobody_may_give_is_refused(report: Report, clock: Clock) -> None:
    for name in refusals(clock):
        said, _, listed = report[name].partition("Name ")
        assert "created" not in said, (name, said)
        assert [row[0] for row in rows("Name " + listed)] == ["Domain-0"], name
        assert "error:" in said, (name, said)


def test_nothing_is_left(report: Report) -> None:
    listed, _, free = report["after"].partition("free_memory")
    assert [row[0] for row in rows(listed)] == ["Domain-0"]
    assert report["free before"] == f"free_memory{free}"
