# SPDX-License-Identifier: Apache-2.0
"""tests/mutants: the table is about the code as it stands, and run.py tells what tests say."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from xenolith import ROOT
from xenolith.errors import UserError
from xenolith.prove.harness import Edit


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """run.py, which works in an empty folder."""
    spec = importlib.util.spec_from_file_location("run_mutants", ROOT / "tests/mutants/run.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    copy = tmp_path / "copy"
    (copy / "build").mkdir(parents=True)
    monkeypatch.setattr(module, "COPY", copy)
    monkeypatch.setattr(module, "copy_tree", lambda: None)
    monkeypatch.setattr(Edit, "apply", lambda *_: None)
    return module


def says(run: Any, monkeypatch: pytest.MonkeyPatch, *answers: tuple[int | None, str]) -> None:
    """What runs of tests end with, one after the other: code (None: too late) and output."""
    left = list(answers)

    def run_tests(_command: object, log: Path, _seconds: float) -> int | None:
        code, text = left.pop(0)
        log.write_text(text)
        return code

    monkeypatch.setattr(run, "run_tests", run_tests)


def test_each_guard_stands_where_the_table_says(run: Any) -> None:
    """Once: a table that nobody can apply shows nothing."""
    table = run.mutants()
    assert len(table) >= 10
    assert len({mutant.name for mutant in table}) == len(table)
    for mutant in table:
        edit = mutant.edit
        assert (ROOT / edit.file).read_text().count(edit.old) == 1, mutant.name
        assert edit.old != edit.new


SUITE = ["--only", "iomem", "--layers", "suite"]


@pytest.mark.parametrize(
    "case",
    [
        ((1, "1 failed"), 0, "iomem          suite  "),
        ((1, "a.c:7:3: runtime error: shift exponent 64"), 0, "iomem          suite  "),
        ((0, "1 passed"), 1, "iomem          SURVIVES  "),
        ((None, ""), 1, "iomem          SURVIVES, suite timed out "),
    ],
)
def test_what_is_said(
    run: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    case: tuple[tuple[int | None, str], int, str],
) -> None:
    answer, code, said = case
    says(run, monkeypatch, (0, ""), answer)
    assert run.main(SUITE) == code
    assert said in capsys.readouterr().out


def test_tests_that_fail_without_a_mutant_say_nothing(
    run: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for answer, said in (((1, ""), "suite fails"), ((None, ""), "suite timed out")):
        says(run, monkeypatch, answer)
        assert run.main(SUITE) == 2
        assert f"without a mutant: {said}" in capsys.readouterr().out


def test_a_mutant_that_is_none(
    run: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It does not compile, it does not fit, or nobody knows it."""
    says(run, monkeypatch, (0, ""), (1, "xen/a.c:7:3: error: expected ';'"))
    assert run.main(SUITE) == 2
    assert "iomem: it does not compile" in capsys.readouterr().err

    def apply(*_: object) -> None:
        raise UserError("a.c has 0 times")

    monkeypatch.setattr(Edit, "apply", apply)
    says(run, monkeypatch, (0, ""))
    assert run.main(SUITE) == 2
    assert "iomem: a.c has 0 times" in capsys.readouterr().err
    with pytest.raises(SystemExit) as error:
        run.main(["--only", "nope"])
    assert error.value.code == 2


def alive(pid: int) -> bool:
    """Is there a process that runs? One whose end nobody has asked for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_tests_that_take_too_long_leave_no_process(
    run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither themselves nor what they started, even if they do not listen."""
    monkeypatch.setattr(run, "GRACE", 0.2)
    script = "trap '' INT; setsid sleep 1000 & echo $! >pid; wait; sleep 1000"
    assert run.run_tests(["sh", "-c", script], tmp_path / "log", 1) is None
    child = int((run.COPY / "pid").read_text())
    end = time.monotonic() + 10
    while alive(child) and time.monotonic() < end:
        os.sched_yield()
    assert not alive(child)
