#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# /hammer SECONDS ADDRESS of a guest of small.sh: for so long it writes to its disk, reads that back
# and gets files from another guest which does the same. Each file is a new one and has a checksum.

seconds=$1 other=$2
mkdir -p /run/www
httpd -p 5000 -h /run/www

up() {
    read -r since _ </proc/uptime
    [ "${since%.*}" -lt "$end" ]
}

# Writes $1 MiB of noise to file $2, and prints their checksum.
noise() {
    dd if=/dev/urandom "of=$2" bs=1M "count=$1" 2>/dev/null
    md5sum <"$2"
}

# What is not as it was: $1 what, $2 the checksum that it should have, $3 the one that it has.
compare() { [ "$2" = "$3" ] || echo "hammer: $1 differs: $2, not $3"; }

disk() {
    mib=0
    while up; do
        want=$(noise 2 /run/noise)
        at=$((mib % 16))
        dd if=/run/noise of=/dev/xvda bs=64k seek=$((at * 16)) conv=fsync,notrunc 2>/dev/null
        echo 3 >/proc/sys/vm/drop_caches
        got=$(dd if=/dev/xvda bs=64k skip=$((at * 16)) count=32 2>/dev/null | md5sum)
        compare "disk at $at MiB" "$want" "$got"
        mib=$((mib + 2))
    done
    echo "hammer: $mib MiB written and read"
}

network() {
    mib=0
    while up; do
        # The other one begins when it likes; what it serves it does not change.
        want=$(wget -q -O - "http://$other:5000/sum" 2>/dev/null) || { sleep 0.2; continue; }
        compare "file $mib" "$want" "$(wget -q -O - "http://$other:5000/file" | md5sum)"
        mib=$((mib + 4))
    done
    echo "hammer: $mib MiB received"
}

noise 4 /run/www/file >/run/www/new
mv /run/www/new /run/www/sum
read -r since _ </proc/uptime
end=$((${since%.*} + seconds))
disk &
network &
wait
echo "hammer: done"
