#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the run that has started this machine adds: a folder of the host, guests. Their files are
# there already: init.sh has put them into the root, and the rest of its archive into /run/xenolith.
# What the host is to know is left in /run/xenolith/said, for exec.sh.

run=/run/xenolith
# shellcheck source=tools/dom0/guests.sh
. /usr/lib/xenolith/guests.sh

announce() {
    echo "$*" >>$run/said
}

# udev makes the links.
disks() {
    :
}

if [ -e $run/share ]; then
    mkdir -p /share
    mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288 share /share || {
        echo "/share is not there: this kernel cannot mount it (9p)"
        announce note "/share is not there: this kernel cannot mount it (9p)"
    }
fi
[ -e $run/guests ] || exit 0
tries=0
until [ -e /sys/class/net/xenbr0 ] || [ $tries -ge 600 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
create_guests $run/guests
