# SPDX-License-Identifier: Apache-2.0
"""The guest that is just there, /etc/xen/demo.cfg: its console, disks and network cards, as users
see them, what is refused, and what is left when a guest is gone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from xenolith.boards import Board
from xenolith.lab.report import Report, rows
from xenolith.lab.shell import CONSOLES, on
from xenolith.system.model import System

pytestmark = [pytest.mark.slow, pytest.mark.families("qemu-virt", "rpi4")]

LIBRARY = CONSOLES.read_bytes() + Path(__file__).with_name("guests.sh").read_bytes()
SERIAL = "machine-0"
ADDRESS = "until ip -4 addr show {0} | grep -q 'inet '; do sleep 0.2; done; ip -4 addr show {0}"
THERE_IS = "until [ -b {0} ]; do sleep 0.2; done"
WRITTEN = (
    f"{THERE_IS.format('{1}')}\n"
    # In large blocks: of what is smaller than a page the rest is read before it is written.
    "mkfifo /run/pipe; dd ibs=4k obs=1M of={1} </run/pipe 2>/dev/null & "
    "dd if=/dev/urandom bs=1M count={0} 2>/dev/null | "
    "tee /run/pipe | md5sum; wait; rm /run/pipe; sync\n"
    "echo 3 >/proc/sys/vm/drop_caches; dd if={1} bs=1M count={0} 2>/dev/null | md5sum"
)
ONLINE = "/sys/devices/system/cpu/cpu1/online"
CARDS = "until ip link set eth1 up 2>/dev/null; do sleep 0.2; done; udhcpc -S -q -n -t 20 -T 1 "


def bad(*lines: str) -> str:
    """Tries to create a guest that cannot be."""
    text = "\n".join(('name = "bad"', "memory = 128", *lines))
    return f"try <<'CONFIG'\n{text}\nCONFIG"


def network(mib: int) -> dict[str, str]:
    """What a guest does with its network card; `mib` is sent."""
    return {
        "network": on("demo", ADDRESS.format("eth0")),
        "ping": on("demo", "ping -c 3 10.0.2.2; ping -c 3 10.0.2.15") + "ping -c 3 $(address demo)",
        "to dom0": on(
            "demo",
            f"head -c {mib << 20} /dev/urandom >/run/x; httpd -p 5000 -h /run; md5sum </run/x",
        )
        + 'wget -q -O /run/got "http://$(address demo):5000/x"; md5sum </run/got',
        "from dom0": "httpd -p 5000 -h /run; "
        + on("demo", "rm /run/x; wget -q -O - http://10.0.2.15:5000/got | md5sum")
        + "md5sum </run/got; rm /run/got",
        "card": "xl network-attach demo bridge=xenbr0 && "
        + on("demo", f"{CARDS} -i eth1 -s /etc/udhcpc.sh; {ADDRESS.format('eth1')}")
        + "ls /sys/class/net; xl network-detach demo 1 && "
        "wait_for '[ ! -e /sys/class/net/vif1.1 ]'; left",
    }


def cpus() -> str:
    """Takes a CPU from guest two and gives it back: then the guest itself switches it on."""
    states = "xl vcpu-list two | awk 'NR > 1 { print \"state\", $5 }'; "
    less = "until [ $(nproc) = 1 ]; do sleep 0.2; done; echo cpus $(nproc)"
    more = f"until echo 1 >{ONLINE}; do sleep 0.2; done 2>/dev/null; echo cpus $(nproc)"
    return (
        f"xl vcpu-set two 1 && {on('two', less)}"
        f"wait_for 'xl vcpu-list two | grep -q -- --p'; {states}"
        f"xl vcpu-set two 2 && {on('two', more)}{states}"
    )


def disks(mib: int) -> dict[str, str]:
    """What a guest does with disks; `mib` is written to one."""
    return {
        "file": f"truncate -s {mib + 8}M /run/b; "
        "xl block-attach demo format=raw,vdev=xvdb,access=rw,target=/run/b && "
        + on("demo", WRITTEN.format(mib, "/dev/xvdb"))
        + f"head -c {mib << 20} /run/b | md5sum; losetup -a; xl block-detach demo xvdb && "
        + on("demo", "while [ -b /dev/xvdb ]; do sleep 0.2; done; ls /dev/xvdb")
        + "left",
        # What the machine has as a disk; a board without one makes one of a file.
        "phy": f"truncate -s 16M /run/p; disk=/dev/xenolith/{SERIAL}; loop=; "
        "[ -e $disk ] || { disk=$(losetup -f); loop=$disk; losetup $disk /run/p; }; "
        "echo $disk; xl block-attach demo phy:$disk,xvdc,w && "
        + on("demo", WRITTEN.format(8, "/dev/xvdc"))
        + "head -c 8388608 $disk | md5sum; xl block-detach demo xvdc && "
        "{ [ -z $loop ] || losetup -d $loop; }; left",
        "read only": "xl block-attach demo format=raw,vdev=xvdd,access=ro,target=/run/p && "
        + on("demo", f"{THERE_IS.format('/dev/xvdd')}; md5sum </dev/xvdd; echo x >/dev/xvdd")
        + "md5sum </run/p; xl block-detach demo xvdd; left",
        "file system": "truncate -s 24M /run/f; mkfs.ext4 -q /run/f; mkdir -p /mnt; "
        "loop=$(losetup -f); losetup $loop /run/f; mount $loop /mnt && echo from dom0 >/mnt/x; "
        "umount /mnt; losetup -d $loop; "
        "xl block-attach demo format=raw,vdev=xvde,access=rw,target=/run/f && "
        + on(
            "demo",
            f"{THERE_IS.format('/dev/xvde')}; mount /dev/xvde /tmp && cat /tmp/x; umount /tmp",
        )
        + "xl block-detach demo xvde; left",
    }


def commands(mib: int, cycles: int) -> dict[str, str]:
    """What is done in dom0; `mib` is written to a disk, an eighth of it sent by TCP. A guest is
    created and destroyed `cycles` times, a tenth of them with a disk and a card."""
    kernel = 'kernel = "/boot/vmlinuz"'
    return {
        "before": "left",
        "create": "xl create /etc/xen/demo.cfg && open demo && cat /run/demo.out && xl list",
        **network(mib // 8),
        **disks(mib),
        # A file that is as good as new, then two disks and two cards.
        "two": "dd if=/dev/zero of=/run/b bs=1M count=1 conv=notrunc 2>/dev/null; "
        "xl create /etc/xen/demo.cfg 'name=\"two\"' "
        '\'disk=["/run/b,raw,xvda,w","/run/p,raw,xvdb,r"]\' '
        '\'vif=["bridge=xenbr0","bridge=xenbr0"]\' vcpus=2 && open two && '
        + on("two", f"{ADDRESS.format('eth0')}; {ADDRESS.format('eth1')}; ls /dev/xvd*")
        + f'echo "ping -c 3 $(address demo)" | on two; {cpus()}xl shutdown -w two; left',
        "in use": 'sed \'s/"demo"/"bad"/\' /etc/xen/demo.cfg | try',
        "no kernel": bad('kernel = "/boot/nobody"'),
        "no disk": bad(kernel, 'disk = [ "/run/nobody,raw,xvda,w" ]'),
        "no bridge": bad(kernel, 'vif = [ "bridge=nobody" ]'),
        "no script": bad(kernel, 'vif = [ "script=vif-nobody" ]'),
        "typo": bad('kernel = "/boot/vmlinuz'),
        "poweroff": "echo poweroff >/run/demo.in; wait_for '! xl list demo >/dev/null 2>&1'; left; "
        "! xenstore-ls /local/domain/0/backend 2>/dev/null",
        "again": f"for i in $(seq {max(cycles // 10, 1)}); do "
        "xl create -p /etc/xen/demo.cfg && xl destroy demo; done; left",
        "cycles": "grep -vE '^(disk|vif)' /etc/xen/demo.cfg >/run/none.cfg; i=0; "
        f"while [ $i -lt {cycles} ] && "
        "xl create -p /run/none.cfg && xl destroy demo; do i=$((i + 1)); done; "
        "echo $i cycles; left",
    }


def amounts(board: Board) -> tuple[int, int]:
    """MiB and cycles for `commands`. QEMU's Pi is slow: it has four CPUs to play."""
    return (8, 3) if board.family == "rpi4" else (64, 20)


