# SPDX-License-Identifier: Apache-2.0
"""The table of guards that tests/mutants/run.py takes out is about the code as it stands."""

from __future__ import annotations

import tomllib

from xenolith import ROOT


def test_each_guard_stands_where_the_table_says() -> None:
    """Once: a table that nobody can apply shows nothing."""
    table = tomllib.loads((ROOT / "tests/mutants/mutants.toml").read_text())["mutant"]
    assert len(table) >= 10
    assert len({entry["name"] for entry in table}) == len(table)
    for entry in table:
        assert (ROOT / entry["file"]).read_text().count(entry["old"]) == 1, entry["name"]
        assert entry["old"] != entry["new"]
