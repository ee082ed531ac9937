#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# /init of dom0: loads Xen's drivers, starts the tool stack, then either runs the commands the host
# put into /xenolith/exec (results framed for the host) or gives a shell; powers off at the end.
#
# /xenolith is a second archive behind this one, made for each run by xenolith.lab.session:
#   token      the word that begins every line meant for the host; nobody else can know it
#   exec/NNNN  commands, run in this order      terminal   "ROWS COLUMNS TERM" of the user
#   network    there if the machine has a network card
#   share      there if the host shares a folder
#   guests     names, one a line, of guests to create: /etc/xen/NAME.cfg

/bin/busybox mkdir -p /proc /sys /dev /run /tmp
/bin/busybox --install -s /bin
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root TERM=linux
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts
mount -t devpts pts /dev/pts
# What udev would make: bash and Xen's scripts use the first four, the others load their drivers.
ln -sf /proc/self/fd /dev/fd
for stream in 0-stdin 1-stdout 2-stderr; do
    ln -sf "/proc/self/fd/${stream%-*}" "/dev/${stream#*-}"
done
mkdir -p /dev/net /dev/xenolith
[ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200
[ -e /dev/loop-control ] || mknod /dev/loop-control c 10 237
mount -t tmpfs run /run
mkdir -p /run/xen /run/xenstored /run/lock
[ -d /run/xen/lock ] || mkdir /run/xen/lock
hostname -F /etc/hostname
ip link set lo up
for directory in /usr/lib/xen-*/bin; do PATH=$PATH:$directory; done

# A kernel without a driver for the hypervisor's console still shows its own messages: speak there.
console=yes
if ! (: >/dev/console) 2>/dev/null; then
    console=
    echo on >/proc/sys/kernel/printk_devkmsg
    exec </dev/null >/dev/kmsg 2>&1
fi

run=/run token=
[ -r /xenolith/token ] && read -r token </xenolith/token
# shellcheck source=tools/dom0/exec.sh
. /etc/exec.sh
# shellcheck source=tools/dom0/guests.sh
. /etc/guests.sh

# A line for the host as long as the kernel speaks on this console: one of its own messages is
# never broken by another one.
announce() { [ -z "$token" ] || echo "<1>$token $*" >/dev/kmsg; }

# PID 1 is told by signals what `reboot`, `poweroff` and `halt` want.
goal=
trap 'goal=reboot' TERM
trap 'goal=poweroff' USR2
trap 'goal=halt' USR1

down() {
    sync
    case $goal in
    reboot) reboot -f ;;
    *) poweroff -f ;;
    esac
    # Reached only if the kernel cannot do it.
    echo "dom0: cannot power off; end the machine from outside"
    while :; do sleep 3600; done
}

failed=
fail() {
    failed=$*
    echo "dom0: $failed"
}

# Without Xen there are no tools to start, but commands and a shell are still of use.
bare() {
    echo "dom0: $*"
    announce note "$*"
}

on_xen() {
    [ -d /proc/device-tree/hypervisor ]
}

# Xen's drivers; those of the machine may build on them.
load() {
    on_xen || return
    for module in /modules/xen/*.ko; do
        # A kernel with all drivers built in comes without modules.
        [ ! -e "$module" ] || insmod "$module" || fail "cannot load $module"
    done
}

start() {
    if ! on_xen; then
        bare "no Xen interface: the device tree has no /hypervisor node; xl cannot work"
        return
    fi
    if ! grep -qw xenfs /proc/filesystems; then
        bare "this kernel has no Xen support; xl cannot work"
        return
    fi
    mount -t xenfs xenfs /proc/xen || fail "cannot mount xenfs"
    grep -q control_d /proc/xen/capabilities 2>/dev/null || fail "not the control domain"
    xenstored --pid-file /run/xenstored.pid || fail "xenstored did not start ($?)"
    [ -z "$failed" ] || return
    xen-init-dom0 || fail "xen-init-dom0 failed ($?)"
    # libxl 4.20 on Arm asks dom0's stored configuration for a value that xen-init-dom0 leaves
    # open, and aborts: without it `xl mem-set 0` cannot work on any hypervisor.
    sed -i 's/"b_info": {/&"acpi": "False",/' /var/lib/xen/userdata-d.0.*.libxl-json
    xenconsoled --pid-file=/run/xenconsoled.pid --log=guest --log-dir=/var/log/xen ||
        fail "xenconsoled did not start ($?)"
}

# What drives this machine, by what its device tree says it is.
drivers() {
    for machine in $(tr '\0' ' ' </proc/device-tree/compatible); do
        for module in /modules/"$machine"/*.ko; do
            [ ! -e "$module" ] || insmod "$module"
        done
    done
}

# The disks of the machine that have a serial number, by it: /dev/xenolith/SERIAL. A USB disk has it
# at the device that the disk is a part of.
disks() {
    for block in /sys/block/*; do
        [ -e "$block/device" ] || continue
        where=$(readlink -f "$block") serial=
        until [ -s "$where/serial" ] || [ "${where#/sys/}" = "$where" ]; do where=${where%/*}; done
        # Without the end of a line in it, so this is no success.
        read -r serial <"$where/serial"
        case $serial in
        '' | . | .. | */*) ;;
        *) ln -sf "/dev/${block##*/}" "/dev/xenolith/$serial" ;;
        esac
    done 2>/dev/null
}

