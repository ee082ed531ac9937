# SPDX-License-Identifier: Apache-2.0
"""Many guests at once, and many one after the other; nothing is left behind.

Few of each, then many: 30 guests with Linux, 200 without, 204 lives. Both are long.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from xenolith.boards import Board
from xenolith.dom0 import cpio
from xenolith.lab.report import Report, rows
from xenolith.lab.shell import CONSOLES
from xenolith.system.model import System

pytestmark = [pytest.mark.slow, pytest.mark.long]

HERE = Path(__file__).parent
PREFIX = {"arm64": "aarch64-linux-gnu-", "riscv": "riscv64-linux-gnu-"}
FLAGS = {
    "arm64": ["-Wl,-Ttext=0x40000000"],
    "riscv": ["-march=rv64ima_zicsr", "-mabi=lp64", "-Wl,-Ttext=0x80200000"],
}
LINK = ["-nostdlib", "-static", "-Wl,-N,--no-warn-rwx-segments,--build-id=none"]
REASONS = {"off": 0, "again": 1, "crash": 3, "sleep": 255}
"""What ends.S is made for."""
SMALL = {"arm64": 72, "riscv": 160}
"""MiB of a guest with dom0's kernel and no disk, by the port."""


@dataclass(frozen=True)
class Amounts:
    """How many of each."""

    linux: int
    asleep: int
    cycles: int
    timeout: float


FEW = Amounts(4, 8, 2, 900.0)
MANY = Amounts(30, 200, 34, 5400.0)

KINDS = r"""
gone() { wait_for "! xl domid $1 >/dev/null 2>&1"; }
off() { xl create -q /run/off.cfg && gone off; }
crash() { xl create -q /run/crash.cfg && gone crash; }
makers() { ps | awk '/xl create -q .*again[.]cfg$/ { print $1 }'; }
ids() { xl list | awk 'NR > 2 { print $2 }'; }
# Its third life, or a later one on a slow machine, is ended with the xl that creates them.
again() {
    xl create -q /run/again.cfg && wait_for '[ -n "$(ids)" ]' && first=$(ids) &&
        wait_for '[ "$(ids)" -gt '$((first + 1))' ] 2>/dev/null' &&
        kill $(makers) && wait_for '[ -z "$(makers)" ]' &&
        wait_for 'for id in $(ids); do xl destroy $id 2>/dev/null; done; [ -z "$(ids)" ]'
}
sleeps() { xl create -q /run/sleep.cfg && xl destroy sleep; }
paused() { xl create -q -p /run/sleep.cfg && xl destroy sleep; }
boots() { xl create -q /run/boots.cfg && xl destroy boots; }
"""
"""Lives of guests: they end at once, by themselves in different ways or by xl."""
LIVES = ("off", "crash", "again", "sleeps", "paused", "boots")


def programs(arch: str, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Path in dom0 and content of each guest without Linux, and of its configuration."""
    for program, reason in REASONS.items():
        made = folder / program
        gcc = [f"{PREFIX[arch]}gcc", f"-DREASON={reason}", *FLAGS[arch], *LINK, f"{HERE}/ends.S"]
        subprocess.run([*gcc, "-o", f"{made}.elf"], check=True)
        objcopy = [f"{PREFIX[arch]}objcopy", "-O", "binary", f"{made}.elf", str(made)]
        subprocess.run(objcopy, check=True)
        yield f"/test/{program}", made.read_bytes()


def files(arch: str, folder: Path) -> dict[str, bytes]:
    """dom0's files."""
    init = cpio.file("small", (HERE / "small.sh").read_bytes(), 0o755)
    found = {
        "/test/guests.sh": CONSOLES.read_bytes() + (HERE / "guests.sh").read_bytes(),
        "/test/small.gz": cpio.compress(cpio.pack([init])),
    }
    return found | dict(programs(arch, folder))


def each(names: list[str], text: str) -> str:
    """A loop of dom0's shell over names, as `g`."""
    return f"for g in {' '.join(names)}; do {text}; done"


def commands(arch: str, amounts: Amounts) -> dict[str, str]:
    """What is done in dom0."""
    size = SMALL[arch]
    small = {f"g{n}": f"10.0.2.{100 + n}" for n in range(1, amounts.linux + 1)}
    made = [f"configure {name} {size} {where}" for name, where in small.items()]
    names = [*small]
    sleepers = [f"sleep{n}" for n in range(amounts.asleep)]
    return {
        "before": "prepare; left; heap",
        "created": "; ".join(made) + "; " + each(names, "xl create -q /run/$g.cfg && attach $g"),
        "up": each(names, "says $g small:"),
        "list": "xl list",
        # The bridge forgets within five minutes who is where. What it sends everywhere QEMU's
        # network answers, too; whoever is asked for by ARP answers alone.
        "pings": "ip neigh flush dev xenbr0; " + each([*small.values()], "ping -c 1 -W 60 $g"),
        "consoles": each(names, "echo 'echo by $(hostname), $((6*7))' | on $g"),
        "destroyed": each(names, "xl destroy $g") + "; left",
        "asleep": each(sleepers, "bare $g sleep; xl create -q /run/$g.cfg") + "; xl list",
        "destroyed too": each(sleepers, "xl destroy $g") + "; left; heap",
        "cycles": f"{KINDS}bare off off; bare crash crash; bare again again restart; "
        f'bare sleep sleep; configure boots {size} ""; n=0; '
        f"for turn in $(seq {amounts.cycles}); do for life in {' '.join(LIVES)}; do "
        "if $life; then n=$((n + 1)); else echo $life $turn has failed; fi; done; done; "
        "echo $n lives; left; heap",
    }


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(FEW, id="few"),
        pytest.param(MANY, id="many", marks=pytest.mark.timeout(6000)),
    ],
)
def amounts(request: pytest.FixtureRequest) -> Amounts:
    found: Amounts = request.param
    return found


