# SPDX-License-Identifier: Apache-2.0
# Runs the program of an OCI image, whose files are below /disk, and ends the guest with it. Part of
# init.sh. Files that xenolith.guest.oci makes:
#   /guest/app      name, uid of who runs it, signal that asks it to end
#   /guest/command  what is run inside the image's root
# /guest/goal is written by stop.sh, if the end is asked for.

# shellcheck source=/dev/null
. /guest/app
hostname "$name"
mount -t proc proc /disk/proc
mount -t sysfs sys /disk/sys
mount -t devtmpfs dev /disk/dev
mkdir -p /disk/dev/pts /disk/dev/shm /disk/dev/.guest
mount -t devpts -o ptmxmode=666 pts /disk/dev/pts
mount -t tmpfs shm /disk/dev/shm
mount -t cgroup2 cgroup /disk/sys/fs/cgroup 2>/dev/null
ln -s /proc/self/fd /disk/dev/fd
ln -s fd/0 /disk/dev/stdin
ln -s fd/1 /disk/dev/stdout
ln -s fd/2 /disk/dev/stderr
cp /bin/busybox /guest/command /disk/dev/.guest/

# As other hosts of containers have it: anybody may ping and serve any port.
echo "0 2147483647" >/proc/sys/net/ipv4/ping_group_range
echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start

ip link set lo up
if [ -e /sys/class/net/eth0 ] && [ ! -e /guest/goal ]; then
    : >/etc/resolv.conf
    mount -o bind /etc/resolv.conf /disk/etc/resolv.conf
    ip link set eth0 up
    # It stays and renews the lease.
    udhcpc -n -t 10 -T 2 -S -i eth0 -s /guest/udhcpc.sh >/run/udhcpc.log 2>&1 ||
        [ -e /guest/goal ] ||
        echo "guest: no DHCP server has answered on eth0"
fi

# The program's standard files may be opened again by their names, by whoever runs it.
read -r terminals </sys/class/tty/console/active
terminal=/dev/${terminals##* }
chown "$uid" "$terminal"
# In the foreground: a shell makes what it starts in the background deaf to SIGINT and SIGQUIT.
run="exec setsid cttyhack chroot /disk /dev/.guest/busybox sh /dev/.guest/command"
# Who asks for the end after this is told what to end by /run/app.
if [ -e /guest/goal ]; then
    echo "guest: $name was asked to end before it has begun"
else
    sh -c "echo \$\$ >/run/app; $run" <"$terminal" >"$terminal" 2>&1
    status=$?
fi

goal=
[ ! -e /guest/goal ] || read -r goal </guest/goal
if [ -z "$goal" ]; then
    echo "guest: $name has ended, exit status $status"
    # Which of these it was is the domain's shutdown reason.
    [ "$status" = 0 ] && goal=poweroff || goal=reboot
fi
kill -9 -1
sync
umount -r /disk/dev/shm /disk/dev/pts /disk/sys/fs/cgroup /disk/etc/resolv.conf 2>/dev/null
mount -o remount,ro /disk
"$goal" -f
