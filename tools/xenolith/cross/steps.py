# SPDX-License-Identifier: Apache-2.0
"""Runs the commands of a build: output to a log, progress from it, one line if one fails."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xenolith import progress
from xenolith.cross.project import Step
from xenolith.errors import UserError

FAULT = re.compile(
    r"\berror:|\bundefined reference\b|: not found$|: No such file or directory$|can't open file"
)
"""A line that tells the reason of a failure."""


@dataclass(frozen=True)
class Place:
    """Where the commands run. `words`: what stands for @name@ in them."""

    label: str
    log: Path
    words: dict[str, str]
    environment: dict[str, str]
    lock: int
    """The descriptor of the build's lock: commands that outlive this program keep it."""

    def filled(self, text: str) -> str:
        """A text with its @words@ replaced."""
        for name, value in self.words.items():
            text = text.replace(f"@{name}@", value)
        return text


def run(place: Place, step: Step) -> None:
    """Run one step; the log is added to. Raises UserError."""
    command = [place.filled(word) for word in step.command]
    env = place.environment | {name: place.filled(value) for name, value in step.env.items()}
    begun = _length(place.log)
    # What earlier attempts have done counts as done.
    seen = set(_lines(place.log, 0)) if step.lines else set()
    with (
        progress.step(f"{place.label}: {step.text}") as shown,
        place.log.open("ab") as log,
        _start(command, place.filled(step.folder), env, place.lock) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            log.write(line)
            log.flush()
            text = line.decode(errors="replace").strip()
            seen.add(text)
            shown.part(len(seen), step.lines, text)
        code = process.wait()
        if code != 0:
            raise _failure(place, step, _lines(place.log, begun), code)


def _start(
    command: Sequence[str], folder: str, env: dict[str, str], lock: int
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(lock,),
        )
    except FileNotFoundError as e:
        raise UserError(f"{command[0]} not found; ./xenolith doctor says how to get it") from e


def base_environment(home: Path) -> dict[str, str]:
    """What every command sees: nothing of the user's settings. `home`/bin comes first in PATH."""
    path = f"{home / 'bin'}:{os.environ.get('PATH', '/usr/bin:/bin')}"
    return {"PATH": path, "HOME": str(home), "LC_ALL": "C", "TZ": "UTC", "SOURCE_DATE_EPOCH": "0"}


def _length(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def _lines(log: Path, start: int) -> list[str]:
    """The lines of the log from an offset on."""
    if not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(start)
        return [line.decode(errors="replace").strip() for line in file]


def _failure(place: Place, step: Step, said: list[str], code: int) -> UserError:
    """The error for a command that ended with `code`."""
    if any("No space left on device" in line for line in said):
        return UserError(f"{place.label}: the disk is full; make room, or set XENOLITH_CACHE")
    found = [line for line in said if FAULT.search(line)]
    last = next((line for line in reversed(said) if line), f"it ended with {code}")
    if not found and code < 0:
        last = f"{step.command[0]} was ended by signal {-code}"
    reason = found[0] if found else last
    return UserError(
        f"{place.label}: {step.text} failed: {reason[:300]}; all of it: {place.log}; "
        "the next run goes on from here"
    )


def jobs() -> int:
    """How many commands may run at a time."""
    return len(os.sched_getaffinity(0))


def prune(tree: Path) -> None:
    """Remove object files that a killed compiler left incomplete; make would take them as done."""
    for path in tree.rglob("*.[oa]"):
        if path.is_file() and not path.is_symlink() and not _whole(path):
            path.unlink()


def _whole(path: Path) -> bool:
    """False for a file that is empty, or an ELF file that ends before its section headers do."""
    with path.open("rb") as file:
        head = file.read(64)
    if head[:5] != b"\x7fELF\x02":
        return bool(head.strip(b"\0"))
    if len(head) < 64:
        return False
    table = int.from_bytes(head[40:48], "little")
    entry, count = (int.from_bytes(head[at : at + 2], "little") for at in (58, 60))
    return table > 0 and table + entry * count <= path.stat().st_size
