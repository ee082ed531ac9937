# SPDX-License-Identifier: Apache-2.0
"""Sessions of the torture suite: which seed fails, how to make it again, how one ends. No QEMU."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from xenolith.bench import guest
from xenolith.bench.guest import Run
from xenolith.boards import find
from xenolith.build import host, make
from xenolith.build.make import Output
from xenolith.cli import main
from xenolith.errors import UserError
from xenolith.lab.console import Timeout
from xenolith.torture import session, tables
from xenolith.torture.session import Order, Result, Under

BOARD = find("qemu-virt-arm64")
UNDER = Under(BOARD, Path("hostile.elf"), Path("xenolith"))
GOOD = "BEGIN T1\nCALLS T1 100\nDONE passed 1 failed 0 known 0\n"
ODD = "SEEN T1 12 0 0 8000000000000000\n" + GOOD
"""A call gave what it never may, and no check of the kernel's own failed."""

Answers = Callable[[dict[int, str | BaseException]], list[Run]]
"""Seeds to what their runs say, or raise; all others are good. The runs that there were."""


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Runs of a kernel that are none."""

    def set_up(table: dict[int, str | BaseException]) -> list[Run]:
        runs: list[Run] = []

        def console_of(_board: object, run: Run, *_: object) -> str:
            runs.append(run)
            answer = table.get(int(run.args.split("seed=")[1].split()[0]), GOOD)
            if isinstance(answer, BaseException):
                raise answer
            return answer

        monkeypatch.setattr(guest, "console_of", console_of)
        return runs

    return set_up


FAILURES: list[str | BaseException] = [
    ODD,
    GOOD.replace("CALLS", "FAIL"),
    GOOD.replace("DONE", "(XEN)"),
    Timeout("no DONE in 5 s", "tail"),
    UserError("QEMU ended with status 1"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=["odd", "check", "end", "timeout", "qemu"])
def test_a_session_stops_at_the_seed_that_fails(
    answers: Answers, failure: str | BaseException
) -> None:
    """However it fails, though there is time for more."""
    runs = answers({7: failure})
    result = Result(BOARD.name)
    session.ours(UNDER, Order(seed=5), 10.0, result)
    assert result.seeds == [5, 6, 7] and len(runs) == 3
    assert result.failed == [7]
    assert all(line.startswith("seed 7: ") for line in result.problems) and result.problems


def test_a_wrong_command_is_not_a_problem_of_a_seed(answers: Answers) -> None:
    """A board that cannot run kernels is the user's."""
    answers({1: UserError("rpi4: no", 2)})
    with pytest.raises(UserError, match="rpi4"):
        session.ours(UNDER, Order(), 0.0, Result(BOARD.name))


def test_what_differs_from_xen_is_of_the_first_seed(
    answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Xen runs with that one only."""
    answers({})
    result = Result(BOARD.name)
    session.ours(UNDER, Order(seed=3), 0.0, result)
    result.seeds.append(4)
    monkeypatch.setattr(tables, "unlisted", lambda *_: (0, ["T1: differs"]))
    session.compare(UNDER, Order(seed=3), result)
    assert result.failed == [3] and result.problems == ["T1: differs"]


def test_the_limit_grows_with_the_work() -> None:
    """Half of the work is not half of the start."""
    assert session.seconds_of_pass(BOARD, 10) == session.PASS_TIMEOUT
    assert session.seconds_of_pass(BOARD, 300) == 3 * session.PASS_TIMEOUT
    assert session.seconds_of_pass(find("qemu-virt-riscv64-aia"), 100) > session.PASS_TIMEOUT


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The verb without installing and building; an image of a hypervisor."""
    image = tmp_path / "some image"
    image.touch()
    monkeypatch.setattr(host, "ensure", lambda *_: None)
    monkeypatch.setattr(host, "ensure_toolchain", lambda *_: "gcc")
    monkeypatch.setattr(make, "build", lambda *_, **__: Output(tmp_path))
    return image


def test_again_repeats_what_was_given(
    answers: Answers, verb: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last line is a command that makes the failure again."""
    runs = answers({3: ODD})
    words = ["torture", "--board", BOARD.name, "--percent", "20", "--rows", "T1,T8"]
    words += ["--toolchain", "clang", "--hypervisor", str(verb), "--threads", "--no-xen"]
    assert main.main([*words, "--seed", "2", "--minutes", "5"]) == 1
    said = capsys.readouterr().err.splitlines()
    (line,) = [line for line in said if "again: " in line]
    assert line.endswith(
        f"again: ./xenolith torture --board {BOARD.name} --seed 3 --percent 20 --rows T1,T8 "
        f"--toolchain clang --hypervisor '{verb}' --threads --no-xen"
    )
    assert runs[-1].hypervisor == verb


def test_an_interrupt_leaves_what_there_is(
    answers: Answers, verb: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a table or JSON; and in the first pass there is nothing."""
    answers({2: KeyboardInterrupt()})
    words = ["torture", "--board", BOARD.name, "--hypervisor", str(verb), "--minutes", "5"]
    assert main.main([*words, "--json"]) == 130
    found = json.loads(capsys.readouterr().out)
    assert found["seeds"] == [1] and found["calls"] == 100 and found["interrupted"]
    assert main.main(words) == 130
    assert "100 calls" in capsys.readouterr().out
    assert main.main([*words, "--seed", "2"]) == 130
    assert "0 calls" in capsys.readouterr().out


def test_options_that_do_not_go_together(verb: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another's image is no build of ours."""
    assert main.main(["torture", "--debug", "--hypervisor", str(verb)]) == 2
    assert "--debug" in capsys.readouterr().err


def test_rows_that_a_board_cannot_play(capsys: pytest.CaptureFixture[str]) -> None:
    aia = find("qemu-virt-riscv64-aia")
    assert session.playable(aia, ("T1", "T3"), threads=False) == ("T1",)
    assert session.playable(aia, ("T1", "T3"), threads=True) == ("T1", "T3")
    assert session.playable(find("qemu-virt-riscv64"), ("T3",), threads=False) == ()
    assert session.playable(find("qemu-virt-arm64"), ("T3",), threads=False) == ("T3",)
    assert main.main(["torture", "--board", aia.name, "--rows", "T3"]) == 2
    assert "wants --threads" in capsys.readouterr().err
