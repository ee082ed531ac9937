"""`debug` and `gdb` as a user calls them, with a real gdb, before Linux comes into play."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from xenolith import ROOT
from xenolith.boards import Board
from xenolith.build.make import Output
from xenolith.lab import gdb
from xenolith.lab.console import Deadline

SECONDS = 60.0

pytestmark = pytest.mark.skipif(shutil.which(gdb.PROGRAM) is None, reason="no gdb-multiarch")


def verb(*words: str) -> list[str]:
    """The command line of a verb."""
    return [sys.executable, "-m", "xenolith", *words]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((gdb.HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def waiting(board: Board, guests: Output, built: Output, tmp_path: Path) -> Iterator[int]:
    """A machine that `debug` has started, with a tiny kernel as dom0; its port."""
    assert built.elf.exists()
    initrd, port = tmp_path / "initrd", free_port()
    initrd.write_bytes(b"070701" + bytes(506))
    files = ["--kernel", str(guests.guest("console")), "--initrd", str(initrd)]
    command = verb("debug", "--board", board.name, "--port", str(port), *files)
    deadline = Deadline(SECONDS)
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if "is halted before its first instruction" in line or deadline.left() <= 0:
                    break
            yield port
        finally:
            process.terminate()


def run_gdb(board: Board, *words: str) -> subprocess.CompletedProcess[str]:
    command = verb("gdb", "--board", board.name, *words)
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=SECONDS
    )


def test_a_breakpoint_in_the_hypervisor(board: Board, waiting: int) -> None:
    """The port is the one that was given to `debug`."""
    commands = ["break xen_main", "continue", "backtrace", "info symbol $pc"]
    words = [word for command in commands for word in ("-ex", command)]
    done = run_gdb(board, "--", "-batch", *words)
    assert "Breakpoint 1, xen_main (" in done.stdout, done.stdout + done.stderr
    assert "xen/boot/main.c:" in done.stdout
    assert f"arch/{board.arch}/boot/" in done.stdout
    assert waiting


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
