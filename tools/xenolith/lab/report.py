# SPDX-License-Identifier: Apache-2.0
"""What a boot said: results by name, and the tables that xl prints."""

from __future__ import annotations

from dataclasses import dataclass

from xenolith.errors import UserError
from xenolith.lab.console import LabError
from xenolith.lab.protocol import Result


@dataclass(frozen=True)
class Report:
    """Results of a boot's commands by the names given to them, and the console's log.

    `error`: why it ended before all commands were done; the results are those before.
    """

    results: dict[str, Result]
    console: str
    error: LabError | None = None

    def __getitem__(self, name: str) -> str:
        """Standard output of a command that must have succeeded. Raises UserError if it has not."""
        if name not in self.results:
            raise UserError(f"{name!r} was not reached: {self.error}")
        result = self.results[name]
        if result.status != 0:
            said = f"{result.text}{result.err.decode(errors='replace')}"
            raise UserError(f"{result.command!r} returned {result.status}\n{said}")
        return result.text


def until(condition: str) -> str:
    """The beginning of a command for dom0: waits until `condition` holds there.

    A machine with much else to do has five minutes; then the command ends with status 9.
    """
    return f"i=0; until {condition}; do i=$((i+1)); [ $i -lt 1500 ] || exit 9; sleep 0.2; done; "


ALONE = until('[ "$(xl list | wc -l)" = 2 ]')
"""Waits until dom0 has no guest, not even one on its way out: that loses its name first, and then
is listed as dying until its last reference is gone."""


def rows(table: str) -> list[list[str]]:
    """The words of each line below the heading of a table."""
    return [line.split() for line in table.splitlines()[1:] if line.strip()]


def fields(text: str) -> dict[str, str]:
    """`key : value` lines as a dictionary."""
    pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}
