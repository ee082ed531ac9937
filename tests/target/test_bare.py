# SPDX-License-Identifier: Apache-2.0
"""Guests without Xen's drivers: the one of docs/BARE.md, and on RISC-V those that use the SBI."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from xenolith import ROOT
from xenolith.boards import Board
from xenolith.dom0 import image
from xenolith.lab.report import ALONE, Report, rows, until
from xenolith.system.model import System

pytestmark = pytest.mark.slow

PREFIX = {"arm64": "aarch64-linux-gnu-", "riscv": "riscv64-linux-gnu-"}
# xl's console reads no keys where it has no terminal. They go where it would write them, when it is
# there: the daemon makes a terminal anew that nobody has open.
TYPED = (
    "test -p /silent || mkfifo /silent; xl create -c /bare/{0}.cfg <>/silent >/said 2>&1 & "
    + until("grep -q '{1}' /said || ! kill -0 $!")
    + "printf {2} >$(xenstore-read /local/domain/$(xl domid {0})/console/tty); wait; cat /said"
)

ECHO = """
# Writes and reads by the SBI's debug console, then by the legacy calls; shuts down by SRST. At q it
# goes from the first to the second, and from the second to the end.
    .option norvc
    lla sp, behind
    lla a1, hello
    li a0, 6              # bytes of hello
    li a2, 0
    li a6, 0             # console_write
    li a7, 0x4442434e
    ecall
1:  lla a1, sign
    li a0, 1
    li a2, 0
    li a6, 1             # console_read
    ecall
    bnez a0, end
    beqz a1, 1b
    lb a0, sign
    mv s0, a0
    li a6, 2             # console_write_byte
    ecall
    li t0, 'q'
    bne s0, t0, 1b
2:  li a7, 2             # console_getchar
    ecall
    bltz a0, 2b
    mv s0, a0
    li a7, 1             # console_putchar
    ecall
    li t0, 'q'
    bne s0, t0, 2b
end: li a0, 0
    li a1, 0
    li a6, 0
    li a7, 0x53525354
    ecall
    j end
sign: .byte 0
hello: .ascii "echo: "
behind:
"""

SBI_COMMANDS = {
    "echo": TYPED.format("echo", "echo:", "hiq12q"),
    "debian": TYPED.format("debian", "Linux version", "x"),
    "wrong": "for what in text tree archive zeroes short; do "
    'sed "s/bare.img/$what/" /bare/bare.cfg > /bare/wrong.cfg; '
    "xl create /bare/wrong.cfg 2>&1 && echo created; done; true",
}
COMMANDS = {
    "bare": TYPED.format("bare", "a key", "k"),
    "paused": "xl create -p /bare/bare.cfg 2>&1 && xl destroy bare",
}
AFTER = {"after": f"{ALONE}xl list"}
WRONG = {
    "text": (b"#!/bin/sh\necho This is no kernel\n", "the kernel is text"),
    "tree": (b"\xd0\x0d\xfe\xed" + bytes(60), "the kernel is a device tree"),
    "archive": (b"070701" + b"0" * 110, "the kernel is a cpio archive"),
    "zeroes": (bytes(4096), "the kernel is no program"),
    "short": (b"\x13\0", "the kernel is too short"),
}


def bare(arch: str) -> bytes:
    """The guest, by the commands of the page."""
    page = (ROOT / "docs/BARE.md").read_text()
    lines = re.findall(r"^    (.*)$", page, re.MULTILINE)
    commands = [line for line in lines if line.startswith((PREFIX[arch], "mkdir"))]
    assert len(commands) == 4  # with the folder, for each architecture
    for command in commands:
        subprocess.run(command, shell=True, cwd=ROOT, check=True)
    return (ROOT / "build/bare/bare.img").read_bytes()


def echo(folder: Path) -> bytes:
    """A flat file without a header."""
    source = folder / "echo.S"
    source.write_text(ECHO)
    made = folder / "echo"
    link = "-N,--no-warn-rwx-segments,--build-id=none,-Ttext=0x80200000,-e,0x80200000"
    gcc = [f"{PREFIX['riscv']}gcc", *"-march=rv64ima -mabi=lp64 -nostdlib -static".split()]
    gcc.append(f"-Wl,{link}")
    subprocess.run([*gcc, "-o", f"{made}.elf", str(source)], check=True)
    objcopy = [f"{PREFIX['riscv']}objcopy", "-O", "binary", f"{made}.elf", f"{made}.img"]
    subprocess.run(objcopy, check=True)
    return Path(f"{made}.img").read_bytes()


def for_guest(config: str, name: str) -> str:
    """The configuration of the bare guest for another one."""
    return config.replace('"bare"', f'"{name}"').replace("bare.img", f"{name}.img")


def sbi_files(config: str, folder: Path) -> dict[str, bytes]:
    """What the guests of RISC-V's SBI are made of."""
    debian = for_guest(config, "debian").replace("memory = 8", "memory = 256")
    debian += 'extra = "earlycon=sbi keep_bootcon panic=1"\non_reboot = "destroy"\n'
    files = {
        "echo.img": echo(folder),
        "echo.cfg": for_guest(config, "echo").encode(),
        "debian.img": image.build("riscv64", kernel="debian").kernel.read_bytes(),
        "debian.cfg": debian.encode(),
    }
    return files | {name: data for name, (data, _) in WRONG.items()}


