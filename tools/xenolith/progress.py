# SPDX-License-Identifier: Apache-2.0
"""Progress on stderr: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

PLAIN_INTERVAL = 5.0
"""Seconds between two lines about the same step where lines cannot be rewritten."""
LONG_INTERVAL = 20.0
"""The same for steps that take minutes."""


def note(text: str) -> None:
    """One line for the user, now."""
    print(text, file=sys.stderr, flush=True)


def size_text(count: float) -> str:
    """A number of bytes for people: `37.7 MB` (powers of 1000)."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def _amount(done: int, total: int | None) -> str:
    return f"{size_text(done)} of {size_text(total)}" if total else size_text(done)


def _share(done: int, total: int) -> str:
    """What is finished, in percent; an estimate never says that all is."""
    return f"{min(99, 100 * done // max(total, 1))} %" if total else f"{done} done"


class Step:
    """One piece of work that takes noticeable time; a context manager made by `step`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.begun = time.monotonic()

    def __enter__(self) -> Step:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _exc: BaseException | None,
        _tb: TracebackType | None,
    ) -> None:
        self.finish(failed=kind is not None)

    def update(self, detail: str) -> None:
        """Says what is being done within the step."""

    def amount(self, done: int, total: int | None = None) -> None:
        """Bytes done so far, of `total` if that is known."""
        self.update(_amount(done, total))

    def part(self, done: int, total: int, detail: str) -> None:
        """`done` of about `total` pieces of work, and what the newest one is."""
        self.update(_share(done, total))

    def finish(self, *, failed: bool) -> None:
        """The closing line: how long it took, or that it failed."""
        seconds = time.monotonic() - self.begun
        note(f"{self.text}: {'failed' if failed else 'done'} ({seconds:.1f} s)")


class _PlainStep(Step):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._last = self.begun
        note(f"{text} ...")

    def update(self, detail: str) -> None:
        self._say(detail, PLAIN_INTERVAL)

    def part(self, done: int, total: int, detail: str) -> None:
        del detail
        self._say(_share(done, total), LONG_INTERVAL)

    def _say(self, detail: str, interval: float) -> None:
        now = time.monotonic()
        if now - self._last >= interval:
            self._last = now
            note(f"{self.text}: {detail}")


class _LiveStep(Step):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[detail]}", markup=False),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task(text, total=None, detail="")
        self._bar.start()

    def update(self, detail: str) -> None:
        self._bar.update(self._task, detail=detail)

    def amount(self, done: int, total: int | None = None) -> None:
        self._bar.update(self._task, completed=done, total=total, detail=_amount(done, total))

    def part(self, done: int, total: int, detail: str) -> None:
        shown = f"{_share(done, total)}  {detail[:40]}"
        known = max(total, 1) if total else None
        self._bar.update(self._task, completed=min(done, total), total=known, detail=shown)

    def finish(self, *, failed: bool) -> None:
        self._bar.stop()
        super().finish(failed=failed)


def step(text: str) -> Step:
    """`with step("downloading the kernel") as s: s.amount(done, total)`."""
    return _LiveStep(text) if sys.stderr.isatty() else _PlainStep(text)


@contextmanager
def quiet_step(text: str, after: float = 1.0) -> Iterator[None]:
    """A step that says something only if it took longer than `after` seconds."""
    begun = time.monotonic()
    yield
    seconds = time.monotonic() - begun
    if seconds > after:
        note(f"{text}: done ({seconds:.1f} s)")
