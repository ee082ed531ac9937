#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# /init of a guest: loads what its disk and network need, mounts the root that the command line
# names and hands over: to the root's own init, or to the program of an OCI image (app.sh).

/bin/busybox mkdir -p /dev /proc /disk /run /sys
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs run /run

off() {
    sync
    poweroff -f
}

fail() {
    echo "guest: $*"
    off
}

root=/dev/xvda mode=ro
# shellcheck disable=SC2013
for word in $(cat /proc/cmdline); do
    case $word in
    root=*) root=${word#root=} ;;
    ro | rw) mode=$word ;;
    esac
done

for module in /modules/*/*.ko; do
    # A kernel with all drivers built in comes without modules.
    [ ! -e "$module" ] || insmod "$module" || fail "cannot load $module"
done
tries=0
until [ -b "$root" ]; do
    [ $tries -lt 300 ] || fail "no disk $root in 30 s: does \`disk\` in the guest's config name it?"
    tries=$((tries + 1))
    sleep 0.1
done
mount -t ext4 -o "$mode" "$root" /disk || fail "$root cannot be mounted"

# shellcheck source=tools/guest/app.sh
[ ! -e /guest/app.sh ] || . /guest/app.sh
umount /proc /sys /run
mount -o move /dev /disk/dev
exec switch_root /disk /sbin/init
