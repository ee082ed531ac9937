# SPDX-License-Identifier: Apache-2.0
"""What the lint tests share: the files of the checkout, and how findings are shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from xenolith.boards import Board
from xenolith.build import plan
from xenolith.build.make import Output
from xenolith.lint import contract, files
from xenolith.lint.contract import Object


@pytest.fixture(scope="session")
def names(root: Path) -> list[str]:
    """Files in git or about to be."""
    return files.tracked(root)


@pytest.fixture(scope="session")
def sources(root: Path, names: list[str]) -> dict[str, str]:
    """Text of all C and assembly files by path."""
    return {name: (root / name).read_text() for name in files.c_files(names)}


@pytest.fixture(scope="session")
def expect_none() -> Callable[[list[str]], None]:
    """Fails with the findings, one a line."""

    def check(findings: list[str]) -> None:
        if findings:
            pytest.fail("\n".join(sorted(findings)), pytrace=False)

    return check


@pytest.fixture(scope="session")
def objects(root: Path, board: Board, built: Output) -> list[Object]:
    """All objects of the hypervisor."""
    folder = built.folder / "obj"
    sources = plan.sources(root, board)
    return [contract.read_object(folder / f"{name}.o", name) for name in sources]


@pytest.fixture(scope="session")
def core(objects: list[Object]) -> list[Object]:
    return [one for one in objects if one.source.startswith("xen/")]


@pytest.fixture(scope="session")
def port(objects: list[Object]) -> list[Object]:
    return [one for one in objects if one.source.startswith("arch/")]
