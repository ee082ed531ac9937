# SPDX-License-Identifier: Apache-2.0
"""Each file has a licence and a copyright notice, as REUSE's lint and REUSE.toml have it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

OURS = {"Apache-2.0"}
TAGGED = (".c", ".h", ".S", ".py", ".sh", ".toml")


def _reuse(root: Path, form: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reuse", "--root", str(root), "lint", form]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_file_has_a_licence(root: Path, expect_none: Callable[[list[str]], None]) -> None:
    done = _reuse(root, "--lines")
    assert done.returncode == 0 or done.stdout, done.stderr
    expect_none(done.stdout.splitlines())


def test_patches_keep_the_licences_of_their_projects(
    root: Path, expect_none: Callable[[list[str]], None]
) -> None:
    """All else is ours."""
    files = json.loads(_reuse(root, "--json").stdout)["files"]
    found = {file["path"]: {one["value"] for one in file["spdx_expressions"]} for file in files}
    assert any(path.endswith(".patch") for path in found)
    expect_none(
        [
            f"{path}: {' and '.join(sorted(licences))}: see REUSE.toml"
            for path, licences in found.items()
            if (licences == OURS) is path.endswith(".patch")
        ]
    )


def test_sources_begin_with_the_tag(
    root: Path, names: list[str], expect_none: Callable[[list[str]], None]
) -> None:
    """In the first line, or in the second one after `#!`."""
    tag = re.compile(r"(#!.*\n)?(/\*|#) SPDX-License-Identifier\W+Apache-2\.0( \*/)?\n")
    wanted = [name for name in names if name.endswith(TAGGED)]
    expect_none([name for name in wanted if not tag.match((root / name).read_text())])
