# SPDX-License-Identifier: Apache-2.0
"""Consoles, the protocol with dom0, the states of a target: with recorded and made-up output."""

from __future__ import annotations

import base64
import gzip
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from xenolith.errors import UserError
from xenolith.lab import terminal
from xenolith.lab.console import Closed, Console, Deadline, Forbidden, LabError, Timeout
from xenolith.lab.protocol import Collector, Decoder, Event, Result, Terminal, new_token, overlay
from xenolith.lab.replay import Replay
from xenolith.lab.screen import Screen, key_names
from xenolith.lab.target import State, Target

TOKEN = "xenolith-0123"


class Silent(Replay):
    """A line on which nothing more comes, and which does not close."""

    def receive(self, timeout: float) -> bytes:
        try:
            return super().receive(timeout)
        except EOFError:
            return b""


def test_expect_goes_on_after_the_last_match(tmp_path: Path) -> None:
    console = Console(Replay([b"one tw", b"o\nthr", b"ee two\n"]), tmp_path / "log")
    assert console.expect(rb"t(w)o", Deadline(5))[1] == b"w"
    assert console.expect(rb"thr\w+ two", Deadline(5))
    with pytest.raises(Closed, match="stopped while waiting for more"):
        console.expect(rb"two", Deadline(5), "more")
    console.close()
    lines = (tmp_path / "log").read_bytes().splitlines()
    assert [line[12:] for line in lines] == [b"one two", b"three two"]


def test_deadline() -> None:
    console = Console(Silent([b"hello\n"]))
    with pytest.raises(Timeout, match="waiting 0 s for dom0") as error:
        console.expect(rb"never", Deadline(0.05), "dom0")
    assert error.value.tail == "hello"


@pytest.mark.parametrize(
    "line",
    [
        b"[    1.44] Kernel panic - not syncing: VFS",
        b"(XEN) Panic on CPU 0:",
        b"(XEN) [   1.0] panic: no console",
        b"[    1.44] BUG: scheduling while atomic",
        b"[    1.44] Internal error: Oops: 0000000096000004 [#1] SMP",
        b"(XEN) Assertion 'a == b' failed at x.c:3",
    ],
)
def test_forbidden_lines(line: bytes) -> None:
    console = Console(Replay([b"(XEN) fine\r\n" + line + b"\r\n", b"call trace\r\n", b"login\r\n"]))
    with pytest.raises(Forbidden) as error:
        console.expect(b"login", Deadline(5))
    assert line.decode() in error.value.message
    assert "call trace" in error.value.tail


@pytest.mark.parametrize(
    "line",
    [
        b"[   21.9] Initramfs unpacking failed: write error",
        b"[    0.6] Kernel panic - not syncing: System is deadlocked on memory",
    ],
)
def test_what_is_short_of_memory_has_a_remedy(line: bytes) -> None:
    console = Console(Replay([line + b"\r\n", b"login\r\n"]))
    with pytest.raises(Forbidden, match=r"dom0 has too little memory, raise dom0_mem="):
        console.expect(b"login", Deadline(5))


@pytest.mark.parametrize(
    "line",
    [
        *(b"Kernel command line: panic=5 x", b"(XEN) Command line: panic=1", b"DEBUG: fine"),
        b"[    1.2] Initramfs unpacking failed: invalid magic at start of compressed archive",
    ],
)
def test_lines_that_are_not_forbidden(line: bytes) -> None:
    console = Console(Replay([line + b"\r\nlogin\r\n"]))
    assert console.expect(b"login", Deadline(5))


def test_the_tail_is_printable() -> None:
    console = Console(Replay([b"a\x1b[6n\r\nb\xff\n"]))
    console.receive(Deadline(1), "x")
    assert console.tail() == "a?[6n\nb\ufffd"


