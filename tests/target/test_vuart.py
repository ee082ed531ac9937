# SPDX-License-Identifier: Apache-2.0
"""A guest of arm64 on a virtual UART, by real xl, as docs/GUESTS.md says it: first lines, a shell,
much text both ways; what is refused, and what is left.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from xenolith.boards import Board
from xenolith.lab.report import Report
from xenolith.lab.shell import CONSOLES, on
from xenolith.system.model import System

pytestmark = [pytest.mark.slow, pytest.mark.families("qemu-virt")]

LIBRARY = CONSOLES.read_bytes() + Path(__file__).with_name("guests.sh").read_bytes()
CREATE = """xl create /etc/xen/demo.cfg 'name="uart"' 'disk=[]' 'vif=[]' 'vuart="sbsa_uart"' \
'extra="earlycon=pl011,0x22000000 console=ttyAMA0 cma=0"'"""
CONSOLE = "xl console -t vuart uart"
# As `attach` of the consoles' functions: what xl console runs, typing from a file.
ATTACH = (
    "mkfifo /run/uart.in; xenconsole --interactive --type vuart $(xl domid uart) "
    "<>/run/uart.in >/run/uart.out 2>&1 & echo $! >/run/uart.pid; "
    "wait_for \"grep -q 'ends the guest' /run/uart.out\"; "
)
NUMBERS = "\n".join(map(str, range(3000)))
LINES = "\n".join(f"{i} {'typed ' * 8}" for i in range(60))
"""More than a ring of the console holds, of what is said (2048) and of what is typed (1024)."""
COMMANDS = {
    "before": "left",
    "create": f"{CREATE} && {ATTACH} cat /run/uart.out",
    "driver": on("uart", "cat /proc/consoles; cat /proc/tty/driver/ttyAMA"),
    "much": on("uart", "i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i + 1)); done"),
    "typed": on("uart", f"md5sum <<'END'\n{LINES}\nEND"),
    "interrupts": on("uart", "grep uart-pl011 /proc/interrupts"),
    "xl console": on("uart", "(while sleep 1; do echo tick; done) &")
    + f"kill $(cat /run/uart.pid); {CONSOLE} </dev/null >/run/xl.out 2>&1 & "
    "wait_for 'grep -q tick /run/xl.out'; kill $!; cat /run/xl.out",
    "log": "grep -a earlycon /var/log/xen/guest-uart-vuart0.log",
    "destroyed": "xl destroy uart; left",
    "paused": f"{CREATE.replace('xl create', 'xl create -p')} && xl destroy uart; left",
    "junk": f"{CREATE.replace('sbsa_uart', 'junk')} 2>&1; echo status $?; left",
}


@pytest.fixture(scope="module")
def report(make_system: Callable[..., System], boot: Callable[..., Report], board: Board) -> Report:
    if board.arch != "arm64":
        pytest.skip("only guests of arm64 have such a UART")
    wanted = {name: f". /test/guests.sh\n{text}" for name, text in COMMANDS.items()}
    return boot(make_system(), "test-vuart", wanted, files={"/test/guests.sh": LIBRARY})


def test_its_kernel_speaks_from_the_start(report: Report) -> None:
    said = report["create"]
    assert "earlycon: pl11 at MMIO 0x0000000022000000" in said, said[-2000:]
    assert re.search(r"ttyAMA0 at MMIO 0x22000000 .* is a SBSA", said), said[-2000:]
    assert "earlycon" in report["log"]


def test_linux_has_its_driver(report: Report) -> None:
    assert re.search(r"^ttyAMA0 +-W- \(EC ", report["driver"], re.MULTILINE)
    assert "uart:SBSA mmio:0x22000000" in report["driver"]
    assert re.search(r" [1-9]\d* +GIC-0 +32 Level +uart-pl011", report["interrupts"])


def test_much_text_both_ways(report: Report) -> None:
    """Nothing is lost or out of order."""
    assert NUMBERS in report["much"]
    assert hashlib.md5(f"{LINES}\n".encode()).hexdigest() in report["typed"]


def test_xl_console_shows_it(report: Report) -> None:
    assert "tick" in report["xl console"]


def test_nothing_is_left(report: Report) -> None:
    assert report["destroyed"] == report["before"]
    assert report["paused"].splitlines()[-1] == report["before"].splitlines()[-1]


def test_another_kind_is_refused(report: Report) -> None:
    """By xl, before there is a domain."""
    said, _, left = report["junk"].partition("status ")
    assert "sbsa_uart" not in said and left.startswith("1"), report["junk"]
    assert left.splitlines()[-1] == report["before"].splitlines()[-1]
