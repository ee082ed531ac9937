# SPDX-License-Identifier: Apache-2.0
"""Commands for a card that knows nothing of them: a real shell on a real terminal takes them."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import socket
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from pathlib import Path

import pytest

from xenolith.lab import login, plug
from xenolith.lab.console import Console, Deadline, LabError
from xenolith.lab.login import Login
from xenolith.lab.protocol import Collector
from xenolith.lab.target import State, Target

BOOT = "echo '(XEN) Xenolith'; echo 'Booting Linux on physical CPU 0'; "
AUTOMATIC = "echo 'pi login: ann (automatic login)'; "
SHELL = "exec sh -i"
REAL = "sh gzip base64 cat mkdir rm stty sed sleep printf env".split()
"""Programs of the host that the shell may use."""
FAKES = {
    "id": "echo 0",
    "dmesg": "",
    "systemctl": "echo degraded",
    "ip": "",
    "systemd-networkd-wait-online": "exit 1",
    "poweroff": "kill -KILL $PPID",
}
TOKEN = "xenolith-0123"


class Terminal:
    """A program on a terminal of its own (a console's Link), and what is lost on the way there:
    positions in all that is sent."""

    def __init__(self, descriptor: int, lost: Set[int] = frozenset()) -> None:
        self._descriptor = descriptor
        self._lost = lost
        self._sent = 0

    def receive(self, timeout: float) -> bytes:
        if not select.select([self._descriptor], [], [], timeout)[0]:
            return b""
        try:
            data = os.read(self._descriptor, 4096)
        except OSError:
            data = b""
        if not data:
            raise EOFError
        return data

    def send(self, data: bytes) -> None:
        first, self._sent = self._sent, self._sent + len(data)
        data = bytes(byte for at, byte in enumerate(data, first) if at not in self._lost)
        while data:
            data = data[os.write(self._descriptor, data) :]

    def fileno(self) -> int:
        return self._descriptor


@contextmanager
def machine(
    folder: Path,
    begin: str,
    commands: list[str],
    notes: list[str],
    *,
    lost: Set[int] = frozenset(),
    fakes: Mapping[str, str] = FAKES,
) -> Iterator[Target]:
    """Something that behaves like a card's console, with nothing of the host's in reach."""
    programs = folder / "bin"
    programs.mkdir()
    for name in REAL:
        (programs / name).symlink_to(shutil.which(name) or name)
    for name, text in {**FAKES, **fakes}.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    pid, descriptor = pty.fork()
    if pid == 0:
        env = {"PATH": str(programs), "HOME": str(folder), "TERM": "dumb"}
        os.execve("/bin/sh", ["sh", "-c", begin], env)
    try:
        enter = Login(TOKEN, commands, str(folder))
        console = Console(Terminal(descriptor, lost))
        collector, deadline = Collector(commands), Deadline(300)
        yield Target(console, TOKEN, collector, deadline, on_note=notes.append, enter=enter)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(descriptor)


def test_commands_come_in_and_results_go_out(tmp_path: Path) -> None:
    """Quotes, length and status survive; what dom0 says of itself is heard first."""
    long = "x" * 3000
    commands = [f"""printf '%s|' 'a"b' "$HOME" {long} '$(id)'""", "echo bad >&2; exit 3"]
    notes: list[str] = []
    with machine(tmp_path, BOOT + AUTOMATIC + SHELL, commands, notes) as target:
        target.to(State.NETWORK)
        target.to(State.POWERED_OFF)
        first, second = target.collector.results
    assert first.text == f'a"b|{tmp_path}|{long}|$(id)|'
    assert (second.status, second.err) == (3, b"bad\n")
    assert notes[0].startswith("services: degraded")
    assert notes[1] == "no network: xenbr0 has no address after 60 s"


def test_what_is_lost_is_typed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A carriage return, a character of a command, two of the script."""
    monkeypatch.setattr(login, "AGAIN", 0.5)
    commands = ["echo 'as it was'"]
    first = len(f"\r:; echo done-$?-1-{TOKEN}")
    script = 900 + len(TOKEN)
    lost = frozenset({first, first + 5, script, script + 500})
    with machine(tmp_path, BOOT + AUTOMATIC + SHELL, commands, [], lost=lost) as target:
        target.to(State.POWERED_OFF)
    assert target.collector.results[0].text == "as it was\n"


def test_guests_of_a_run_are_heard_of(tmp_path: Path) -> None:
    """What the root's own service has left; the commands come after it."""
    (tmp_path / "xenolith").mkdir()
    said = tmp_path / "xenolith/said"
    said.write_text("note /share is not there\nguest up web\n")
    notes: list[str] = []
    with machine(tmp_path, BOOT + AUTOMATIC + SHELL, ["echo x"], notes) as target:
        target.to(State.POWERED_OFF)
    assert notes[-2:] == ["/share is not there", "guest web is created"]
    assert target.collector.results[0].text == "x\n"
    said.write_text("guest down web no space left\n")
    shutil.rmtree(tmp_path / "bin")
    with (
        machine(tmp_path, BOOT + AUTOMATIC + SHELL, ["echo x"], notes) as target,
        pytest.raises(LabError, match="guest web was not created: no space left"),
    ):
        target.to(State.POWERED_OFF)


def test_a_user_becomes_root(tmp_path: Path) -> None:
    begin = BOOT + AUTOMATIC + SHELL
    with machine(
        tmp_path,
        begin,
        ["echo done"],
        [],
        fakes={"id": "echo 1000", "sudo": 'shift; exec "$@"'},
    ) as target:
        target.to(State.POWERED_OFF)
        assert target.collector.results[0].text == "done\n"


@pytest.mark.parametrize(
    ("begin", "fakes", "message"),
    [
        (
            "while :; do printf 'pi login: '; read -r name; done",
            {},
            "wants a password at its console: --exec needs a card made with --ssh-key and without",
        ),
        (
            AUTOMATIC + SHELL,
            {"id": "echo 1000", "sudo": "echo 'sudo: a password is required'; exit 1"},
            "may not become root: sudo: a password is required",
        ),
        (
            "echo 'card: no driver has found a card'; echo 'card: going on without it: x'; "
            "echo 'This is dom0. Try: xl list'; " + SHELL,
            {},
            "card: no driver has found a card",
        ),
    ],
    ids=["password", "sudo", "rescue"],
)
def test_a_card_that_cannot_be_entered(
    tmp_path: Path, begin: str, fakes: dict[str, str], message: str
) -> None:
    with (
        machine(tmp_path, BOOT + begin, ["true"], [], fakes=fakes) as target,
        pytest.raises(LabError, match=message) as caught,
    ):
        target.to(State.DOM0)
    assert "\n" not in caught.value.message


def test_usb_is_plugged_in_when_the_hypervisor_speaks() -> None:
    """U-Boot has used the controller by then; before, nobody has connected."""
    options = ["-netdev", "user,id=net0", "-device", "usb-net,netdev=net0", "-device", "sdhci"]
    rest, devices = plug.split(options)
    assert (rest, devices) == ([*options[:2], "-device", "sdhci"], ["usb-net,netdev=net0"])
    heard: list[bytes] = []
    with plug.later(devices, heard.append) as (monitor, see), socket.socket(socket.AF_UNIX) as qemu:
        qemu.bind(monitor[1].removeprefix("unix:").partition(",")[0])
        qemu.listen()
        qemu.setblocking(False)
        see(b"U-Boot\r\n(XE")
        with pytest.raises(BlockingIOError):
            qemu.accept()
        for data in (b"N) ", b"Xenolith\r\n(XEN) more"):
            see(data)
        connection, _ = qemu.accept()
        with connection:
            assert connection.recv(100) == b"device_add usb-net,netdev=net0\n"
    assert b"".join(heard) == b"U-Boot\r\n(XEN) Xenolith\r\n(XEN) more"


def test_without_usb_there_is_no_monitor() -> None:
    with plug.later([], None) as (monitor, see):
        assert monitor == []
        see(b"(XEN) ")
