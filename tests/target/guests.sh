# SPDX-License-Identifier: Apache-2.0
# Functions for dom0's shell, for tests of guests; tools/dom0/consoles.sh stands before them.

# What is there now, in one line.
left() {
    # What has ended is listed until xl has taken its devices away, and a while as dying.
    wait_for "! xl list | grep -qE ' ...(s..|..d) '"
    echo "domains $(xl list | tail -n +2 | wc -l), loops $(losetup -a | wc -l)," \
        "cards $(find /sys/class/net -name 'vif*' | wc -l), $(xl info | grep free_memory | tr -s ' ')"
}

# Tries to create a guest of the configuration on standard input.
try() {
    cat >/run/bad.cfg
    xl create /run/bad.cfg 2>&1
    echo "status $?"
    left
}

# Makes what guests without a disk start from: small.sh behind what dom0 has for guests, and its
# kernel as it is, so that xl need not unpack it each time.
prepare() {
    cat /boot/guest-initrd.gz /test/small.gz >/run/small.gz
    gunzip -c /boot/vmlinuz >/run/Image
}

# Writes /run/$1.cfg, of a guest without a disk: $1 name, $2 MiB, $3 address or nothing, $4 further
# lines.
configure() {
    cat >"/run/$1.cfg" <<CONFIG
name = "$1"
type = "pvh"
memory = $2
kernel = "/run/Image"
ramdisk = "/run/small.gz"
extra = "console=hvc0 quiet cma=0 panic=1 rdinit=/small name=$1 address=$3"
vif = [ ${3:+"'bridge=xenbr0'"} ]
on_reboot = "destroy"
$4
CONFIG
}

# The same of a guest without Linux: $1 name, $2 program, $3 what happens when it reboots.
bare() {
    cat >"/run/$1.cfg" <<CONFIG
name = "$1"
type = "pvh"
memory = 8
kernel = "/test/$2"
on_reboot = "${3:-destroy}"
CONFIG
}

# Waits until a guest has said something on its console, and prints that line of its log: $1 guest,
# $2 what.
says() {
    wait_for "grep -q '$2' /var/log/xen/guest-$1.log"
    grep "$2" "/var/log/xen/guest-$1.log" | tail -n 1 | tr -d '\r'
}

# The hypervisor's memory, by its debug key.
heap() {
    xl debug-keys m
    xl dmesg | sed -n 's/.*Memory: .* pages, //p' | tail -n 1
}
