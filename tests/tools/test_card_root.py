# SPDX-License-Identifier: Apache-2.0
"""What becomes of packages and of a user's wishes in a card's root."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from xenolith.card import login, recipe, rootfs, tree
from xenolith.card.login import Login
from xenolith.card.packages import Package
from xenolith.card.rootfs import Choice
from xenolith.dom0 import cpio
from xenolith.errors import UserError

FILES = rootfs.files()
ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBxRbP1cvv1y3wGFuXvRQKR8pAx6BVRbFQ1AyqoFKfVb me@home"


SSHD = "etc/ssh/sshd_config.d/xenolith.conf"
UNITS = [f"etc/systemd/system/{x}.service.d/xenolith.conf" for x in rootfs.CONSOLES]
CONSOLE = "/usr/lib/xenolith/console"
HASH = "$6$abc$" + "h" * 86
WISHES = [
    Login(user, password, keys, console=console)
    for user in ("root", "ann")
    for password in ("", HASH)
    for keys in ((), (ED25519,))
    for console in (True, False)
    if console or (keys and not password)
]
"""All that the command line lets through."""


def root() -> tree.Tree:
    """As the packages leave it, in short."""
    found: tree.Tree = {"": tree.directory("")}
    items = [
        tree.file(
            "etc/passwd", "root:x:0:0:root:/root:/bin/bash\nsshd:x:989:65534::/run:/bin/no\n"
        ),
        tree.file("etc/shadow", "root:*:20000:0:99999:7:::\nsshd:!*:20000::::::\n", 0o640),
        tree.file("etc/group", "root:x:0:\nsudo:x:27:\nshadow:x:42:\n"),
        tree.file("etc/machine-id", "0123\n"),
        tree.file("etc/skel/.bashrc", "b"),
        tree.file("etc/skel/.profile", "p"),
        tree.file("etc/ssh/ssh_host_rsa_key", "secret", 0o600),
        tree.file("var/log/apt/term.log", "noise"),
        tree.file("usr/lib/python3/__pycache__/x.pyc", "c"),
        tree.file("usr/sbin/sshd", "program", 0o755),
    ]
    tree.put(found, items, 5)
    return found


def finished(
    wishes: Login = Login(),  # noqa: B008 - frozen
    hostname: str = "pi",
    *,
    debian_kernel: bool = True,
) -> tree.Tree:
    found = root()
    debs = [
        Package("libc6", Path("libc6_2_arm64.deb"), True),
        Package("nano", Path("nano_8_arm64.deb"), False),
        Package("libnl", Path("libnl_3_arm64.deb"), False),
    ]
    choice = Choice(hostname, wishes, 0x4584_7789, "Types: deb\n", debian_kernel)
    rootfs.finish(found, choice, FILES, debs, {"nano"})
    return found


def test_what_belongs_to_one_machine_is_gone() -> None:
    found = finished()
    assert tree.text(found, "etc/machine-id") == ""
    assert "var/log/apt" in found and "var/log/apt/term.log" not in found
    assert not [p for p in found if "__pycache__" in p or "ssh_host_" in p]
    assert "usr/sbin/sshd" in found


def test_settings() -> None:
    found = finished()
    assert tree.text(found, "etc/hostname") == "pi\n"
    assert "PARTUUID=45847789-02 / ext4" in tree.text(found, "etc/fstab")
    first = tree.text(found, "etc/fstab").splitlines()[1].split()
    assert (first[1], "nofail" in first[3].split(",")) == ("/boot/firmware", True)
    automatic = tree.text(found, "var/lib/apt/extended_states")
    assert automatic == "Package: libnl\nArchitecture: arm64\nAuto-Installed: 1\n\n"
    disks = tree.text(found, "etc/udev/rules.d/70-xenolith.rules")
    assert 'SYMLINK+="xenolith/$attr{serial}"' in disks and '"vd*|sd*"' in disks
    for item in found.values():
        assert item.mtime == 5 or item.path == ""
        assert str(Path(item.path).parent) in {*found, "."}


def test_a_kernel_of_no_package_stays() -> None:
    """All is in it, and Debian's, which may be installed beside it, is no dom0."""
    of_kernel = {p for p in finished() if p not in finished(debian_kernel=False)}
    hooks = {p for p in of_kernel if p.endswith("zz-xenolith")}
    assert len(hooks) == 2 and "etc/modules-load.d/xen.conf" in of_kernel
    assert "etc/xen/demo.cfg" in finished(debian_kernel=False)