@pytest.fixture(scope="module")
def report(
    make_system: Callable[..., System],
    boot: Callable[..., Report],
    board: Board,
    tmp_path_factory: pytest.TempPathFactory,
) -> Report:
    """dom0 with the guests' files, after all commands."""
    folder: Path = tmp_path_factory.mktemp("bare")
    config = (ROOT / "docs/bare/bare.cfg").read_text()
    files = {"bare.img": bare(board.arch), "bare.cfg": config.encode()}
    commands = dict(COMMANDS)
    if board.arch == "riscv":
        files |= sbi_files(config, folder)
        commands |= SBI_COMMANDS
    placed = {f"/bare/{name}": data for name, data in files.items()}
    return boot(make_system(), "test-bare", commands | AFTER, files=placed)


@pytest.fixture
def of_sbi(board: Board) -> None:
    """Not for arm64."""
    if board.arch != "riscv":
        pytest.skip("arm64 has no SBI")


def test_the_bare_guest_does_all_it_says(report: Report) -> None:
    said = report["bare"]
    found = re.search(
        r"bare: the machine was started (\d+) s after 1970; my counter says \d+", said
    )
    assert "bare: hello" in said
    assert found and int(found[1]) > 1_600_000_000, said
    assert re.search(r"bare: press a key\s+bare: it was k\. Bye\.", said), said


def test_the_bare_guest_is_small(report: Report) -> None:
    assert report["bare"]
    assert (ROOT / "build/bare/bare.img").stat().st_size < 4096


def test_xl_misses_no_device_model(report: Report) -> None:
    """None of these guests needs one."""
    assert "unavailable" not in report["paused"]


def test_nothing_is_left_behind(report: Report) -> None:
    assert [row[0] for row in rows(report["after"])] == ["Domain-0"]


@pytest.mark.usefixtures("of_sbi")
def test_a_flat_file_has_a_console_by_the_sbi(report: Report) -> None:
    """All that it read it wrote, by the debug console and by the legacy calls."""
    assert "echo: hiq12q" in report["echo"]


@pytest.mark.usefixtures("of_sbi")
def test_a_kernel_without_drivers_of_xen_shows_its_boot(report: Report) -> None:
    said = report["debian"]
    assert "xc: error" not in said
    for line in ("Linux version 6.", "earlycon: sbi0", "SBI DBCN extension", "Kernel panic"):
        assert line in said, said[-3000:]


@pytest.mark.usefixtures("of_sbi")
def test_what_is_no_program_is_refused_with_its_name(report: Report) -> None:
    said = report["wrong"]
    assert [words for _, words in WRONG.values() if words not in said] == [], said
    assert "created" not in said
