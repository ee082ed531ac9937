# SPDX-License-Identifier: Apache-2.0
"""`xenolith test --coverage`: tables of what gcovr counts, floors, and what the command refuses."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from xenolith import ROOT
from xenolith.cli.main import main
from xenolith.errors import UserError
from xenolith.testing import coverage
from xenolith.testing.coverage import Row


def file(name: str, *counts: int) -> dict[str, Any]:
    """An entry of gcovr's summary."""
    keys = ("line_covered", "line_total", "branch_covered", "branch_total")
    return {"filename": name, **dict(zip(keys, counts, strict=True))}


rows = coverage.rows_of(
    [
        file("xen/mm/a.c", 9, 10, 3, 4),
        file("xen/mm/b.c", 10, 10, 4, 4),
        file("xen/include/xen/c.h", 1, 3, 0, 0),
    ]
)


def test_folders_and_all() -> None:
    assert rows == [
        Row("xen/include", 1, 3, 0, 0),
        Row("xen/mm", 19, 20, 7, 8),
        Row("all", 20, 23, 7, 8),
    ]
    assert (rows[0].line_percent, rows[0].branch_percent) == (33.3, 100.0)
    assert coverage.percent(9999, 10000) == 99.9, "only all is 100"


def test_floors() -> None:
    good = {"xen/include": (33.3, 100.0), "xen/mm": (95.0, 87.5), "all": (80.0, 80.0)}
    assert coverage.too_low(rows, good) == []
    assert coverage.too_low(rows, good | {"xen/mm": (95.1, 0.0)}) == [
        "xen/mm: 95.0 % of lines, 87.5 % of branches; 95.1 and 0.0 wanted"
    ]
    assert coverage.too_low(rows, good | {"xen/mm": (0.0, 87.6)}) != []
    del good["all"]
    assert coverage.too_low(rows, good | {"xen/gone": (0.0, 0.0)}) == [
        "all: no floor in coverage.toml",
        "xen/gone: nothing of it was compiled",
    ]


def test_table() -> None:
    assert coverage.table(rows).splitlines()[2].split() == [
        *("xen/mm", "19", "of", "20", "95.0%", "7", "of", "8", "87.5%")
    ]
    shown = coverage.described(rows, ["x"], False)
    assert json.loads(json.dumps(shown))["folders"]["all"] == {
        "lines": [20, 23],
        "branches": [7, 8],
    }


def test_rules_are_of_folders_that_are_there() -> None:
    rules = coverage.read_rules()
    folders = {f"xen/{path.name}" for path in (ROOT / "xen").iterdir() if path.is_dir()}
    assert set(rules.floors) == folders | {"all"}
    for line in rules.unreachable:
        found = subprocess.run(["git", "grep", "-qP", line, "--", "xen"], cwd=ROOT, check=False)
        assert found.returncode == 0, f"no line of xen/ matches {line}"


def test_nothing_was_counted(tmp_path: Path) -> None:
    (tmp_path / "objects").mkdir()
    with pytest.raises(UserError, match="no test has counted anything"):
        coverage.gather(coverage.read_rules(), tmp_path)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--json"], "--json prints the table of --coverage"),
        (["--coverage", "--layer", "guests"], "--coverage is of the host layer"),
        (["--coverage", "--board", "rpi4"], "--coverage is of the host layer"),
        (["--coverage", "--long"], "--coverage is of the tests without --long"),
    ],
)
def test_wrong_use(options: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", *options]) == 2
    assert said in capsys.readouterr().err


def test_why_gcovr_gave_up() -> None:
    """Its last line only says that a worker has; a source that changed meanwhile is the cause."""
    said = (
        "(ERROR) - MainThread - Traceback (most recent call last):\n"
        "gcovr.exceptions.GcovrMergeAssertionError: p2m.c:142 Got function f on multiple lines\n"
        "\tYou can run gcovr with --merge-mode-functions=MERGE_MODE.\n"
        "(ERROR) - MainThread - Worker thread raised exception, workers canceled.\n"
    )
    assert coverage.reason(said).startswith("gcovr.exceptions.GcovrMergeAssertionError: p2m.c:142")
    assert coverage.reason("one\ntwo\n") == "two"
    assert coverage.reason("") == "no reason given"
