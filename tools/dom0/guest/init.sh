#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# /init of dom0's /boot/guest-initrd.gz, for guests that run dom0's kernel: loads the drivers of
# Xen's disks and cards, then starts the system on the disk that root= names. With `demo` on the
# command line an empty disk first gets a small system of its own: this archive's busybox.

/bin/busybox mkdir -p /proc /sys /dev /newroot
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in /modules/guest/*.ko; do
    # A kernel with all drivers built in comes without modules.
    [ ! -e "$module" ] || insmod "$module"
done

root='' mode=ro init=/sbin/init demo=
read -r line </proc/cmdline
for word in $line; do
    case $word in
    root=*) root=${word#root=} ;;
    init=*) init=${word#init=} ;;
    rw) mode=rw ;;
    demo) demo=yes ;;
    esac
done

rescue() {
    echo "guest: $*"
    echo "guest: this shell runs from memory; 'poweroff -f' ends the guest"
    exec sh
}

empty() {
    [ "$(head -c 65536 "$1" | tr -d '\0' | wc -c)" = 0 ]
}

fill() {
    # Blocks as large as pages: a smaller one is read before it is written. Few inodes, which are
    # all written.
    mke2fs -b 4096 -i 65536 -L demo "$1" >/dev/null 2>&1 && mount -t ext4 "$1" /newroot || return
    cp -a /demo/. /newroot && cp -a /bin/busybox /newroot/bin/busybox &&
        /newroot/bin/busybox chroot /newroot /bin/busybox --install -s /bin &&
        umount /newroot
}

[ -n "$root" ] || rescue "no root= in the guest's \`extra\`"
tries=0
until [ -b "$root" ]; do
    tries=$((tries + 1))
    [ $tries -le 150 ] || rescue "no disk $root after 30 s: \`disk\` in the guest's configuration" \
        "does not have it"
    sleep 0.2
done
if [ -n "$demo" ] && empty "$root"; then
    fill "$root" || rescue "$root cannot be filled: is it smaller than 8 MiB?"
fi
problem=$(mount -o "$mode" "$root" /newroot 2>&1) || rescue "$root cannot be mounted: $problem"
if [ ! -e "/newroot$init" ] && [ ! -L "/newroot$init" ]; then
    rescue "$root holds no system: $init is missing"
fi
umount /sys /proc
mount -o move /dev /newroot/dev
exec switch_root -c /dev/console /newroot "$init"