def test_every_unit_of_ours_runs_what_is_there() -> None:
    found = finished()
    for unit, target in rootfs.OURS.items():
        text = tree.text(found, f"etc/systemd/system/{unit}")
        programs = re.findall(r"^Exec\w+=/(usr/lib/xenolith/\S+)", text, re.MULTILINE)
        assert programs and all(found[path].mode & 0o111 for path in programs)
        assert f"WantedBy={target.removesuffix('.wants')}\n" in text
        assert found[f"etc/systemd/system/{target}/{unit}"].target.endswith(unit)
    script = tree.text(found, "usr/lib/xenolith/run")
    read = re.findall(r"^\. /(\S+)", script, re.MULTILINE)
    assert read and set(read) <= set(found)


def shadow(found: tree.Tree, user: str) -> list[str]:
    lines = tree.text(found, "etc/shadow").splitlines()
    return next(line.split(":") for line in lines if line.startswith(f"{user}:"))


def test_without_a_word_about_logging_in() -> None:
    """An empty password that must be changed at once: ssh accepts no empty ones."""
    found = finished()
    assert shadow(found, "root")[1:3] == ["", "0"]
    assert (found["etc/shadow"].mode & 0o777, found["etc/shadow"].gid) == (0o640, 42)


def test_root_with_a_key_has_no_password() -> None:
    found = finished(Login(keys=(ED25519,)))
    assert shadow(found, "root")[1] == "!"
    assert tree.text(found, "root/.ssh/authorized_keys") == ED25519 + "\n"
    assert found["root/.ssh"].mode & 0o777 == 0o700
    assert "PasswordAuthentication no" in tree.text(found, SSHD)


@pytest.mark.parametrize("wishes", WISHES, ids=str)
def test_every_card_can_be_entered_at_its_console(wishes: Login) -> None:
    """With a password, by setting one, or without one; unless that was switched off."""
    found = finished(wishes)
    field = shadow(found, wishes.user)[1]
    opened = "usr/lib/xenolith/console" in found
    assert opened == (field == "!" and wishes.console)
    assert [unit in found for unit in UNITS] == [opened] * len(UNITS)
    for unit in UNITS if opened else ():
        lines = tree.text(found, unit).splitlines()
        assert lines == ["[Service]", "ExecStart=", f"ExecStart=-{CONSOLE} {wishes.user}"]
    for name in ("emergency", "rescue"):
        assert (f"etc/systemd/system/{name}.service.d/xenolith.conf" in found) == opened
    locked = "nobody can log in at the console" in wishes.advice
    assert locked == (field == "!" and not opened)


@pytest.mark.parametrize("wishes", WISHES, ids=str)
def test_the_network_takes_no_empty_password(wishes: Login) -> None:
    said = set(tree.text(finished(wishes), SSHD).splitlines())
    assert {"PermitRootLogin prohibit-password", "PermitEmptyPasswords no"} <= said
    assert ("PasswordAuthentication no" in said) == bool(wishes.keys)


@pytest.mark.parametrize(
    ("field", "asked"),
    [("!", False), ("*", False), ("", True), ("$6$a$b", True), ("!$6$a$b", True)],
)
def test_the_console_asks_once_there_is_a_password(field: str, asked: bool, tmp_path: Path) -> None:
    """The script itself, with programs in the place of getent and agetty."""
    text = (recipe.FOLDER / "console.sh").read_text().replace("/usr/sbin/agetty", "echo")
    getent = tmp_path / "getent"
    getent.write_text(f"#!/bin/sh\n[ \"$*\" = 'shadow ann' ] && echo 'ann:{field}:19000:0:::::'\n")
    getent.chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "TERM": "vt220"}
    command = ["sh", "-c", text, "console", "ann"]
    said = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    assert said.startswith("-o -- \\u " if asked else "--autologin ann ")
    assert said.endswith(" - vt220\n")