# The bridge of dom0 and its guests; without one (a kernel of the user's) guests have no network.
bridge() {
    on_xen && ip link add name xenbr0 type bridge && ip link set xenbr0 up
}

# The name of the network card: eth0, or usb0 where its address is a local one (newer QEMUs' on the
# Pi); what has no device is no card.
card() {
    for name in eth0 $(ls /sys/class/net); do
        [ ! -e "/sys/class/net/$name/device" ] || { echo "$name"; return; }
    done
    return 1
}

# Leaves one line for the host in /run/network: "up INTERFACE ADDRESS/BITS", which udhcpc.sh writes,
# "absent" (no card), or "down WHY".
network() {
    # A card behind USB shows up a while after its driver, one behind virtio with it.
    patience=60
    [ ! -d /xenolith/exec ] || [ -e /xenolith/network ] || patience=0
    tries=0
    until card=$(card); do
        if [ $tries -ge $((patience * 5)) ] || without_driver; then
            missing
            return
        fi
        tries=$((tries + 1))
        sleep 0.2
    done
    interface=$card
    if [ -e /sys/class/net/xenbr0 ]; then
        # The bridge takes the card's address, so that the DHCP server gives dom0 what it would give
        # the card, and keeps it when guests come and go.
        interface=xenbr0
        ip link set xenbr0 address "$(cat "/sys/class/net/$card/address")"
        ip link set "$card" master xenbr0
    fi
    ip link set "$card" up
    # 20 requests, 3 s apart; a host with much else to do may be slow to answer.
    udhcpc -q -n -t 20 -T 3 -i "$interface" -s /etc/udhcpc.sh && return
    if [ "$(cat "/sys/class/net/$card/carrier")" = 1 ]; then
        echo "down no DHCP server has answered on $card in 60 s" >/run/network
    else
        echo "down $card has no link" >/run/network
    fi
}

missing() {
    if without_driver; then
        echo "down this kernel has no driver for the network card" >/run/network
    elif [ -e /xenolith/network ]; then
        echo "down no network card has shown up in $patience s" >/run/network
    else
        echo "absent" >/run/network
    fi
}

# True for a card of virtio that no driver has taken.
without_driver() {
    for device in /sys/bus/virtio/devices/*; do
        if [ -e "$device/modalias" ] && [ ! -e "$device/driver" ] &&
            grep -q '^virtio:d00000001' "$device/modalias"; then
            return
        fi
    done
    return 1
}

# The folder that the host shares by 9p, as /share.
share() {
    [ -e /xenolith/share ] || return
    mkdir -p /share
    mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288 share /share && return
    echo "<3>dom0: /share is not there: this kernel cannot mount it (9p)" >/dev/kmsg
    announce note "/share is not there: this kernel cannot mount it (9p)"
}

# Waits for the end of the network's start and tells how it went.
network_known() {
    wait "$network"
    state="down its start has ended early; /run/network.log says more"
    [ ! -r /run/network ] || read -r state </run/network
    announce network "$state"
}

# A real init takes over: a shell script as PID 1 can start programs only in ways that leave them
# deaf to Ctrl-C, or itself deaf to `poweroff`.
shell() {
    if [ -z "$console" ]; then
        echo "dom0: this kernel has no console for a shell; use --exec"
        return
    fi
    read -r terminal </sys/class/tty/console/active
    echo "${terminal##* }::once:/etc/console.sh" >/etc/inittab
    # One more for who has a keyboard and a screen, which drivers may still be looking for.
    [ ! -c /dev/tty1 ] || [ "${terminal##* }" = tty1 ] || echo "tty1::askfirst:-/bin/sh" >>/etc/inittab
    exec /bin/busybox init
}

# The machine's devices, and what serves guests.
devices() {
    bridge
    drivers
    disks
    # Sparse: it takes memory when /etc/xen/demo.cfg's guest writes to it.
    truncate -s 256M /var/lib/xen/demo.img
    share
    network
    for module in xen-blkback xen-netback; do
        # A kernel with all drivers built in comes without modules.
        [ ! -e /proc/modules ] || ! on_xen || modprobe "$module"
    done
}

load
devices >/run/network.log 2>&1 &
network=$!
start
if [ -n "$failed" ]; then
    announce failed "$failed"
else
    announce ready
fi
if [ -d /xenolith/exec ]; then
    # Results, not kernel messages, are what this console is for now; `dmesg` has them.
    [ -z "$console" ] || dmesg -n 3
    if [ -z "$failed" ]; then
        network_known
        [ ! -e /xenolith/guests ] || create_guests /xenolith/guests
        run_commands /xenolith/exec
    fi
else
    [ -n "$failed" ] || [ ! -e /xenolith/guests ] || { network_known; create_guests /xenolith/guests; }
    shell
fi
tell done
down
