"""What all tests share: the board under test and what was built for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from xenolith import ROOT
from xenolith.boards import Board, find
from xenolith.boards.registry import DEFAULT
from xenolith.build import make, toolchain
from xenolith.build.make import Output
from xenolith.dom0 import image


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--board", default=DEFAULT, help="board to test on")
    parser.addoption("--toolchain", choices=toolchain.KINDS, help="compiler of what is booted")
    parser.addoption("--hypervisor", help="boot this instead of ours: a file, or `xen`")
    parser.addoption("--kernel", help="dom0 kernel instead of the usual one: a file")


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
