# SPDX-License-Identifier: Apache-2.0
"""The results of a run for a program: one object of JSON, however the run ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from xenolith.errors import UserError, explain
from xenolith.lab.target import Target


@dataclass
class Results:
    """What a run gives. `target`: None until the machine is switched on."""

    target: Target | None = None

    def described(self, problem: str | None) -> dict[str, object]:
        """`error`: why the run did not come to its end."""
        target = self.target
        return {
            "error": problem,
            "network": target.network if target else None,
            "log": str(target.console.log) if target else None,
            "results": [
                {
                    "command": result.command,
                    "status": result.status,
                    "stdout": result.text,
                    "stderr": result.err.decode(errors="replace"),
                }
                for result in (target.collector.results if target else ())
            ],
        }


@contextmanager
def printed(wanted: bool) -> Iterator[Results]:
    """Print the results at the end of the block, also if it ends by an error or by Ctrl-C."""
    found = Results()
    problem: str | None = None
    try:
        yield found
    except BaseException as e:
        problem = _reason(e)
        raise
    finally:
        if wanted:
            print(json.dumps(found.described(problem), indent=1))


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, UserError):
        return error.message
    return explain(error) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