def dom0_says(commands: dict[str, Result]) -> bytes:
    """What init prints for these results."""
    lines = [f"{TOKEN} ready", f"{TOKEN} network up eth0 10.0.2.15/24"]
    for number, result in enumerate(commands.values()):
        lines.append(f"{TOKEN} begin {number:04}")
        for kind, data in (("out", result.out), ("err", result.err)):
            text = base64.b64encode(gzip.compress(data, mtime=0)).decode() if data else ""
            lines += [
                f"{TOKEN} {kind} {number:04} {text[at : at + 100]}"
                for at in range(0, len(text), 100)
            ]
        lines.append(f"{TOKEN} end {number:04} {result.status}")
    return "".join(f"{line}\r\n" for line in [*lines, f"{TOKEN} done"]).encode()


def collect(data: Iterator[bytes], commands: list[str]) -> list[Result]:
    decoder, collector = Decoder(TOKEN), Collector(commands)
    for chunk in data:
        for event in decoder.feed(chunk):
            collector.take(event)
    return collector.results


def test_results_may_come_as_kernel_messages() -> None:
    said = re.sub(rb"(?m)^", b"[   12.345678] ", dom0_says(RESULTS))
    assert collect(iter([said]), list(RESULTS)) == list(RESULTS.values())


def random_bytes(count: int) -> bytes:
    return random.Random(count).randbytes(count)


RESULTS = {
    "a": Result("a", 0, b"plain\n", b""),
    "b": Result("b", 7, b"", b"only errors"),
    "c": Result("c", 0, random_bytes(5000), b"\0\xff\r\n"),
}


def test_results_arrive_exactly() -> None:
    assert collect(iter([dom0_says(RESULTS)]), list(RESULTS)) == list(RESULTS.values())


@pytest.mark.parametrize("seed", range(20))
def test_messages_in_the_middle_of_lines_do_no_harm(seed: int) -> None:
    choose = random.Random(seed)
    messages = [b"(XEN) [  1.000000] grant table\r\n", b"[   12.345678] virtio: hello\r\n"]
    data = bytearray(dom0_says(RESULTS))
    for at in sorted((choose.randrange(len(data)) for _ in range(30)), reverse=True):
        data[at:at] = choose.choice(messages)
    size = choose.randrange(1, 200)
    chunks = (bytes(data[at : at + size]) for at in range(0, len(data), size))
    assert collect(chunks, list(RESULTS)) == list(RESULTS.values())


@pytest.mark.parametrize(
    "damage",
    [lambda d: d.replace(b"out 0002", b"oot 0002", 1), lambda d: d.replace(b"H4sI", b"!4s")],
)
def test_damage_is_noticed(damage) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="on the console"):
        collect(iter([damage(dom0_says(RESULTS))]), list(RESULTS))


def test_unknown_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="not given"):
        Collector([]).take(Event("begin", "0000"))


def test_the_overlay_is_for_one_run() -> None:
    assert new_token() != new_token()
    with_commands = overlay(TOKEN, ["xl list"], None)
    assert b"xenolith/exec/0000" in with_commands
    assert b"xl list\n" in with_commands
    shell = overlay(TOKEN, [], Terminal(40, 132, "xterm"))
    assert TOKEN.encode() not in shell
    assert b"xenolith/network" not in with_commands
    assert b"xenolith/network" in overlay(TOKEN, ["xl list"], network=True)
    assert b"40 132 xterm\n" in shell


BOOT = b"(XEN) Xenolith\r\n[    0.000000] Booting Linux on physical CPU 0x0\r\n"


def target(chunks: list[bytes], commands: list[str]) -> Target:
    return Target(Console(Replay(chunks)), TOKEN, Collector(commands), Deadline(10))


def test_a_machine_that_hangs_is_asked_for_its_state() -> None:
    link = Silent([BOOT])
    machine = Target(Console(link), TOKEN, Collector([]), Deadline(0.1))
    with pytest.raises(Timeout, match="dom0's tools"):
        machine.to(State.DOM0)
    assert link.sent.startswith(b"\x01\x01\x01d")


def test_a_run_goes_through_all_states() -> None:
    machine = target([BOOT, dom0_says(RESULTS)], list(RESULTS))
    for state in list(State)[1:]:
        machine.to(state)
        assert machine.state == state
    assert machine.collector.results == list(RESULTS.values())