@pytest.fixture(scope="module")
def report(
    make_system: Callable[..., System],
    boot: Callable[..., Report],
    board: Board,
    amounts: Amounts,
    tmp_path_factory: pytest.TempPathFactory,
) -> Report:
    """dom0 after all commands."""
    wanted = commands(board.arch, amounts)
    prepared = {name: f". /test/guests.sh\n{text}" for name, text in wanted.items()}
    placed = files(board.arch, tmp_path_factory.mktemp("many"))
    memory = 1536 + SMALL[board.arch] * amounts.linux + 8 * amounts.asleep
    system = make_system(memory=memory)
    return boot(system, "test-many", prepared, files=placed, timeout=amounts.timeout)


def said(report: Report, name: str) -> re.Match[str]:
    """What a guest has said about itself: CPUs, kB, pings."""
    found = re.search(
        rf"^small: {name} is up, (\d+) CPUs, (\d+) kB, (\w+) pings, ", report["up"], re.MULTILINE
    )
    assert found, report["up"]
    return found


def heap(text: str) -> str:
    """What is free, and the size of the hypervisor's objects."""
    (found,) = re.findall(r"^\d+ free; heap objects: \d+ bytes$", text, re.MULTILINE)
    return str(found)


def test_all_are_up_at_once_and_reach_dom0(report: Report, amounts: Amounts) -> None:
    listed = {row[0]: row for row in rows(report["list"])}
    for n in range(1, amounts.linux + 1):
        assert listed[f"g{n}"][4][0] in "rb-", listed[f"g{n}"]
        assert said(report, f"g{n}")[3] == "3"
    answers = re.findall(r"^64 bytes from 10.* ttl=(\d+) ", report["pings"], re.MULTILINE)
    assert answers == ["64"] * amounts.linux, report["pings"]  # QEMU's have 255


def test_each_has_its_console(report: Report, amounts: Amounts) -> None:
    for n in range(1, amounts.linux + 1):
        assert re.search(rf"^by g{n}, 42$", report["consoles"], re.MULTILINE), report["consoles"]


def test_guests_without_linux_take_little(report: Report, amounts: Amounts) -> None:
    asleep = [row for row in rows(report["asleep"]) if row[0].startswith("sleep")]
    assert len(asleep) == amounts.asleep
    assert {(row[2], row[3]) for row in asleep} == {("8", "1")}
    assert {row[4] for row in asleep} == {"-b----"}


def test_many_lives_leave_nothing(report: Report, amounts: Amounts) -> None:
    cycles = report["cycles"]
    assert f"{amounts.cycles * len(LIVES)} lives" in cycles, cycles
    # What the hypervisor keeps for as many guests as there were at once it keeps for further ones.
    assert heap(cycles) == heap(report["destroyed too"])


def test_dom0_has_as_much_to_give_as_before(report: Report) -> None:
    before, *after = (report[name] for name in ("before", "destroyed", "destroyed too", "cycles"))
    for text in after:
        assert "domains 1, loops 0, cards 0, free_memory" in text, text
        assert re.findall("free_memory.*", text) == re.findall("free_memory.*", before)
    assert report.error is None