THERE, GONE = "domains 2, loops 1, cards 1, free", "domains 1, loops 0, cards 0, free"
REFUSED = {
    "in use": r"File /var/lib/xen/demo.img is loopback-mounted",
    "no kernel": r"/boot/nobody.*No such file",
    "no disk": r"/run/nobody.*No such file",
    "no bridge": r"Could not find bridge device nobody",
    "no script": r"vif-nobody.*No such file",
    "typo": r"config parsing error",
}


@pytest.fixture(scope="module")
def report(
    make_system: Callable[..., System],
    boot: Callable[..., Report],
    board: Board,
    tmp_path_factory: pytest.TempPathFactory,
) -> Report:
    wanted = commands(*amounts(board))
    prepared = {name: f". /test/guests.sh\n{text}" for name, text in wanted.items()}
    extra = list(board.qemu.network)
    if board.family == "qemu-virt":
        disk = tmp_path_factory.mktemp("guests") / "disk"
        with disk.open("wb") as file:
            file.truncate(16 << 20)
        extra += ["-drive", f"if=none,id=own,format=raw,file={disk}"]
        extra += ["-device", f"virtio-blk-device,drive=own,serial={SERIAL}"]
    files = {"/test/guests.sh": LIBRARY}
    return boot(make_system(smp=2, memory=2048), "test-guests", prepared, extra, files=files)


