#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the demo guest does at its start, run by busybox's init.

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
mkdir -p /dev/pts
mount -t devpts pts /dev/pts
hostname demo
ip link set lo up
# One process by card; what is plugged in later is the user's.
for card in /sys/class/net/eth*; do
    [ -e "$card" ] || continue
    ip link set "${card##*/}" up
    udhcpc -b -S -t 20 -T 1 -i "${card##*/}" -s /etc/udhcpc.sh >/dev/null 2>&1 &
done
