# SPDX-License-Identifier: Apache-2.0
"""What CI runs: its verdict is that of the test runs, wherever they ran and however they ended."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from xenolith import ROOT
from xenolith.boards import boards
from xenolith.boards.registry import DEFAULT
from xenolith.testing import plan
from xenolith.testing.plan import LAYERS

GOOD = "xenolith test: PASS: 5 passed, 0 failed, 2 skipped in 7 s"
BAD = "xenolith test: FAIL on x: 4 passed, 1 failed, 0 skipped in 7 s"
TABLE = "seconds  lint  all\nx           1    7\n"

BARE = """#!/bin/sh
echo ".ci/bare: $1: made in 3 s"
echo $$ >"$(dirname "$0")/../$1.pid"
[ "$1" != {wait} ] || exec sleep 600
echo ".ci/bare: $1: ./xenolith test took 9 s"
case $1 in trixie) printf '%s' '{trixie}'; exit {code} ;; *) printf '%s' '{other}' ;; esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with .ci/run, and stubs of what it looks for on the machine."""
    made = tmp_path / "checkout"
    (made / ".ci").mkdir(parents=True)
    (made / "bin").mkdir()
    shutil.copy(ROOT / ".ci/run", made / ".ci/run")
    stub(made / "bin/id", "#!/bin/sh\necho 0\n")
    for name in ("mmdebstrap", "unshare"):
        stub(made / "bin" / name, "#!/bin/sh\n")
    return made


def stub(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def ci(checkout: Path) -> subprocess.Popen[str]:
    env = {**os.environ, "PATH": f"{checkout / 'bin'}:{os.environ['PATH']}"}
    return subprocess.Popen(
        [checkout / ".ci/run"], env=env, stdout=subprocess.PIPE, text=True, start_new_session=True
    )


@pytest.mark.parametrize(
    ("trixie", "code", "total"),
    [
        (f"{TABLE}{GOOD}\n", 0, "10 passed, 0 failed, 4 skipped"),
        (f"{TABLE}{BAD}\n", 1, "9 passed, 1 failed, 2 skipped"),
        # It never came to an end, or ended well without a word.
        ("xenolith: no network?\n", 1, "5 passed, 1 failed, 2 skipped"),
        (f"{GOOD}\n", 137, "10 passed, 1 failed, 4 skipped"),
        ("", 0, "5 passed, 1 failed, 2 skipped"),
    ],
)
def test_the_total_is_that_of_both(checkout: Path, trixie: str, code: int, total: str) -> None:
    text = BARE.format(wait="nothing", trixie=trixie, code=code, other=f"{TABLE}{GOOD}\n")
    stub(checkout / ".ci/bare", text)
    with ci(checkout) as running:
        said, _ = running.communicate()
    assert said.splitlines()[-1] == total
    assert (running.returncode == 0) == (" 0 failed" in total)
    assert said.count("of which making .venv: 2 s") == 1 + trixie.endswith(" 7 s\n")
    assert said.count(TABLE) == 2 * (1 + trixie.startswith(TABLE))


def test_without_namespaces_it_runs_here_and_says_so(checkout: Path) -> None:
    stub(checkout / "bin/unshare", "#!/bin/sh\nexit 1\n")
    stub(checkout / "xenolith", f"#!/bin/sh\n[ $1 = test ] && echo '{GOOD}'\n")
    with ci(checkout) as running:
        said, _ = running.communicate()
    assert "*** .ci/run: no namespaces: NOT in a bare Debian" in said
    assert said.splitlines()[-1] == "5 passed, 0 failed, 2 skipped"
    assert running.returncode == 0


def test_a_signal_ends_the_debian_first(checkout: Path) -> None:
    stub(checkout / ".ci/bare", BARE.format(wait="bookworm", trixie="", code=0, other=""))
    pid = checkout / "bookworm.pid"
    with ci(checkout) as running:
        while not pid.exists() or not pid.read_text().endswith("\n"):
            assert running.poll() is None
        os.kill(running.pid, signal.SIGTERM)
        assert running.wait() == 143
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_the_table_says_what_is_tested() -> None:
    """Each job is a whole run of `xenolith test`, quick or not: the same layers and boards."""
    text = (ROOT / ".ci/run").read_text()
    table = re.findall(r"^#   (\S+) +(\S.*)$", text, re.MULTILINE)
    passes = plan.every(boards().values(), DEFAULT, list(LAYERS))
    assert table == [(one.board.name, " ".join(one.layers)) for one in passes]
    jobs = re.findall(r'^    "\w+ (.*?)" +# \S', text, re.MULTILINE)
    assert set(jobs) == {"./xenolith test", "./xenolith test --quick"}


def test_scripts_are_sound() -> None:
    scripts = [ROOT / name for name in (".ci/run", ".ci/bare", "xenolith")]
    done = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
