# SPDX-License-Identifier: Apache-2.0
"""Whole systems in QEMU. `--hypervisor xen` runs the same tests on Debian's Xen, as the oracle."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from xenolith.boards import Board, find
from xenolith.boards.registry import DEFAULT
from xenolith.dom0 import image
from xenolith.dom0.image import Dom0
from xenolith.lab import added, bare, qemu, session
from xenolith.lab.console import Console, Deadline, LabError
from xenolith.lab.extras import Extras
from xenolith.lab.report import Report
from xenolith.system.model import System

TIMEOUT = 900.0
"""Seconds for one boot with all its commands; 10 to 25 are usual on two cores."""

END = rb"Panic on CPU|Halted|Reboot in|halt"
BARE_TIMEOUT = 300.0
"""Seconds until the hypervisor has said what it has to say, and stopped."""

Boot = Callable[..., Report]
MakeSystem = Callable[..., System]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests of this folder that are not for the board."""
    board = find(config.getoption("--board", default=DEFAULT))
    here = Path(__file__).parent
    other = []
    for item in items:
        if here in item.path.parents and item.get_closest_marker("timeout") is None:
            # The lab's own deadline comes first: it says what was waited for.
            item.add_marker(pytest.mark.timeout(TIMEOUT + 300))
        mark = item.get_closest_marker("families")
        if here in item.path.parents and board.family not in (
            mark.args if mark else ("qemu-virt",)
        ):
            other.append(item)
    if other:
        config.hook.pytest_deselected(items=other)
        items[:] = [item for item in items if item not in other]


@pytest.fixture(scope="session")
def dom0(request: pytest.FixtureRequest, board: Board) -> Dom0:
    """The usual kernel, unless another one is named, and our initramfs."""
    given: str | None = request.config.getoption("--kernel")
    if given:
        made = image.build(board.debian_arch, kernel="given")
        return replace(made, kernel=Path(given).absolute())
    return image.build(board.debian_arch)


@pytest.fixture(scope="session")
def make_system(board: Board, hypervisor: Path, dom0: Dom0) -> MakeSystem:
    """A function from smp, memory (MiB) and further arguments to a System.

    A board with a fixed number of CPUs has that many.
    """

    def make(smp: int = 2, memory: int = 2048, xen_args: str = "", dom0_args: str = "") -> System:
        smp = max(smp, board.min_smp)
        return System(board, hypervisor, dom0.kernel, dom0.initrd, smp, memory, xen_args, dom0_args)

    return make


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """For a socket, whose name may have 107 characters."""
    with tempfile.TemporaryDirectory(prefix="xenolith-") as name:
        yield Path(name)


def with_files(files: Mapping[str, bytes], folder: Path) -> Extras:
    """What a user would write as --add for each of `files`; they are kept in `folder`."""
    found = []
    for number, (target, data) in enumerate(files.items()):
        (folder / str(number)).write_bytes(data)
        found.append(added.parse(f"{folder}/{number}:{target}"))
    return Extras(added=tuple(found))


@pytest.fixture(scope="session")
def boot() -> Boot:
    """A function that boots, runs commands in dom0 in order and powers off.

    `extra`: QEMU's devices instead of the board's network. `files`: what dom0 finds, by its path.
    If something goes wrong on the way, tests of what came before can still pass.
    """

    def run(
        system: System,
        name: str,
        commands: dict[str, str],
        extra: Sequence[str] | None = None,
        *,
        files: Mapping[str, bytes] | None = None,
        timeout: float = TIMEOUT,
    ) -> Report:
        with tempfile.TemporaryDirectory(prefix="files-") as folder:
            extras = with_files(files or {}, Path(folder))
            options = session.Options(name, timeout, extra=extra, extras=extras)
            results, error = session.attempt(system, list(commands.values()), options)
        if error and not results:
            pytest.fail(f"{error.message}\n{error.tail}", pytrace=False)
        console = session.log_file(system, name).read_text(errors="replace")
        return Report(dict(zip(commands, results, strict=False)), console, error)

    return run


@pytest.fixture
def start(board: Board, hypervisor: Path, on_xen: bool, tmp_path: Path) -> Callable[..., str]:
    """A function that boots, waits for a message and the halt, and returns all that was said."""
    if on_xen:
        pytest.skip("the messages are ours")

    def run(
        boot: bare.Boot,
        message: str,
        machine: str = "",
        cpu: str = "",
        *,
        ends: bool = True,
        extra: Sequence[str] = (),
    ) -> str:
        model = replace(
            board.qemu, machine=machine or board.qemu.machine, cpu=cpu or board.qemu.cpu
        )
        played = replace(board, qemu=model)
        options = bare.options(played, boot, hypervisor, tmp_path)
        command = [*model.command(1, bare.MEMORY), *options, *extra]
        log = tmp_path / "console.log"
        with qemu.Machine(command) as running:
            console = Console(running, log, forbidden=())
            deadline = Deadline(BARE_TIMEOUT)
            try:
                console.expect(message.encode(), deadline, repr(message))
                while ends and not re.search(END, console.data):
                    console.receive(deadline, "the halt")
            except LabError as e:
                pytest.fail(f"{e.message}\n{e.tail}", pytrace=False)
            return bytes(console.data).decode(errors="replace")

    return run
