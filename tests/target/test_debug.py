# SPDX-License-Identifier: Apache-2.0
"""`debug` and `gdb` as a user calls them, with a real gdb, before Linux comes into play."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from xenolith import ROOT
from xenolith.boards import Board
from xenolith.build.make import Output
from xenolith.dom0.image import Dom0
from xenolith.lab import gdb
from xenolith.lab.console import Deadline

SECONDS = 300.0
"""For QEMU to wait for gdb, and for gdb to come to its breakpoints; 5 are usual."""


def verb(*words: str) -> list[str]:
    """The command line of a verb."""
    return [sys.executable, "-m", "xenolith", *words]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((gdb.HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def halted(board: Board, *words: str) -> Iterator[None]:
    """A machine that `debug` has started."""
    command = verb("debug", "--board", board.name, "--port", str(free_port()), *words)
    deadline = Deadline(SECONDS)
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if "is halted before its first instruction" in line or deadline.left() <= 0:
                    break
            yield
        finally:
            process.terminate()


@pytest.fixture
def waiting(board: Board, guests: Output, built: Output, tmp_path: Path) -> Iterator[None]:
    """With a tiny kernel as dom0."""
    assert built.elf.exists()
    initrd = tmp_path / "initrd"
    initrd.write_bytes(b"070701" + bytes(506))
    with halted(board, "--kernel", str(guests.guest("console")), "--initrd", str(initrd)):
        yield


def run_gdb(board: Board, *words: str) -> subprocess.CompletedProcess[str]:
    command = verb("gdb", "--board", board.name, *words)
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=SECONDS
    )


def batch(*commands: str) -> list[str]:
    """gdb's options to run commands and end."""
    return ["--", "-batch", *(word for command in commands for word in ("-ex", command))]


@pytest.mark.usefixtures("waiting")
def test_a_breakpoint_in_the_hypervisor(board: Board) -> None:
    """The port is the one that was given to `debug`."""
    done = run_gdb(board, *batch("break xen_main", "continue", "backtrace"))
    assert "Breakpoint 1, xen_main (" in done.stdout, done.stdout + done.stderr
    assert "xen/boot/main.c:" in done.stdout
    assert f"arch/{board.arch}/boot/" in done.stdout


@pytest.mark.slow
def test_a_breakpoint_in_dom0s_kernel(board: Board, dom0: Dom0, built: Output) -> None:
    """The symbols of both are known, and apart from each other."""
    if dom0.symbols is None:
        pytest.skip("this kernel comes without symbols")
    assert built.elf.exists()
    with halted(board):
        commands = ["break xen_main", "break start_kernel", *["continue", "backtrace"] * 2]
        said = run_gdb(board, *batch(*commands)).stdout
    assert "Breakpoint 1, xen_main (" in said
    assert re.search(r"Breakpoint 2, \S+ in start_kernel \(\)", said), said


def test_nothing_listens(board: Board) -> None:
    port = free_port()
    done = run_gdb(board, "--port", str(port))
    assert done.returncode == 1
    assert done.stderr == (
        f"xenolith: nothing listens on port {port}: start ./xenolith debug --board {board.name} "
        "in another terminal first\n"
    )


def test_a_port_that_is_taken(board: Board) -> None:
    with socket.socket() as other:
        other.bind((gdb.HOST, 0))
        other.listen()
        port = str(other.getsockname()[1])
        command = verb("debug", "--board", board.name, "--port", port)
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"cannot listen on port {port}" in done.stderr
    assert done.stderr.count("\n") == 1
