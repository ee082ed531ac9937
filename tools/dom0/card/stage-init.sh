#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# The initial file system of that machine: loads what its disks need, hands over to stage.sh.

PATH=/bin
/bin/busybox mkdir -p /proc /sys /dev /newroot
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in /modules/card/*.ko; do insmod "$module"; done
for disk in /sys/block/vd*; do
    read -r name <"$disk/serial"
    ln -s "/dev/${disk##*/}" "/dev/$name"
done
mount -t ext4 /dev/root /newroot && exec switch_root /newroot /stage/run
echo "stage: failed: the disk cannot be mounted"
poweroff -f
