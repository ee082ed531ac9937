# SPDX-License-Identifier: Apache-2.0
"""The states of a machine that boots a hypervisor and dom0, and how its console shows them."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable, Sequence

from xenolith.lab.console import Closed, Console, Deadline, LabError, Timeout
from xenolith.lab.protocol import Collector, Decoder, Event, Result


class State(enum.IntEnum):
    """In the order in which a run goes through them."""

    OFF = 0
    HYPERVISOR = 1
    DOM0_KERNEL = 2
    DOM0 = 3
    NETWORK = 4
    """dom0's network is up, or known not to come up; commands begin."""
    GUESTS = 5
    """The guests that the host has given are created."""
    POWERED_OFF = 6


MARKS = {
    State.HYPERVISOR: (rb"\(XEN\) ", "the hypervisor's first line"),
    State.DOM0_KERNEL: (rb"Booting Linux on physical CPU|Linux version ", "dom0's kernel"),
}


DEBUG_KEYS = b"\x01\x01\x01dqra"
"""Input to the hypervisor, then: registers, domains, run queues, timers."""


class Target:
    """Follows one boot, from power on to power off; all waiting ends at one deadline."""

    def __init__(
        self,
        console: Console,
        token: str,
        collector: Collector,
        deadline: Deadline,
        on_result: Callable[[Result], None] = lambda _result: None,
        *,
        on_note: Callable[[str], None] = lambda _text: None,
        enter: Callable[[Console, Deadline], None] | None = None,
        guests: Sequence[str] = (),
    ) -> None:
        """`on_result` is called for each command's result as it comes, `on_note` with what dom0
        has to say about itself. `enter` is called when dom0's kernel runs: it gives the commands
        to a dom0 that does not have them yet. `guests`: names of those that dom0 creates.
        """
        self.console = console
        self.collector = collector
        self.deadline = deadline
        self.state = State.OFF
        self.network = ""
        """Interface and address of dom0 once it has these, or why it has none."""
        self._on_result = on_result
        self._on_note = on_note
        self._enter = enter
        self._guests = list(guests)
        self._decoder = Decoder(token)
        self._events: deque[Event] = deque()
        self._fed = 0
        self._done = False

    def to(self, state: State) -> None:
        """Wait until the machine has reached `state`. Raises LabError.

        If the deadline passes, the hypervisor is asked for its state first: it is in the log.
        """
        try:
            self._to(state)
        except Timeout:
            if self.state >= State.HYPERVISOR:
                self.console.interrogate(DEBUG_KEYS)
            raise

    def _to(self, state: State) -> None:
        for step, (pattern, what) in MARKS.items():
            if self.state < step <= state:
                self.console.expect(pattern, self.deadline, what)
                self.state = step
        if self.state < State.DOM0 <= state:
            if self._enter:
                self._enter(self.console, self.deadline)
            while self._next("dom0's tools").kind != "ready":
                pass
            self.state = State.DOM0
        if self.state < State.NETWORK and state is State.NETWORK:
            while self._next("dom0's network").kind != "network":
                pass
            self.state = State.NETWORK
        if self.state < State.GUESTS and state is State.GUESTS:
            while self._guests:
                self._next(f"guest {self._guests[0]}")
            self.state = State.GUESTS
        if self.state < State.POWERED_OFF <= state:
            self._to_powered_off()

    def _to_powered_off(self) -> None:
        try:
            while True:
                running = self.collector.running
                self._next(f"the end of {running!r}" if running else "the power to go off")
        except Closed as e:
            self.state = State.POWERED_OFF
            unfinished = self.collector.unfinished()
            if unfinished is not None and not self._done:
                message = f"the machine stopped before {unfinished!r} was done"
                raise LabError(message, e.tail) from e

    def _network(self, said: str) -> None:
        kind, _, self.network = said.partition(" ")
        if kind == "down":
            self._on_note(f"no network: {self.network}")

    def _guest(self, said: str) -> None:
        """`up NAME` or `down NAME WHY`. Raises LabError for the latter."""
        state, _, rest = said.partition(" ")
        name, _, why = rest.partition(" ")
        if state == "down":
            message = f"guest {name} was not created: {why or 'xl does not say why'}"
            raise LabError(message, self.console.tail(3))
        self._on_note(f"guest {name} is created")
        if name in self._guests:
            self._guests.remove(name)

    def _next(self, waiting_for: str) -> Event:
        """The next event, after what it means has been done."""
        while not self._events:
            data = bytes(self.console.data[self._fed :])
            if data:
                self._fed += len(data)
                self._events.extend(self._decoder.feed(data))
            else:
                self.console.receive(self.deadline, waiting_for)
        event = self._events.popleft()
        self._done = self._done or event.kind == "done"
        if event.kind == "note":
            self._on_note(event.rest)
        if event.kind == "network":
            self._network(event.rest)
        if event.kind == "guest":
            self._guest(event.rest)
        if event.kind == "failed":
            raise LabError(f"dom0: {event.rest}", self.console.tail(40))
        try:
            result = self.collector.take(event)
        except ValueError as e:
            raise LabError(str(e), self.console.tail()) from e
        if result:
            self._on_result(result)
        return event
