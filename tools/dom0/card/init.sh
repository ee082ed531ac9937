#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# /init of a card: loads what drives the card, finds the partition that root= names, hands over to
# the system there. If that cannot be, says why and what to do, and goes on as the dom0 in this
# archive (/init.dom0): xl works in it, nothing it writes is kept.

/bin/busybox mkdir -p /proc /sys /dev /newroot
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev

# Where the system is, and how long to wait for it, in seconds: a card takes one, a USB disk may
# take ten, and a machine that is played by a busy one several times as long.
root='' mode=ro wait=60
read -r line </proc/cmdline
for word in $line; do
    case $word in
    root=*) root=${word#root=} ;;
    rootdelay=*) wait=${word#rootdelay=} ;;
    rw) mode=rw ;;
    esac
done

# On the console, and on a screen.
say() {
    echo "card: $*"
    [ ! -c /dev/tty1 ] || echo "card: $*" >/dev/tty1
}

drivers() {
    for module in /modules/card/*.ko; do
        # A kernel with all drivers built in comes without modules.
        [ ! -e "$module" ] || insmod "$module" || say "cannot load $module"
    done
    for machine in $(tr '\0' ' ' </proc/device-tree/compatible); do
        for module in /modules/"$machine"/*.ko; do
            [ ! -e "$module" ] || insmod "$module" 2>/dev/null
        done
    done
}

disks() {
    for disk in /sys/block/*; do
        case ${disk##*/} in
        loop* | ram* | mmcblk*boot*) ;;
        *) [ ! -e "$disk" ] || echo "${disk##*/}" ;;
        esac
    done
}

# The four bytes of a disk's first sector that begin its PARTUUID.
identifier() {
    dd if="/dev/$1" bs=1 skip=440 count=4 2>/dev/null |
        hexdump -e '1/4 "%08x"'
}

# Prints the device of $1; nothing if it is not there (yet).
device() {
    case $1 in
    PARTUUID=*)
        number=$((0x${1##*-}))
        wanted=${1#PARTUUID=}
        for disk in $(disks); do
            [ "$(identifier "$disk")" = "${wanted%-*}" ] || continue
            case $disk in
            *[0-9]) part=${disk}p$number ;;
            *) part=$disk$number ;;
            esac
            [ ! -b "/dev/$part" ] || echo "/dev/$part"
            return
        done
        ;;
    LABEL=* | UUID=*) findfs "$1" 2>/dev/null ;;
    *) [ ! -b "$1" ] || echo "$1" ;;
    esac
}

# What there is, with each disk's identifier, for somebody who has only this console.
found() {
    for disk in $(disks); do
        read -r sectors <"/sys/block/$disk/size"
        echo "$disk ($((sectors / 2048)) MiB, PARTUUID $(identifier "$disk")-*)"
    done
}

rescue() {
    say "$*"
    say "going on without it: this dom0 runs from memory, what it writes is lost"
    umount /dev /sys /proc
    exec /init.dom0
}

# A run adds an archive behind this one: files for the root, in /xenolith/root, and what dom0 is told.
extras() {
    if [ -d /xenolith/root ]; then
        mount -o remount,rw /newroot
        # Folders that are there keep their rights.
        problem=$(tar -c -C /xenolith/root . | tar -x --no-same-permissions -C /newroot 2>&1) ||
            say "files of this run are missing in the root: $(echo "$problem" | head -n 1)"
        mount -o "remount,$mode" /newroot
        rm -r /xenolith/root
    fi
    # Its init does what the machine that started it wants; systemd keeps a /run that is there.
    told=/newroot/xenolith
    if [ -d $told ]; then
        mount -t tmpfs xenolith $told
    else
        mount -t tmpfs -o mode=755,nosuid,nodev run /newroot/run
        told=/newroot/run/xenolith
        mkdir -m 700 $told
    fi
    cp -a /xenolith/. $told/
}

drivers
[ -n "$root" ] || rescue "the kernel's command line has no root=; make boot.scr anew"
waited=0
until where=$(device "$root") && [ -n "$where" ]; do
    if [ $waited -ge "$((wait * 5))" ]; then
        list=$(found | tr '\n' ',' | sed 's/,$//; s/,/, /g')
        [ -n "$list" ] || rescue "root $root: no driver has found a card or disk; is it" \
            "disabled in the device tree? \`dmesg | grep -i mmc\` says more"
        rescue "root $root: not on any disk here: $list. If the identifier is right, the" \
            "partition is missing: was the image written to its end, and is the card as large as the image?" \
            "If the identifier is another, correct root= in boot.scr"
    fi
    waited=$((waited + 1))
    [ $waited -ne 25 ] || say "waiting for root $root"
    sleep 0.2
done
problem=$(mount -t ext4 -o "$mode" "$where" /newroot 2>&1) ||
    rescue "root $where cannot be mounted ($problem): try e2fsck on another machine," \
        "or write the image again"
if [ ! -e /newroot/sbin/init ] && [ ! -L /newroot/sbin/init ]; then
    umount /newroot
    rescue "root $where holds no system (/sbin/init is missing): write the image again"
fi
say "root $where"
[ ! -d /xenolith ] || extras
umount /sys /proc
# A dom0 of busybox makes its own /dev.
if [ -d /newroot/xenolith ]; then
    umount /dev
else
    mount -o move /dev /newroot/dev
fi
exec switch_root -c /dev/console /newroot /sbin/init
