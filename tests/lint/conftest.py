"""What the lint tests share: the files of the checkout, and how findings are shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from xenolith.lint import files


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
