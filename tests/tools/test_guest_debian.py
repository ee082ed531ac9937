# SPDX-License-Identifier: Apache-2.0
"""Debian guests: what becomes of packages and wishes, without installing anything."""

from __future__ import annotations

import io
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from xenolith.card import kernel as card_kernel
from xenolith.card import packages, rootfs, stage, tree
from xenolith.card.kernel import Kernel as CardKernel
from xenolith.card.packages import Package
from xenolith.errors import UserError
from xenolith.guest import debian, kernel, root
from xenolith.guest.debian import Wishes
from xenolith.guest.kernel import Kernel
from xenolith.testing.images import entry, layer

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBxRbP1cvv1y3wGFuXvRQKR8pAx6BVRbFQ1AyqoFKfVb me@home"
DEBS = [
    Package("libc6", Path("libc6_2_arm64.deb"), True),
    Package("nano", Path("a_8_arm64.deb"), False),
]
UNITS = "usr/lib/systemd/system"
INSTALLED = {
    "etc/passwd": b"root:x:0:0:root:/root:/bin/bash\n",
    "etc/shadow": b"root:*:20000:0:99999:7:::\n",
    "etc/group": b"root:x:0:\nshadow:x:42:\n",
    "etc/machine-id": b"0123\n",
    f"{UNITS}/systemd-networkd.service": b"",
    f"{UNITS}/systemd-resolved.service": b"",
}
SERVER = {"usr/sbin/sshd": b"", f"{UNITS}/ssh.service": b"", "etc/ssh/ssh_host_rsa_key": b"secret"}


def finished(*, keys: tuple[str, ...] = (), server: bool = False) -> tree.Tree:
    found: tree.Tree = {"": tree.directory("")}
    names = INSTALLED | (SERVER if server else {})
    tree.put(found, [tree.file(path, data) for path, data in names.items()], 5)
    files = {path.name: path.read_bytes() for path in debian.FILES}
    choice = root.Choice("box", keys, "1-2", "Types: deb\n")
    root.finish(found, choice, files, DEBS, {"nano"})
    return found


def test_the_root_is_a_guests() -> None:
    found = finished()
    assert tree.text(found, "etc/hostname") == "box\n" and tree.text(found, "etc/machine-id") == ""
    assert tree.text(found, "etc/fstab").startswith("UUID=1-2 / ext4 ")
    assert "DHCP=yes" in tree.text(found, "etc/systemd/network/20-guest.network")
    assert tree.text(found, "var/lib/apt/extended_states") == ""
    enabled = {path.rpartition("/")[2] for path in found if ".wants/" in path}
    assert enabled == {"systemd-networkd.service", "systemd-resolved.service"}


def test_the_console_is_open_and_nothing_else() -> None:
    """dom0's administrator has the disk anyway."""
    found = finished(server=True)
    assert tree.text(found, "etc/shadow").startswith("root:!:")
    unit = tree.text(found, "etc/systemd/system/serial-getty@hvc0.service.d/xenolith.conf")
    assert f"ExecStart=-/{root.CONSOLE} root" in unit and found[root.CONSOLE].mode & 0o111
    said = tree.text(found, "etc/ssh/sshd_config.d/xenolith.conf")
    assert "PasswordAuthentication no" in said and "PermitRootLogin prohibit-password" in said
    assert "root/.ssh/authorized_keys" not in found and "etc/ssh/ssh_host_rsa_key" not in found


def test_a_key_comes_with_its_server() -> None:
    found = finished(keys=(KEY,), server=True)
    assert tree.text(found, "root/.ssh/authorized_keys") == f"{KEY}\n"
    assert "ssh-keygen -A" in tree.text(found, "etc/systemd/system/ssh.service.d/keys.conf")
    assert "etc/systemd/system/multi-user.target.wants/ssh.service" in found


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """A machine on which packages are installed at once; the names that were asked for."""
    monkeypatch.setenv("XENOLITH_CACHE", str(tmp_path / "cache"))
    image = tmp_path / "Image"
    image.write_bytes(b"kernel")
    files = INSTALLED | SERVER
    folders = {str(folder) for path in files for folder in Path(path).parents} - {"."}
    items = [*(entry(f"{x}/", mode=0o755) for x in sorted(folders)), entry("./", mode=0o755)]
    plain = layer(*items, *(entry(path, data) for path, data in files.items()))
    archive = tmp_path / "root.tar.gz"
    with tarfile.open(archive, "w:gz") as out, tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        for member in tar:
            out.addfile(member, tar.extractfile(member))
    found: list[set[str]] = []

    def solve(names: list[str], _suite: str, _arch: str) -> list[Package]:
        found.append(set(names))
        return DEBS

    helper = CardKernel("arm64", tmp_path, "6", 1_700_000_000)
    monkeypatch.setattr(packages, "solve", solve)
    monkeypatch.setattr(stage, "root", lambda *_: archive)
    monkeypatch.setattr(rootfs, "sources_list", lambda _suite: "Types: deb\n")
    monkeypatch.setattr(card_kernel, "prepare", lambda *_: helper)
    monkeypatch.setattr(kernel, "prepare", lambda *_: Kernel(image, b"busybox"))
    return found


def test_a_guest_is_made_once_and_always_the_same(
    asked: list[set[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wishes = Wishes(size=64 << 20)
    guest = debian.make("arm64", wishes)
    (disk,) = guest.disks
    first, when = disk.read_bytes(), disk.stat().st_mtime_ns
    assert debian.make("arm64", wishes).disks == (disk,) and disk.stat().st_mtime_ns == when
    assert 'disk = [ "/dev/xenolith/debian-0,raw,xvda,w" ]' in guest.config
    assert debian.make("arm64", replace(wishes, hostname="other")).disks != (disk,)
    monkeypatch.setenv("XENOLITH_CACHE", str(tmp_path / "another"))
    assert debian.make("arm64", wishes).disks[0].read_bytes() == first
    uuid = subprocess.run(
        ["debugfs", "-R", "cat /etc/fstab", disk], capture_output=True, check=True
    )
    told = subprocess.run(["debugfs", "-R", "stats", disk], capture_output=True, check=True).stdout
    assert uuid.stdout.split()[0].removeprefix(b"UUID=") in told
    assert "linux-image-arm64" in asked[0] and "openssh-server" not in asked[0]


def test_a_key_asks_for_a_server_and_riscv_for_no_kernel(asked: list[set[str]]) -> None:
    debian.make("riscv64", Wishes(size=64 << 20, keys=(KEY,), packages=("tmux",)))
    assert {"openssh-server", "tmux"} <= asked[0]
    assert not [name for name in asked[0] if name.startswith("linux-image")]


@pytest.mark.usefixtures("asked")
def test_what_no_guest_can_be() -> None:
    with pytest.raises(UserError, match=r"--size: this guest needs \d+M or more"):
        debian.make("arm64", Wishes(size=1 << 20))
    with pytest.raises(UserError, match="whole number of MiB"):
        debian.make("arm64", Wishes(size=1))
    with pytest.raises(UserError, match="--hostname 'a_b'"):
        debian.make("arm64", Wishes(hostname="a_b"))
    with pytest.raises(UserError, match="a guest cannot be called '7'"):
        debian.make("arm64", Wishes(name="7"))
