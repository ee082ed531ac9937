# SPDX-License-Identifier: Apache-2.0
"""What all tests share: the board under test and what was built for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from xenolith import ROOT
from xenolith.boards import Board, find
from xenolith.boards.registry import DEFAULT
from xenolith.build import make, toolchain
from xenolith.build.make import Output
from xenolith.dom0 import image, linux, xentools
from xenolith.errors import UserError
from xenolith.progress import note

DOWNLOADS: dict[str, Callable[[Board], object]] = {
    "dom0": lambda board: image.build(board.debian_arch),
    "linux_source": lambda _: linux.ORIGIN.fetch("riscv64"),
    "xen_source": lambda _: xentools.ORIGIN.fetch("riscv64"),
}
"""Fixtures that may take minutes the first time, to what makes the next time short."""

# A busy machine is slow, and nothing is wrong with it.
settings.register_profile("xenolith", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("xenolith")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--board", default=DEFAULT, help="board to test on")
    parser.addoption("--toolchain", choices=toolchain.KINDS, help="compiler of what is booted")
    parser.addoption("--hypervisor", help="boot this instead of ours: a file, or `xen`")
    parser.addoption("--kernel", help="dom0 kernel instead of the usual one: a file")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a program that nobody has named."""
    other = [item for item in items if item.get_closest_marker("imagebuilder")]
    if other and not os.environ.get("IMAGEBUILDER"):
        config.hook.pytest_deselected(items=other)
        items[:] = [item for item in items if item not in other]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Download and build what the chosen tests share, before the first one starts its clock."""
    used = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    if session.config.getoption("--collect-only") or session.config.getoption("--kernel"):
        return
    board = find(session.config.getoption("--board"))
    capture = session.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        for get in (get for name, get in DOWNLOADS.items() if name in used):
            try:
                get(board)
            except UserError as e:
                # The tests that need it fail with the same words.
                note(f"xenolith: {e.message}")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def board(request: pytest.FixtureRequest) -> Board:
    """The board under test."""
    return find(request.config.getoption("--board"))


@pytest.fixture(scope="session")
def kind(request: pytest.FixtureRequest, board: Board) -> str:
    """The toolchain: what was asked for, or what this machine has."""
    wanted: str | None = request.config.getoption("--toolchain")
    return wanted or ("gcc" if toolchain.find("gcc", board.arch) else "clang")


@pytest.fixture(scope="session")
def built(board: Board, kind: str) -> Output:
    """The hypervisor, built once."""
    return make.build(board, kind, targets=("image",))


@pytest.fixture(scope="session")
def guests(board: Board, kind: str) -> Output:
    """The tiny kernels of tests/guests, built once: `guests.guest(name)` is a flat image."""
    return make.build(board, kind, targets=("guests",))


@pytest.fixture(scope="session")
def on_xen(request: pytest.FixtureRequest) -> bool:
    """True if the tests run on Debian's Xen."""
    return bool(request.config.getoption("--hypervisor") == "xen")


@pytest.fixture(scope="session")
def hypervisor(request: pytest.FixtureRequest, board: Board) -> Path:
    """The image under test."""
    chosen: str | None = request.config.getoption("--hypervisor")
    if chosen == "xen":
        return image.xen(board.debian_arch)
    if chosen:
        return Path(chosen).absolute()
    path: Path = request.getfixturevalue("built").image
    return path