def test_a_machine_that_stops_early_names_the_command() -> None:
    said = dom0_says({"a": RESULTS["a"]}).replace(f"{TOKEN} done".encode(), b"")
    machine = target([BOOT + said], ["a", "xl list"])
    with pytest.raises(LabError, match="stopped before 'xl list' was done"):
        machine.to(State.POWERED_OFF)


def test_a_machine_that_stops_while_booting() -> None:
    with pytest.raises(Closed, match="while waiting for dom0's tools"):
        target([BOOT], ["a"]).to(State.POWERED_OFF)
    with pytest.raises(Closed, match="the hypervisor's first line"):
        target([b""], ["a"]).to(State.POWERED_OFF)


def test_what_dom0_says_about_itself_is_passed_on() -> None:
    notes: list[str] = []
    console = Console(Replay([BOOT, f"{TOKEN} note no Xen\r\n{TOKEN} ready\r\n".encode()]))
    machine = Target(console, TOKEN, Collector([]), Deadline(10), on_note=notes.append)
    machine.to(State.DOM0)
    assert notes == ["no Xen"]


@pytest.mark.parametrize(
    ("said", "known", "notes"),
    [
        ("up eth0 10.0.2.15/24", "eth0 10.0.2.15/24", []),
        ("absent", "", []),
        ("down eth0 has no link", "eth0 has no link", ["no network: eth0 has no link"]),
    ],
)
def test_the_network_is_waited_for(said: str, known: str, notes: list[str]) -> None:
    """Commands begin when it is up, or known not to come; the user hears of the latter."""
    heard: list[str] = []
    lines = [f"{TOKEN} {text}\r\n".encode() for text in ("ready", f"network {said}")]
    link = Replay([BOOT, *lines])
    machine = Target(Console(link), TOKEN, Collector(["a"]), Deadline(10), on_note=heard.append)
    machine.to(State.DOM0)
    assert machine.network == ""
    machine.to(State.NETWORK)
    assert (machine.network, heard) == (known, notes)


def test_a_network_that_never_answers_is_named() -> None:
    link = Silent([BOOT, f"{TOKEN} ready\r\n".encode()])
    machine = Target(Console(link), TOKEN, Collector(["a"]), Deadline(0.1))
    with pytest.raises(Timeout, match="dom0's network"):
        machine.to(State.NETWORK)


def test_a_dom0_that_failed_says_why() -> None:
    machine = target([BOOT, f"{TOKEN} failed xenstored did not start (1)\r\n".encode()], ["a"])
    with pytest.raises(LabError, match=r"dom0: xenstored did not start \(1\)"):
        machine.to(State.DOM0)


def test_a_reboot_by_a_command_is_no_failure() -> None:
    machine = target([BOOT + dom0_says({"a": RESULTS["a"]})], ["a", "never begun"])
    machine.to(State.POWERED_OFF)
    assert len(machine.collector.results) == 1


@pytest.mark.parametrize(
    ("typed", "passed", "leaves"),
    [
        ([b"ls\r"], b"ls\r", False),
        ([b"\x01\x01\x01"], b"\x01\x01\x01", False),
        ([b"\x01", b"x"], b"\x01", True),
        ([b"a\x01xb"], b"a\x01", True),
        ([b"\x01\x01x"], b"\x01\x01", True),
        ([b"\x01ax"], b"\x01ax", False),
    ],
)
def test_keys(typed: list[bytes], passed: bytes, leaves: bool) -> None:
    keys = terminal.Keys()
    assert b"".join(keys.typed(data) for data in typed) == passed
    assert keys.leave == leaves


def test_keys_of_a_text() -> None:
    assert key_names("xl l-Z1\n") == [
        *(["x"], ["l"], ["spc"], ["l"], ["minus"], ["shift", "z"], ["1"], ["ret"]),
    ]
    with pytest.raises(ValueError, match="no key for 'é'"):
        key_names("é")


def test_a_screen_without_a_machine(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"QEMU's monitor does not answer: No such file"):
        Screen(tmp_path / "qmp").type("a")
