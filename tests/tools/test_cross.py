# SPDX-License-Identifier: Apache-2.0
"""Building from source: a tiny program in a real package, built with the real machinery."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import lzma
import os
import signal
import subprocess
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from xenolith.cross import build as build_module
from xenolith.cross import steps
from xenolith.cross.build import build
from xenolith.cross.origin import Packed
from xenolith.cross.project import Output, Project, Result, Step
from xenolith.dom0 import debian
from xenolith.errors import UserError

MAKEFILE = "all: hello.o other.o\n%.o: %.c\n\t@echo CC $<\n\t@$(CROSS)gcc -c -o $@ $<\n"
FILES = {
    "Makefile": MAKEFILE,
    "hello.c": "int hello(void)\n{\n    return 1;\n}\n",
    "other.c": "int other;\n",
    "docs/large": "not wanted\n",
}
PATCH = """--- a/hello.c
+++ b/hello.c
@@ -1,4 +1,4 @@
 int hello(void)
 {
-    return 1;
+    return 2;
 }
"""
MEMBER = "usr/src/hello.tar.xz"


def pack(folder: Path) -> Path:
    """A .deb with the source in it, as Debian's linux-source is made."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, text in FILES.items():
            entry = tarfile.TarInfo(f"hello-1.0/{name}")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    tree = folder / "deb"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr/src").mkdir(parents=True)
    (tree / MEMBER).write_bytes(lzma.compress(data.getvalue()))
    fields = "Package: hello\nVersion: 1.0\nArchitecture: all\nMaintainer: x <x@x.x>\n"
    (tree / "DEBIAN/control").write_text(f"{fields}Description: t\n")
    deb = folder / "hello_1.0-1_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, deb], check=True)
    return deb


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    deb = pack(tmp_path)
    monkeypatch.setenv("XENOLITH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(debian, "download", lambda *_args, **_more: [deb])
    patches = tmp_path / "patches"
    patches.mkdir()
    (patches / "0001-two.patch").write_text(PATCH)
    return Project(
        name="hello",
        arch="riscv64",
        origin=Packed("hello", MEMBER, "trixie"),
        steps=(Step("compiling", ("make", "-j@jobs@", "CROSS=@cross@"), lines=2),),
        outputs=(Output("hello.o", "lib/hello.o"),),
        patches=patches,
        exclude=("*/docs",),
        space=1000,
    )


def work(project: Project) -> Path:
    """The folder of an unfinished build."""
    (found,) = home(project).glob("work-*")
    return found


def home(project: Project) -> Path:
    return Path(os.environ["XENOLITH_CACHE"]) / "cross" / f"{project.name}-{project.arch}"


def failing(project: Project, command: str) -> Project:
    """The project with one more step."""
    step = Step("installing", ("sh", "-c", command))
    return dataclasses.replace(project, steps=(*project.steps, step))


def test_a_build_is_kept(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    result = build(project)
    assert result.version == "1.0-1"
    assert result.path("lib/hello.o").read_bytes()[:4] == b"\x7fELF"
    assert not list(home(project).glob("work-*"))
    capsys.readouterr()
    assert build(project) == result
    assert capsys.readouterr().err == ""


def test_every_input_counts(project: Project, tmp_path: Path) -> None:
    first = build(project)
    patch = tmp_path / "patches" / "0001-two.patch"
    patch.write_text(PATCH.replace("return 2", "return 3"))
    second = build(project)
    extra = tmp_path / "fragment"
    extra.write_text("A=1\n")
    third = build(dataclasses.replace(project, inputs=(extra,)))
    assert len({first.folder, second.folder, third.folder}) == 3
    contents = {r.path("lib/hello.o").read_bytes() for r in (first, second)}
    assert len(contents) == 2


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "damage",
    [
        lambda result: result.path("lib/hello.o").write_bytes(b"\0" * 100),
        lambda result: result.path("lib/hello.o").unlink(),
        lambda result: (result.folder / "manifest.json").write_text("{"),
        lambda result: (result.folder / "manifest.json").unlink(),
    ],
)
def test_a_damaged_result_is_built_again(
    project: Project, damage: Callable[[Result], object], capsys: pytest.CaptureFixture[str]
) -> None:
    result = build(project)
    before = digest(result.path("lib/hello.o"))
    damage(result)
    again = build(project)
    assert digest(again.path("lib/hello.o")) == before
    assert "damaged: building hello again" in capsys.readouterr().err


def test_a_failed_build_goes_on(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """The second run has the objects of the first; the third, after two failures, has not."""
    command = "test -e @inputs@/may || { echo 'x.c:1: error: no'; exit 3; }"
    with pytest.raises(UserError) as caught:
        build(failing(project, command))
    assert "hello: installing failed: x.c:1: error: no; all of it: " in caught.value.message
    assert str(work(project) / "log") in caught.value.message
    assert (work(project) / "done-0").exists()
    (work(project) / "inputs" / "may").touch()
    capsys.readouterr()
    build(failing(project, command))
    said = capsys.readouterr().err
    assert "going on with the build that was broken off" in said
    assert "compiling" not in said


def test_a_tree_that_failed_twice_is_made_anew(project: Project) -> None:
    for _ in range(2):
        with pytest.raises(UserError, match="installing failed"):
            build(failing(project, "exit 1"))
    assert not (work(project) / "ready").exists()
    (work(project) / "tree" / "left").touch()
    with pytest.raises(UserError, match="installing failed"):
        build(failing(project, "exit 1"))
    assert not (work(project) / "tree" / "left").exists()


def test_a_killed_build_goes_on(project: Project) -> None:
    """Killed in the middle of a step, with an object file cut off as a killed assembler does."""
    waiting = failing(project, "echo begun; sleep 60 & echo $! >@tree@/pid; wait")
    child = os.fork()
    if child == 0:
        os.setsid()
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, 2)
        build(waiting)
        os._exit(0)
    end = time.monotonic() + 300
    while not list(home(project).glob("work-*/tree/pid")) and time.monotonic() < end:
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    tree = work(project) / "tree"
    data = (tree / "hello.o").read_bytes()
    (tree / "hello.o").write_bytes(data[: len(data) // 2])
    (tree / "other.o").write_bytes(b"")
    (work(project) / "done-0").unlink()
    key = work(project).name.removeprefix("work-")
    # The same inputs, so the same tree: only what the last step runs is another command.
    again = dataclasses.replace(waiting, steps=waiting.steps[:1])
    (work(project)).rename(work(project).with_name(f"work-{key_of(again)}"))
    assert key != key_of(again)
    result = build(again)
    assert result.path("lib/hello.o").read_bytes() == data


def key_of(project: Project) -> str:
    source = project.origin.fetch(project.arch)
    return build_module._Inputs(project, source, [], "riscv64-linux-gnu").key


def test_incomplete_objects_are_removed(tmp_path: Path) -> None:
    source = tmp_path / "a.c"
    source.write_text("int x;\n")
    subprocess.run(["riscv64-linux-gnu-gcc", "-c", "-o", tmp_path / "good.o", source], check=True)
    data = (tmp_path / "good.o").read_bytes()
    for name, content in {"cut.o": data[:-10], "empty.o": b"", "zero.o": bytes(300)}.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "lib.a").write_bytes(b"!<arch>\n")
    steps.prune(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.c", "good.o", "lib.a"]


def test_a_patch_that_does_not_apply(project: Project, tmp_path: Path) -> None:
    (tmp_path / "patches" / "0002-again.patch").write_text(PATCH)
    with pytest.raises(UserError, match=r"0002-again\.patch does not apply to hello 1\.0-1: hello"):
        build(project)
    # Half a patched tree is never taken for a whole one.
    (tmp_path / "patches" / "0002-again.patch").unlink()
    assert build(project).path("lib/hello.o").exists()


def test_what_is_missing_is_named(project: Project) -> None:
    with pytest.raises(UserError, match=r"the build left no nothing\.o"):
        build(dataclasses.replace(project, outputs=(Output("nothing.o", "x"),)))
    step = Step("configuring", ("no-such-program",))
    with pytest.raises(UserError, match="no-such-program not found"):
        build(dataclasses.replace(project, steps=(step,)))
    with pytest.raises(UserError, match="disk full: need"):
        build(dataclasses.replace(project, space=1 << 60))
    with pytest.raises(UserError, match="cannot be built for sparc"):
        build(dataclasses.replace(project, arch="sparc"))


def test_a_full_disk_is_said(project: Project) -> None:
    command = "echo 'cc1: No space left on device'; exit 1"
    with pytest.raises(UserError, match="the disk is full"):
        build(failing(project, command))


WAITS = "waiting for another xenolith that builds hello"


def test_two_processes_take_turns(project: Project, capfd: pytest.CaptureFixture[str]) -> None:
    """The second waits for the first and takes what it has made."""
    go = home(project) / "go"
    step = f"echo x >>@tree@/../../times; until [ -e {go} ]; do sleep 0.1; done"
    begun = failing(project, step)
    children = []
    for _ in range(2):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                build(begun)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    said, end = "", time.monotonic() + 300
    while WAITS not in said and time.monotonic() < end:
        said += capfd.readouterr().err
        time.sleep(0.02)
    home(project).mkdir(parents=True, exist_ok=True)
    go.touch()
    assert WAITS in said
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    assert (home(project) / "times").read_text() == "x\n"


def test_the_users_settings_are_not_seen(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CFLAGS", "-Dwrong")
    monkeypatch.setenv("MAKEFLAGS", "-n")
    command = "env >@tree@/env"
    made = dataclasses.replace(failing(project, command), outputs=(Output("env", "env"),))
    seen = build(made).path("env").read_text()
    assert "wrong" not in seen and "MAKEFLAGS" not in seen
    assert "LC_ALL=C\n" in seen