EMPTY = "d41d8cd98f00b204e9800998ecf8427e"
"""The checksum of nothing."""


def sums(text: str) -> list[str]:
    """The checksums in a text."""
    return re.findall(r"^([0-9a-f]{32})  -", text, re.MULTILINE)


def free(text: str) -> str:
    """What `left` says of free memory."""
    (found,) = re.findall(r"free_memory : \d+", text)
    return str(found)


def test_its_shell_is_there(report: Report) -> None:
    assert "This is a guest." in report["create"]
    assert [row[0] for row in rows(report["create"].split("Name ", 1)[1])] == ["Domain-0", "demo"]


def test_it_has_an_address_and_reaches_dom0_and_the_outside(report: Report) -> None:
    assert re.search(r"inet 10\.0\.2\.\d+/24", report["network"]), report["network"]
    assert report["ping"].count("3 packets transmitted, 3 packets received") == 3, report["ping"]


@pytest.mark.parametrize("way", ["to dom0", "from dom0"])
def test_what_goes_over_the_network_arrives(report: Report, way: str) -> None:
    sent, got = sums(report[way])
    assert sent == got != EMPTY


@pytest.mark.parametrize("kind", ["file", "phy"])
def test_what_is_written_to_a_disk_is_there(report: Report, kind: str) -> None:
    written, read, seen = sums(report[kind])
    assert written == read == seen != EMPTY


def test_a_disk_of_the_machine_is_found_by_its_serial_number(report: Report, board: Board) -> None:
    there = report["phy"].startswith(f"/dev/xenolith/{SERIAL}\n")
    assert there == (board.family == "qemu-virt")


def test_disks_and_cards_come_and_go(report: Report) -> None:
    assert "/run/b" in report["file"]
    assert "/dev/xvdb: No such file" in report["file"]
    assert re.search(r"inet 10\.0\.2\.\d+/24", report["card"])
    assert "vif1.1" in report["card"]
    assert re.search("^from dom0$", report["file system"], re.MULTILINE)
    for name in ("file", "phy", "read only", "file system", "card"):
        assert THERE in report[name], report[name]


def test_a_disk_that_is_only_read_cannot_be_written(report: Report) -> None:
    before, after = sums(report["read only"])
    assert before == after
    assert re.search(r"write error|not permitted|[Rr]ead-only", report["read only"])


def test_a_guest_with_several_disks_and_cards(report: Report) -> None:
    two = report["two"]
    assert len(set(re.findall(r"inet (10\.0\.2\.\d+)/24", two))) == 2, two
    assert "3 packets transmitted, 3 packets received" in two, two
    assert "/dev/xvda" in two
    assert "/dev/xvdb" in two
    assert THERE in two


def test_a_cpu_goes_and_comes_back(report: Report) -> None:
    two = report["two"]
    assert re.findall(r"^cpus (\d+)", two, re.MULTILINE) == ["1", "2"], two
    first, gone, back, second = re.findall(r"^state (\S+)", two, re.MULTILINE)
    assert gone == "--p"
    assert "p" not in first + back + second, two


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_and_leaves_nothing(report: Report, name: str) -> None:
    said = report[name]
    assert re.search(REFUSED[name], said), said
    assert "status 0" not in said
    assert THERE in said
    assert free(said) == free(report["read only"])


def test_when_it_is_gone_nothing_is_left(report: Report, board: Board) -> None:
    assert report["cycles"].startswith(f"{amounts(board)[1]} cycles")
    for name in ("poweroff", "again", "cycles"):
        assert GONE in report[name], report[name]
        assert free(report[name]) == free(report["before"])
    # Not even a folder for backends in xenstore.
    assert report["poweroff"].count("\n") == 1
