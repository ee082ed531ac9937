#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# /small of a guest without a disk: it says what it has, then gives a shell. It is behind the files
# of dom0's /boot/guest-initrd.gz, which has busybox and Xen's drivers. Words of its command line:
# name=NAME; address=ADDRESS, with which it has a network card and reaches dom0.

/bin/busybox mkdir -p /proc /sys /dev /run
/bin/busybox --install -s /bin
export PATH=/bin HOME=/ PS1='# '
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in /modules/guest/*.ko; do
    # A kernel with all drivers built in comes without modules.
    [ ! -e "$module" ] || insmod "$module"
done
name='' address='' pings=no
read -r line </proc/cmdline
for word in $line; do
    case $word in
    name=*) name=${word#name=} ;;
    address=*) address=${word#address=} ;;
    esac
done
hostname "$name"
ip link set lo up
if [ -n "$address" ]; then
    until ip link set eth0 up 2>/dev/null; do sleep 0.2; done
    ip addr add "$address/24" dev eth0
    pings=$(ping -c 3 -W 30 10.0.2.15 | grep -c ' bytes from ')
fi
memory=$(sed -n 's/^MemTotal: *//p' /proc/meminfo)
echo "small: $name is up, $(nproc) CPUs, $memory, $pings pings, Linux $(uname -r)"
exec setsid cttyhack sh
