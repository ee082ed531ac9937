# SPDX-License-Identifier: Apache-2.0
"""Run each folder of tests/host/suite in a process with AddressSanitizer; show failures."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SUITES = Path(__file__).parent / "suite"


def run_suite(root: Path, suite: str, library: Path, preload: Path) -> None:
    """pytest in a process of its own; its output is this test's failure."""
    env = {
        **os.environ,
        "XENOLITH_HOST_LIBRARY": str(library),
        "XENOLITH_HOST_SUITE": suite,
        "LD_PRELOAD": str(preload),
        "PYTHONMALLOC": "malloc",  # so that cffi's own buffers have guard zones too
        "ASAN_OPTIONS": "detect_leaks=0",
        "UBSAN_OPTIONS": "print_stacktrace=1",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--capture=sys"]
    command += ["-o", "python_files=check_*.py", str(SUITES / suite)]
    command += ["-o", "timeout=600", "-o", "timeout_method=thread"]
    done = subprocess.run(
        command, cwd=root, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    text = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        pytest.fail(text, pytrace=False)
    print(text.splitlines()[-1])


@pytest.mark.parametrize("suite", ["base", "core"])
def test_suite(suite: str, host_library: Callable[[str], Any], root: Path) -> None:
    """All checks of the suite hold, and no sanitizer complains."""
    library = host_library(suite)
    run_suite(root, suite, library.path, library.preload)
