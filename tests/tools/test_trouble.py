# SPDX-License-Identifier: Apache-2.0
"""Broken surroundings: whatever the tool meets, it says one line with the reason, no traceback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from xenolith.boards import registry
from xenolith.cli import main as cli

BUILD = ("build", "--board", "rpi4")


@pytest.fixture
def tree(root: Path, tmp_path: Path) -> Path:
    """A checkout of its own, without what has been built."""
    made = tmp_path / "checkout"
    for name in ("arch", "boards", "tools", "xen"):
        shutil.copytree(root / name, made / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("SConstruct", "pyproject.toml", "xenolith"):
        shutil.copy(root / name, made)
    return made


def within(script: str, *words: str | Path, **env: str | Path) -> subprocess.CompletedProcess[str]:
    """A shell script in a world with mounts of its own, as root there: root's rights stop nothing,
    a read-only or a full file system does. The words are $1 and so on.
    """
    apart = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-Urm"]
    command = [*apart, "sh", "-euc", script, "sh", *map(str, words)]
    if subprocess.run([*apart, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("a user who may not make namespaces here")
    every = os.environ | {name: str(value) for name, value in env.items()}
    return subprocess.run(command, env=every, capture_output=True, text=True, check=False)


def tool(tree: Path, *words: str) -> list[str]:
    """A command line for the tool of another checkout."""
    program = f"import sys; sys.path.insert(0, {str(tree / 'tools')!r}); import runpy; "
    program += "runpy.run_module('xenolith', run_name='__main__')"
    return [sys.executable, "-c", program, *words]


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """The error; there must be no traceback before it."""
    said = done.stdout + done.stderr
    assert "Traceback" not in said and "  File " not in said, said
    assert done.returncode in (1, 2), said
    return done.stderr.strip().splitlines()[-1]


READ_ONLY = 'mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"; shift; exec "$@"'
FULL = 'mount -t tmpfs -o size=64k none "$1"; shift; exec "$@"'


@pytest.mark.parametrize("words", [BUILD, ("uboot", "--board", "rpi4")], ids=lambda w: w[0])
def test_a_read_only_build_folder(tree: Path, words: Sequence[str]) -> None:
    folder = tree / "build"
    folder.mkdir()
    line = last_line(within(READ_ONLY, folder, *tool(tree, *words)))
    assert line.startswith(f"xenolith: {folder}")
    assert "Read-only file system; set XENOLITH_BUILD to a folder that can be written" in line


def test_a_full_disk_under_the_build(tree: Path) -> None:
    folder = tree / "build"
    folder.mkdir()
    line = last_line(within(FULL, folder, *tool(tree, *BUILD)))
    assert line.startswith(f"xenolith: {folder}")
    assert "No space left on device; make room, or set XENOLITH_BUILD to a folder" in line


@pytest.mark.slow
def test_a_build_in_another_folder(tree: Path, tmp_path: Path) -> None:
    """Of a checkout that cannot be written, to where XENOLITH_BUILD says."""
    out = tmp_path / "elsewhere"
    done = within(READ_ONLY, tree, *tool(tree, *BUILD), XENOLITH_BUILD=out)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == str(out / "rpi4" / "xenolith")
    assert (out / "rpi4" / "xenolith").stat().st_size > 0
    assert not (tree / "build").exists()


def test_a_read_only_checkout_without_its_venv(tree: Path) -> None:
    line = last_line(within(READ_ONLY, tree, tree / "xenolith", "doctor"))
    assert line == (
        f"xenolith: cannot write {tree}/.venv.lock: is the folder read-only, or the disk full? "
        "XENOLITH_VENV=FOLDER puts the Python packages elsewhere, XENOLITH_BUILD=FOLDER the builds"
    )


def test_a_read_only_cache(tree: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    words = tool(tree, "image", "--board", "rpi4", "--minimal")
    line = last_line(
        within(READ_ONLY, folder, *words, XENOLITH_CACHE=folder, XENOLITH_BUILD=tmp_path / "out")
    )
    assert "Read-only file system; set XENOLITH_CACHE" in line


WRONG = {
    "a typo": ("BOARDS = (Board(,)\n", ":1: invalid syntax"),
    "a name": ("\nBOARDS = (Borad(),)\n", ":2: NameError: name 'Borad' is not defined"),
    "no boards": ("X = 1\n", ": AttributeError: "),
    "no list": ("BOARDS = 5\n", ": TypeError: "),
    "no board": ("BOARDS = (5,)\n", ": BOARDS must hold Board objects of family 'my-board'"),
    "an end": ("import sys\nsys.exit(3)\n", ":2: SystemExit: 3"),
    "bytes": ("\0", ":"),
    "facts": (
        "from dataclasses import replace\nfrom xenolith.boards.registry import load_file\n"
        "from pathlib import Path\n"
        "(old,) = load_file(Path(__file__).parents[1] / 'rpi4/board.py')\n"
        "BOARDS = (replace(old, name='my', family='my-board', smp=0),)\n",
        ":5: ValueError: board 'my': smp must be between 1 and max_smp",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_broken_board_file_hurts_no_other_board(name: str, tree: Path) -> None:
    text, reason = WRONG[name]
    path = tree / "boards/my-board/board.py"
    path.parent.mkdir()
    path.write_text(text)
    found = registry.load(tree / "boards")
    assert {"rpi4", "qemu-virt-arm64"} <= found.every.keys()
    (message,) = found.wrong.values()
    assert message.startswith(f"{path}{reason}") and "\n" not in message


def test_a_copy_of_a_folder_with_the_same_names(tree: Path) -> None:
    """The original stays, though the copy comes first."""
    text = (tree / "boards/rpi4/board.py").read_text()
    path = tree / "boards/my-board/board.py"
    path.parent.mkdir()
    path.write_text(text.replace('family="rpi4"', 'family="my-board"'))
    found = registry.load(tree / "boards")
    assert found.every["rpi4"].family == "rpi4"
    assert found.wrong == {"my-board": f"{path}: board 'rpi4' is defined twice"}


@pytest.mark.slow
def test_what_the_command_says_of_a_broken_board(tree: Path) -> None:
    path = tree / "boards/my-board/board.py"
    path.parent.mkdir()
    path.write_text("BOARDS = (\n")
    done = subprocess.run(tool(tree, *BUILD), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    warning = f"{path}:1: '(' was never closed; its boards are left out"
    assert [x for x in done.stderr.splitlines() if "my-board" in x] == [warning]
    asked = tool(tree, "build", "--board", "my-board")
    line = last_line(subprocess.run(asked, capture_output=True, text=True, check=False))
    assert line.startswith(f"xenolith: no board 'my-board' ({path}:1: '(' was never closed); there")


@pytest.mark.parametrize(
    "data", [b"\xff\xfe", b"[dom0", b"x = 1", b"[dom0]\nkernel = 5\n", b"a = [[[[", b"\0"], ids=repr
)
@pytest.mark.parametrize("name", ["system.toml", "config"])
def test_a_config_of_rubbish(
    name: str, data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    assert cli.main(["uboot", "--config", str(path), "--out", str(tmp_path / "out")]) in (1, 2)
    (line,) = capsys.readouterr().err.splitlines()
    assert name in line and "bug" not in line


def test_what_nobody_has_thought_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("XENOLITH_TRACEBACK", raising=False)
    nothing: dict[str, str] = {}
    monkeypatch.setattr(registry, "_all", lambda: nothing["boards"])
    assert cli.main(["build"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("xenolith: KeyError: 'boards' (test_trouble.py:")
    assert line.endswith("this is a bug of xenolith: XENOLITH_TRACEBACK=1 shows more for a report")
    monkeypatch.setenv("XENOLITH_TRACEBACK", "1")
    with pytest.raises(KeyError):
        cli.main(["build"])
