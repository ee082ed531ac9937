# SPDX-License-Identifier: Apache-2.0
"""A whole Debian card: first boot, login on the console, services, xl; minutes, so only --long."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from xenolith import OUTPUT
from xenolith.boards import Board, find
from xenolith.card import boot, image, kernel, layout, recipe
from xenolith.card.image import Made, Request
from xenolith.card.login import Login, read_password
from xenolith.cli.image import DOM0_LINE
from xenolith.dom0.image import Dom0
from xenolith.lab import card, protocol, session
from xenolith.lab.console import Console, Deadline, LabError
from xenolith.lab.screen import Screen
from xenolith.lab.session import Options
from xenolith.lab.target import State
from xenolith.package import xentools
from xenolith.system.model import System

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(3000)]

USER, PASSWORD = "tester", "horse-battery"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBxRbP1cvv1y3wGFuXvRQKR8pAx6BVRbFQ1AyqoFKfVb me@home"
TIMEOUT = 1200.0
"""Seconds for a boot with all commands; 70 to 130 are usual."""
PICTURES = OUTPUT / "qemu-virt-arm64" / "logs"
LARGER = 2 << 30
"""Bytes of the card that the image is written to."""


@pytest.fixture(scope="module")
def request_for(board: Board, hypervisor: Path) -> Callable[[Login], Request]:
    """A card for those who may log in: the Pi's is tried on QEMU's virt machine, too."""
    wanted = find("rpi4") if board.debian_arch == "arm64" else board
    line = System(wanted, hypervisor, hypervisor, hypervisor, wanted.smp, wanted.memory)

    def wishes(login: Login) -> Request:
        return Request(
            board=wanted,
            hypervisor=hypervisor,
            hypervisor_line=line.hypervisor_line,
            dom0_line=DOM0_LINE,
            hostname="stone",
            login=login,
        )

    return wishes


@pytest.fixture(scope="module")
def made(request_for: Callable[[Login], Request], tmp_path_factory: pytest.TempPathFactory) -> Made:
    """live.raw, made once for all tests; the packages are installed on the first run only."""
    folder = tmp_path_factory.mktemp("card")
    (folder / "password").write_text(PASSWORD)
    wishes = request_for(Login(USER, read_password(folder / "password", "salt")))
    return image.build(wishes, folder / "live.raw")


@pytest.fixture
def larger(made: Made, tmp_path: Path) -> Path:
    """The image on a card that is larger."""
    path = tmp_path / "card.raw"
    shutil.copyfile(made.path, path)
    with path.open("r+b") as f:
        f.truncate(LARGER)
    return path


class Shell:
    """Somebody who logs in on the console."""

    def __init__(self, console: Console, deadline: Deadline) -> None:
        self.console, self.deadline, self.count = console, deadline, 0
        console.expect(rb"stone login: ", deadline, "the login prompt")
        console.send(f"{USER}\r".encode())
        console.expect(rb"[Pp]assword: ", deadline)
        console.send(f"{PASSWORD}\r".encode())
        console.expect(rb"\$ ", deadline, "the user's shell")
        console.send(b"sudo -i\r")
        console.expect(rb"# ", deadline, "root's shell")
        console.send(b"stty -echo cols 200; export PAGER=cat TERM=dumb\r")

    def run(self, command: str) -> str:
        """What a command prints; its status must be 0."""
        self.count += 1
        mark = f"@{self.count}"
        self.console.send(f"echo {mark}'<'; {command}; echo {mark}'>'$?\r".encode())
        self.console.expect(rf"{mark}<\r*\n".encode(), self.deadline, command)
        begin = len(self.console.data)
        begin = self.console.data.rfind(f"{mark}<".encode(), 0, begin) + len(mark) + 1
        status = self.console.expect(rf"{mark}>(\d+)\r*\n".encode(), self.deadline, command)
        text = bytes(self.console.data[begin : status.start()]).decode(errors="replace")
        assert status[1] == b"0", f"{command}: {text}"
        return text.replace("\r", "").strip()


def check(shell: Shell, device: str) -> None:
    """What holds on every machine after the first boot."""
    assert re.search(r"^Domain-0 +0 +\d+ ", shell.run("xl list"), re.MULTILINE)
    assert "xenolith" in shell.run("xl info")
    assert shell.run("systemctl is-active xen ssh systemd-networkd xenolith-grow") == "\n".join(
        ["active"] * 4
    )
    assert shell.run("systemctl --failed --quiet --no-legend") == ""
    assert re.search(r"\d /\S*x?enstored ", shell.run("pgrep -a xenstored"))
    assert "--pid-file" in shell.run("pgrep -a xenconsoled")
    source, size = shell.run("findmnt -nbo SOURCE,SIZE /").split()
    assert source == device
    assert int(size) > LARGER - layout.BOOT - (256 << 20), "the root has grown"
    assert {"demo.cfg", "guest.cfg.example", "boot.scr"} <= set(
        shell.run("ls /etc/xen /boot/firmware").split()
    )
    assert "ssh-ed25519" in shell.run("ssh-keyscan -t ed25519 localhost 2>/dev/null")
    assert shell.run("dpkg --audit") == ""


def check_kernel_hook(shell: Shell) -> None:
    """A kernel that comes later is what U-Boot loads; an older one changes nothing."""
    version, place = shell.run("uname -r"), "/boot/firmware"
    shell.run(f"cp {place}/initrd.gz /boot/initrd.img-{version}")
    shell.run(f"echo newer >>/boot/initrd.img-{version}; echo old >{place}/kernel.gz")
    hook = "/etc/kernel/postinst.d/zz-xenolith"
    shell.run(f"{hook} 6.1.0-0-arm64; grep -qx old {place}/kernel.gz")
    assert f"{place} has kernel {version}" in shell.run(f"{hook} {version}")
    shell.run(f"zcat {place}/kernel.gz | cmp - /boot/vmlinuz-{version}")
    shell.run(f"cmp {place}/initrd.gz /boot/initrd.img-{version}")
    assert ".new" not in shell.run(f"ls {place}")


def check_guest(shell: Shell) -> None:
    """The guest that is just there: console, network, a disk that keeps what is written."""
    console, deadline = shell.console, shell.deadline
    for written in ("", "first start"):
        console.send(b"xl create -c /etc/xen/demo.cfg\r")
        console.expect(rb"demo:~# ", deadline, "the guest's shell")
        console.send(b"until ping -c 1 10.0.2.2; do sleep 1; done; cat note; mount; free\r")
        console.expect(rb"1 packets received", deadline, "an answer to ping")
        if written:
            console.expect(rb"first start\r*\n", deadline, "what the guest wrote before")
        console.expect(rb"/dev/xvda on / type ext", deadline)
        console.expect(rb"Mem: ", deadline)
        console.send(b"echo first start >note; sync; echo is $((40 + 2))\r")
        console.expect(rb"is 42", deadline)
        console.send(b"\x1d")
        console.expect(rb"root@stone:~# ", deadline, "dom0's shell after Ctrl-]")
        assert "\ndemo " in shell.run("xl list")
        shell.run("xl shutdown -w demo")
        # xl takes the rest down in its own time.
        shell.run("while xl list | grep -q demo || losetup | grep -q demo; do sleep 0.5; done")


def check_screen(shell: Shell, seat: Screen) -> None:
    """Somebody logs in before the screen and sees what there is; each step is kept as a picture."""
    # Their drivers come when udev finds them: what is typed before is lost.
    shell.run("until grep -q virtio_gpudrmfb /proc/fb; do sleep 0.5; done")
    shell.run("until grep -q 'Virtio Keyboard' /proc/bus/input/devices; do sleep 0.5; done")
    steps = [
        ("", "stone login:"),
        (f"{USER}\n", "Password:"),
        (f"{PASSWORD}\n", f"{USER}@stone"),
        ("sudo xl list\n", "Domain-0"),
    ]
    for number, (keys, seen) in enumerate(steps):
        seat.type(keys)
        # What the virtual terminal holds; a shell like the one here is what it shows.
        shell.run(f"until grep -q '{seen}' /dev/vcs1; do sleep 0.5; done")
        seat.shot(PICTURES / f"test-card-screen-{number}.png")
    assert PASSWORD not in shell.run("cat /dev/vcs1")
    shell.run("echo '<6>a noise' >/dev/kmsg; echo '<4>a warning' >/dev/kmsg")
    shell.run("until grep -q 'a warning' /dev/vcs1; do sleep 0.5; done; ! grep -q noise /dev/vcs1")
    assert "tty1" in shell.run("loginctl --no-legend")
    seat.close()


def test_on_a_machine_with_a_network(
    make_system: Callable[..., System],
    larger: Path,
    made: Made,
    dom0: Dom0,
    short_folder: Path,
) -> None:
    """Without U-Boot on QEMU virt: what is on the card is the same, and there is a DHCP server,
    and a screen with a keyboard."""
    if make_system().board.debian_arch != "arm64":
        pytest.skip("this is the Pi's card; dom0's own kernel knows no screen")
    line = f"console=tty1 console=hvc0 root=PARTUUID={made.identifier:08x}-02"
    usual = make_system(dom0_args=line)
    board = usual.board
    linux = kernel.prepare(board.debian_arch, recipe.load())
    initrd = short_folder / "initrd.gz"
    initrd.write_bytes(boot.initrd(dom0.core.read_bytes(), linux))
    system = replace(usual, kernel=linux.packed, initrd=initrd)
    disk = ["-drive", f"if=none,id=card,format=raw,file={larger}"]
    extra = [*board.qemu.network, *disk, "-device", "virtio-blk-device,drive=card"]
    # Screen and keyboard speak virtio 1.0 only, QEMU's MMIO by itself an older one.
    extra += ["-global", "virtio-mmio.force-legacy=false"]
    extra += ["-device", "virtio-gpu-device", "-device", "virtio-keyboard-device"]
    seat = Screen(short_folder / "qmp")
    options = Options("test-card-debian", TIMEOUT, extra=[*extra, *seat.options])
    token = protocol.new_token()
    command = session.prepare(system, [], options, token, short_folder)
    with session.switched_on(command, system, [], options, token) as target:
        shell = Shell(target.console, target.deadline)
        check(shell, "/dev/vda2")
        check_screen(shell, seat)
        assert "10.0.2.15/24" in shell.run("ip -c=never -4 -br addr show xenbr0")
        assert "xenbr0" in shell.run("ip link show eth0")
        check_guest(shell)
        check_kernel_hook(shell)
        shell.run("systemctl --no-block poweroff")
        target.console.expect(rb"Hardware Dom0 halted: halting machine", target.deadline)


@pytest.mark.families("rpi4")
def test_commands_on_a_card_with_a_key(
    make_system: Callable[..., System], made: Made, request_for: Callable[[Login], Request]
) -> None:
    """Nobody has a password there: the console lets us in, and the network is up."""
    system, disk = make_system(), made.path.with_name("key.raw")
    image.build(request_for(Login(USER, keys=(KEY,))), disk)
    commands = ["id -un", "xl list", "ip -4 -br addr show xenbr0", "sshd -T", "passwd -S " + USER]
    options = Options("test-card-key", TIMEOUT)
    with card.from_file(system, disk, commands, options) as target:
        target.to(State.POWERED_OFF)
    who, listed, address, ssh, password = (r.text for r in target.collector.results)
    assert who == "root\n"
    assert re.search(r"^Domain-0 +0 +\d+ ", listed, re.MULTILINE)
    assert "10.0.2.15/24" in address
    said = set(ssh.splitlines())
    assert {"permitrootlogin without-password", "passwordauthentication no"} <= said
    assert {"permitemptypasswords no", "kbdinteractiveauthentication no"} <= said
    assert password.split()[:2] == [USER, "L"]


@pytest.mark.families("rpi4")
def test_commands_where_the_console_asks(make_system: Callable[..., System], larger: Path) -> None:
    options = Options("test-card-asks", TIMEOUT)
    with (
        card.from_file(make_system(), larger, ["true"], options) as target,
        pytest.raises(LabError, match="wants a password at its console"),
    ):
        target.to(State.DOM0)


@pytest.mark.families("rpi4")
def test_through_uboot(make_system: Callable[..., System], larger: Path) -> None:
    system, options = make_system(), Options("test-card-debian", TIMEOUT)
    with card.from_file(system, larger, [], options) as target:
        shell = Shell(target.console, target.deadline)
        (device,) = re.findall(r"mmcblk\d", shell.run("lsblk -nro NAME,TYPE | grep disk"))[:1]
        check(shell, f"/dev/{device}p2")
        shell.run("systemctl --no-block reboot")
        target.console.expect(rb"Hardware Dom0 shutdown: rebooting machine", target.deadline)


def test_a_disk_that_uboot_starts(
    make_system: Callable[..., System], larger: Path, board: Board
) -> None:
    """Where the tools come in a package of ours, and the kernel in none."""
    if board.debian_arch == "arm64":
        pytest.skip("the Pi's card is this, and more")
    options = Options("test-card-debian", TIMEOUT)
    with card.from_file(make_system(), larger, [], options) as target:
        shell = Shell(target.console, target.deadline)
        assert shell.run("systemctl is-system-running --wait") == "running"
        check(shell, "/dev/vda2")
        assert shell.run(f"dpkg --verify {xentools.NAME}") == ""
        assert xentools.NAME not in shell.run("apt-get --simulate autoremove")
        shell.run("ln -s ../demo.cfg /etc/xen/auto/; systemctl restart xendomains")
        assert "\ndemo " in shell.run("xl list")
        # It waits until the guest is off; xl takes it away after that.
        shell.run("systemctl stop xendomains; rm /etc/xen/auto/demo.cfg")
        shell.run("while xl domid demo 2>/dev/null; do sleep 0.5; done")
        check_guest(shell)
        shell.run("systemctl --no-block reboot")
        target.console.expect(rb"Hardware Dom0 shutdown: rebooting machine", target.deadline)
