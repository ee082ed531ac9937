# SPDX-License-Identifier: Apache-2.0
# On a card's console, as root, behind what xenolith.lab.login puts before it: tools/dom0/exec.sh,
# `token`, `run`, and `folder` with the commands. Waits for dom0's services and network, runs the commands,
# powers off.

PATH=$PATH:/usr/lib/systemd

services() {
    command -v systemctl >/dev/null || return
    state=$(systemctl is-system-running --wait)
    [ "$state" = running ] || tell note "services: $state; \`systemctl --failed\` lists what failed"
}

network() {
    if [ -x /etc/udhcpc.sh ]; then
        # A dom0 of busybox: its init knows.
        until [ -s /run/network ]; do sleep 0.2; done
        tell network "$(cat /run/network)"
    elif ! ip link show xenbr0 >/dev/null 2>&1; then
        tell network absent
    elif systemd-networkd-wait-online -q -i xenbr0:routable --timeout=60; then
        tell network up xenbr0 "$(ip -4 -o addr show xenbr0 | sed 's/.* inet //; s/ .*//')"
    else
        tell network down "xenbr0 has no address after 60 s"
    fi
}

# What the guests of this run have become.
guests() {
    [ -r "$run/xenolith/said" ] || return
    while read -r line; do
        tell "$line"
    done <"$run/xenolith/said"
}

stty -echo
dmesg -n 3
services
tell ready
network
guests
run_commands "$folder"
tell done
poweroff
