# SPDX-License-Identifier: Apache-2.0
"""Guests of OCI images: their program, their files."""

from __future__ import annotations

import shlex
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenolith.card import tree
from xenolith.card.tree import Tree
from xenolith.dom0 import cpio
from xenolith.errors import UserError
from xenolith.guest import kernel, layers, oci, output, program
from xenolith.guest.kernel import Kernel
from xenolith.guest.model import Guest
from xenolith.testing import images
from xenolith.testing.images import BASE, CONFIG, entry, layer, link


def files_of(folder: Path, data: bytes) -> Tree:
    """The files of an image of one layer."""
    (folder / "layer").write_bytes(data)
    found = layers.Layers(folder, 1 << 30)
    found.add(folder / "layer", "layer 1")
    return found.tree()


def started(tmp_path: Path, *arguments: str, **config: Any) -> program.Program:
    found = files_of(tmp_path, BASE)
    return program.read({"config": CONFIG | config}, found, arguments)


def test_the_program_is_what_the_configuration_says(tmp_path: Path) -> None:
    env = ["A=b c", "PATH=/bin", "EMPTY="]
    found = started(tmp_path, Env=env, User="app", WorkingDir="/opt", StopSignal="SIGINT")
    assert found.argv == ("/bin/sh", "-c", "echo 'hi there'")
    assert (found.uid, found.gid, found.signal) == (1000, 1001, "INT")
    assert found.environment == {
        "A": "b c",
        "PATH": "/bin",
        "EMPTY": "",
        "HOME": "/home/app",
        "TERM": "linux",
    }
    first, second = found.script("/box").splitlines()
    assert first == "cd /opt || exit 126"
    words = shlex.split(second)
    assert words[:4] == ["exec", "/box", "env", "-i"] and "A=b c" in words
    assert words[-6:] == ["1000:1001", "-x", "/bin/sh", "--", "-c", "echo 'hi there'"]
    assert started(tmp_path, "-x", "$y").argv == ("/bin/sh", "-x", "$y")


@pytest.mark.parametrize(
    ("user", "numbers"),
    [
        ("", (0, 0)),
        ("app", (1000, 1001)),
        ("1000", (1000, 1001)),
        ("77", (77, 0)),
        ("app:wheel", (1000, 10)),
        ("5:6", (5, 6)),
    ],
)
def test_users(tmp_path: Path, user: str, numbers: tuple[int, int]) -> None:
    found = started(tmp_path, User=user)
    assert (found.uid, found.gid) == numbers


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"User": "bad"}, "not in its /etc/passwd"),
        ({"User": "app:none"}, "not one of its /etc/group"),
        ({"Entrypoint": None, "Cmd": None}, "names no program"),
        ({"Entrypoint": ["/bin/none"]}, "has no program '/bin/none'"),
        ({"Entrypoint": ["none"]}, "has no program 'none'"),
        ({"Entrypoint": "sh"}, "no list of words"),
        ({"Cmd": ["\0"]}, "no program can be told"),
        ({"Cmd": ["\ud800"]}, "no program can be told"),
        ({"Env": ["-i=x"]}, "no NAME=VALUE"),
        ({"StopSignal": "$(reboot)"}, "stop signal"),
        ({"WorkingDir": "opt"}, "no absolute path"),
    ],
)
def test_configurations_that_cannot_be(tmp_path: Path, config: Any, why: str) -> None:
    with pytest.raises(UserError, match=why):
        started(tmp_path, **config)


def test_a_path_is_looked_at_as_far_as_anybody_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each folder of it may be a long way through links."""
    looked: list[str] = []
    find = program.find

    def counted(found: Tree, path: str) -> tree.Item | None:
        looked.append(path)
        return find(found, path)

    monkeypatch.setattr(program, "find", counted)
    env = [f"PATH={'/a:' * 10_000}/bin"]
    with pytest.raises(UserError, match="no program 'sh'"):
        started(tmp_path, Entrypoint=["sh"], Env=env)
    assert len(looked) < 300
    assert started(tmp_path, Entrypoint=["sh"], Env=["PATH=/a:/bin"]).argv[0] == "sh"


@pytest.fixture
def linux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that needs neither network nor compiler."""
    image = tmp_path / "Image"
    image.write_bytes(b"kernel")
    monkeypatch.setattr(kernel, "prepare", lambda _arch: Kernel(image, b"busybox"))


def made_of(path: Path, wishes: oci.Wishes, place: Path) -> Guest:
    return oci.make(oci.read("arm64", path, wishes, place), place)


