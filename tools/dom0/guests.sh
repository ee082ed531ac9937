# SPDX-License-Identifier: Apache-2.0
# Creates the guests that the host has given. Read by init.sh, and on a Debian dom0 by card/run.sh.
# `announce` tells the host, `disks` makes the links of disks that are new, `run` is a folder in
# memory.

# $1: a file with names, one a line, of guests: /etc/xen/NAME.cfg. Their disks may show up late.
create_guests() {
    while read -r name; do
        config=/etc/xen/$name.cfg
        grep -o '/dev/xenolith/[A-Za-z0-9._-]*' "$config" | while read -r disk; do
            tries=0
            until [ -b "$disk" ] || [ $tries -ge 100 ]; do
                tries=$((tries + 1))
                sleep 0.2
                disks
            done
        done
        if xl create "$config" </dev/null >"$run/guest.log" 2>&1; then
            announce guest up "$name"
        else
            # The first complaint is the cause, the others are its consequences.
            why=$(grep -vE '^Parsing config|^libxl: info|exited with error' "$run/guest.log" |
                sed 's/^libxl: error: [^ ]* //; s/^script: //; q')
            echo "dom0: guest $name was not created: $why"
            announce guest down "$name" "$why"
        fi
    done <"$1"
}