def test_a_user_who_is_not_root() -> None:
    found = finished(Login("pi", "$6$abc$" + "h" * 86))
    assert shadow(found, "root")[1] == "!"
    assert shadow(found, "pi")[1].startswith("$6$abc$")
    assert "sudo:x:27:pi" in tree.text(found, "etc/group")
    assert found["home/pi/.bashrc"].uid == found["home/pi"].uid == 1000
    assert found["etc/sudoers.d/pi"].mode & 0o777 == 0o440
    assert "PasswordAuthentication" not in tree.text(found, SSHD)
    with pytest.raises(UserError, match="--user sshd: Debian has a user of that name"):
        finished(Login("sshd"))


@pytest.mark.parametrize("name", ["", "-a", "a-", "a b", "a_b", "x" * 64, "a..b", "ü", "a;reboot"])
def test_bad_host_names(name: str) -> None:
    with pytest.raises(UserError, match="--hostname"):
        login.check_hostname(name)


@pytest.mark.parametrize("name", ["", "Root", "1a", "a b", "x" * 33, "a:b", "../x"])
def test_bad_user_names(name: str) -> None:
    with pytest.raises(UserError, match="--user"):
        login.check_user(name)


def test_good_names() -> None:
    assert login.check_hostname("pi-4.example.org") == "pi-4.example.org"
    assert login.check_user("_me-2") == "_me-2"


def test_keys(tmp_path: Path) -> None:
    path = tmp_path / "id_ed25519"
    made = (
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path],
            capture_output=True,
            check=False,
        )
        if Path("/usr/bin/ssh-keygen").exists()
        else None
    )
    if made is None:
        path.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nx\n")
        path.with_suffix(".pub").write_text(ED25519 + "\n")
    assert login.read_keys(path.with_suffix(".pub"))[0].startswith("ssh-ed25519 ")
    with pytest.raises(
        UserError, match=r"private key, which stays with you; give .*id_ed25519\.pub"
    ):
        login.read_keys(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no key in it"),
        ("# only a comment\n", "has no key in it"),
        ("hello world\n", "is no public key"),
        ("ssh-ed25519 AAAA\n", "is no public key"),
        (ED25519.replace("ssh-ed25519 ", "ssh-rsa "), "is no public key"),
        ("command=x " + ED25519, "is no public key"),
        ("x" * 70_000, "larger than 64 KiB"),
        ("\udcff", "is no text"),
    ],
)
def test_files_that_are_no_keys(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "key"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UserError, match=message) as e:
        login.read_keys(path)
    assert e.value.code == 2 and "\n" not in e.value.message


def test_a_key_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file or directory; `ls ~/"):
        login.read_keys(tmp_path / "none")
    with pytest.raises(UserError, match="No such file or directory; write the password into"):
        login.read_password(tmp_path / "none", "salt")
    with pytest.raises(UserError, match="Is a directory"):
        login.read_keys(tmp_path)


def test_passwords(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("correct horse\n")
    found = login.read_password(path, "salt")
    command = ["openssl", "passwd", "-6", "-salt", "salt", "correct horse"]
    assert (
        found == subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    )
    path.write_text(found + "\n")
    assert login.read_password(path, "other") == found
    for bad in ("", "short\n", "with\ttab and more\n"):
        path.write_text(bad)
        with pytest.raises(UserError, match="8 characters"):
            login.read_password(path, "salt")


def test_archives_are_read_as_they_are_written() -> None:
    entries = [
        cpio.directory("a", 0o700),
        cpio.file("a/b", b"xyz", 0o755),
        cpio.link("c", "a/b"),
        cpio.character_device("d", 5, 1),
    ]
    for archive in (cpio.pack(entries), cpio.compress(cpio.pack(entries))):
        assert cpio.unpack(archive) == entries
    for broken in (b"", b"070701", cpio.pack(entries)[:200], cpio.compress(b"x")[:9]):
        with pytest.raises(ValueError, match="cpio"):
            cpio.unpack(broken)