@pytest.mark.usefixtures("linux")
def test_a_guest_is_always_the_same_and_its_disk_has_what_the_image_has(tmp_path: Path) -> None:
    top = layer(link("etc/resolv.conf", "/proc/1/mem"), link("dev", "/etc"))
    path = images.pack(images.layout("arm64", [BASE, top], CONFIG), tmp_path / "app.tar")
    made = []
    for number in range(2):
        place = tmp_path / str(number)
        place.mkdir()
        guest = made_of(path, oci.Wishes("app", hostname="box"), place)
        written = output.write(guest, tmp_path / f"out{number}" / "app.img")
        made.append([file.read_bytes() for file in written])
    assert made[0] == made[1]
    config = written[0].read_text()
    assert 'disk = [ "/guests/app/app.img,raw,xvda,w" ]' in config
    assert 'kernel = "/guests/app/app.kernel"' in config
    names = {item.path for item in cpio.unpack(made[0][-1])}
    assert {"init", "guest/app.sh", "guest/command", "sbin/poweroff"} <= names

    def said(request: str) -> str:
        command = ["debugfs", "-R", request, str(written[1])]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert "Mode:  04755" in said("stat /bin/busybox")
    assert "Type: directory" in said("stat /dev")
    assert said("cat /etc/hostname") == "box\n" and said("cat /etc/resolv.conf") == ""
    assert said("cat /bin/sh") == "program"


HARD = tarfile.LNKTYPE


@pytest.mark.usefixtures("linux")
@pytest.mark.parametrize(
    ("entries", "kept"),
    [
        (
            [entry("etc/hosts", b"mine"), link("etc/hosts.orig", "etc/hosts", HARD)],
            "etc/hosts.orig",
        ),
        ([entry("etc/0", b"mine"), link("etc/hosts", "etc/0", HARD)], "etc/0"),
        ([entry("etc", b"mine"), link("foo", "etc", HARD), link("goo", "etc", HARD)], "goo"),
        ([entry("dev", b"mine"), link("sys", "dev", HARD), link("z", "dev", HARD)], "z"),
    ],
)
def test_what_a_host_provides_leaves_other_names_of_a_file_alone(
    tmp_path: Path, entries: list[Any], kept: str
) -> None:
    """Writing the disk ends with e2fsck."""
    program_only = layer(entry("bin/sh", b"program", 0o755), *entries)
    path = images.pack(images.layout("arm64", [program_only], CONFIG), tmp_path / "app.tar")
    (tmp_path / "place").mkdir()
    (disk,) = made_of(path, oci.Wishes("app"), tmp_path / "place").disks
    command = ["debugfs", "-R", f"cat /{kept}", str(disk)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "mine"


@given(
    names=st.lists(st.tuples(st.integers(0, 7), st.booleans()), max_size=8),
    leaving=st.sets(st.sampled_from("abcdefgh")),
    replaced=st.booleans(),
)
def test_names_of_a_file_survive_each_other(
    names: list[tuple[int, bool]], leaving: set[str], *, replaced: bool
) -> None:
    """Each name that stays has the content that it had."""
    found: Tree = {}
    for (first, linked), name in zip(names, "abcdefgh", strict=False):
        target = "abcdefgh"[first]
        old = found.get(target)
        second = linked and old is not None and not old.is_second_name
        new = tree.file(name, b"" if second else name)
        found[name] = replace(new, target=target) if second else new

    def contents() -> dict[str, Any]:
        return {n: found[i.target].data if i.target else i.data for n, i in found.items()}

    before = contents()
    if replaced:
        tree.put(found, [tree.directory(name) for name in leaving], 0)
    else:
        tree.drop(found, *leaving)
    after = {name: data for name, data in contents().items() if name not in leaving}
    assert after == {name: data for name, data in before.items() if name not in leaving}


@pytest.mark.usefixtures("linux")
@pytest.mark.parametrize("ports", [{"80/tcp": {}, "a\nb": {}}, ["80"], 7, None])
def test_ports_are_a_comment(tmp_path: Path, ports: Any) -> None:
    config = CONFIG | {"ExposedPorts": ports}
    path = images.pack(images.layout("arm64", [BASE], config), tmp_path / "app.tar")
    (tmp_path / "place").mkdir()
    text = made_of(path, oci.Wishes("app"), tmp_path / "place").config
    assert ("# Ports that it says it serves: 80/tcp.\n" in text) == isinstance(ports, dict)


@pytest.mark.usefixtures("linux")
def test_a_disk_that_is_too_small(tmp_path: Path) -> None:
    big = layer(entry("big", b"x" * (8 << 20)))
    path = images.pack(images.layout("arm64", [BASE, big], CONFIG), tmp_path / "app.tar")
    (tmp_path / "place").mkdir()
    with pytest.raises(UserError, match=r"--size: this image needs \d+M or more"):
        made_of(path, oci.Wishes("app", size=8 << 20), tmp_path / "place")


def test_files_in_a_tree_are_found_through_links() -> None:
    found: Tree = {"": tree.directory("")}
    items = [tree.link("bin", "usr/bin"), tree.file("usr/bin/x", "x"), tree.link("y", "/bin/../z")]
    tree.put(found, [*items, tree.link("loop", "loop")], 0)
    item = program.find(found, "/bin/x")
    assert item is not None and item.path == "usr/bin/x"
    assert program.find(found, "/y") is None and program.find(found, "/loop/a") is None
