# SPDX-License-Identifier: Apache-2.0
"""A guest that serves another one's disk and network: `driver_domain`, `xl devd`, `backend=`.

Its system is a copy of dom0's own, on a disk: that has the drivers, the scripts and xl.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from xenolith.lab.report import Report, rows
from xenolith.lab.shell import library, on
from xenolith.system.model import System

pytestmark = [pytest.mark.slow, pytest.mark.long]

ADDRESS, GUEST = "192.168.77.1", "192.168.77.2"
DISK, LOOP = "/disk.img", "/dev/loop0"
"""What it serves must be a block device there."""

INIT = rf"""#!/bin/sh
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
mkdir -p /dev/pts /run/xen/lock /run/lock /run/xenstored
mount -t devpts pts /dev/pts
ln -sf /proc/self/fd /dev/fd
for n in 0:in 1:out 2:err; do ln -sf /proc/self/fd/${{n%:*}} /dev/std${{n#*:}}; done
for directory in /usr/lib/xen-*/bin; do PATH=$PATH:$directory; done
for module in /modules/xen/*.ko; do [ ! -e $module ] || insmod $module 2>/dev/null; done
mount -t xenfs xenfs /proc/xen
ip link set lo up
ip link add name xenbr0 type bridge
ip link set xenbr0 up
ip addr add {ADDRESS}/24 dev xenbr0
for module in xen-netback xen-blkback loop; do [ ! -e /proc/modules ] || modprobe $module; done
losetup {LOOP} {DISK}
xl devd -F >/run/devd.log 2>&1 &
httpd -p 5000 -h /run
echo "This is a driver domain; poweroff -f ends the guest."
while :; do sh; done
"""

MAKE = f"""
truncate -s 400M /run/driver.img
mkfs.ext4 -q /run/driver.img
loop=$(losetup -f)
mkdir -p /mnt
losetup $loop /run/driver.img
mount $loop /mnt
for name in /*; do
    case $name in
    /proc | /sys | /dev | /run | /tmp | /mnt | /boot | /xenolith | /init | /lost*) ;;
    *) cp -a $name /mnt ;;
    esac
done
rm /mnt/var/lib/xen/demo.img
mkdir -p /mnt/proc /mnt/sys /mnt/dev /mnt/run /mnt/tmp
truncate -s 16M /mnt{DISK}
cat >/mnt/driver.sh <<'INIT'
{INIT}INIT
chmod 755 /mnt/driver.sh
umount /mnt
losetup -d $loop
cat >/run/driver.cfg <<'CONFIG'
name = "driver"
type = "pvh"
memory = 192
driver_domain = 1
kernel = "/boot/vmlinuz"
ramdisk = "/boot/guest-initrd.gz"
extra = "console=hvc0 quiet cma=0 root=/dev/xvda rw init=/driver.sh"
disk = [ "format=raw, vdev=xvda, access=rw, target=/run/driver.img" ]
CONFIG
"""
WRITTEN = (
    "until [ -b /dev/xvdb ]; do sleep 0.2; done\n"
    "dd if=/dev/urandom bs=1M count=8 2>/dev/null | tee /run/y | md5sum\n"
    "dd if=/run/y of=/dev/xvdb bs=1M 2>/dev/null; rm /run/y; sync\n"
    "echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/xvdb bs=1M count=8 2>/dev/null | md5sum"
)
COMMANDS = {
    "make": f"set -e\n{MAKE}\ndf /run | tail -n 1",
    "driver": "xl create /run/driver.cfg && open driver && xl list",
    "guest": "xl create /etc/xen/demo.cfg 'vif=[\"bridge=xenbr0,backend=driver\"]' && open demo && "
    "xl network-list demo && ls /sys/class/net",
    "ping": on("demo", f"ip addr add {GUEST}/24 dev eth0; ping -c 3 {ADDRESS}"),
    "to the guest": on("driver", "head -c 4194304 /dev/urandom >/run/x; md5sum </run/x")
    + on("demo", f"wget -q -O - http://{ADDRESS}:5000/x | tee /run/x | md5sum"),
    "from the guest": on("demo", "httpd -p 5000 -h /run")
    + on("driver", f"wget -q -O - http://{GUEST}:5000/x | md5sum"),
    "disk": f"xl block-attach demo format=raw,vdev=xvdb,access=rw,backend=driver,target={LOOP} && "
    + on("demo", WRITTEN)
    + on("driver", f"head -c 8388608 {DISK} | md5sum; cat /run/devd.log")
    + "xl block-list demo",
    "detach": "xl block-detach demo xvdb; xl network-detach demo 0; "
    + on("demo", "while [ -b /dev/xvdb ]; do sleep 0.2; done; ls /dev/xvdb")
    + on("driver", "while ls /sys/bus/xen-backend/devices | grep .; do sleep 0.2; done; echo none"),
    "end": "xl destroy demo; xl destroy driver; "
    "wait_for '[ $(xl list | wc -l) = 2 ]'; xl list; losetup -a",
}


@pytest.fixture(scope="module")
def report(make_system: Callable[..., System], boot: Callable[..., Report]) -> Report:
    wanted = {name: f". /run/lib\n{text}" for name, text in COMMANDS.items()}
    # Guests talk to each other: not with xsm=silo.
    system = make_system(smp=2, memory=2048, xen_args="xsm=dummy")
    return boot(system, "test-driver-domain", {"library": library(), **wanted})


def sums(text: str) -> list[str]:
    """The checksums in a text."""
    return re.findall(r"^([0-9a-f]{32})  -", text, re.MULTILINE)


def test_a_card_is_served_by_a_guest(report: Report) -> None:
    assert [row[0] for row in rows(report["driver"])] == ["Domain-0", "driver"]
    assert "vif2." not in report["guest"]  # dom0 has no part in it
    assert "3 packets transmitted, 3 packets received" in report["ping"]
    sent, got = sums(report["to the guest"])
    (back,) = sums(report["from the guest"])
    assert sent == got == back


def test_a_disk_is_served_by_a_guest(report: Report) -> None:
    written, read, seen = sums(report["disk"])
    assert written == read == seen


def test_they_go_and_leave_nothing(report: Report) -> None:
    assert "/dev/xvdb: No such file" in report["detach"]
    assert "\nnone\n" in report["detach"]
    assert [row[0] for row in rows(report["end"])] == ["Domain-0"]
