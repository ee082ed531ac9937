#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# /sbin/poweroff and /sbin/reboot of a guest from an OCI image: the kernel runs them when dom0 says
# `xl shutdown` or `xl reboot`. The program is asked to end, and ended after ten seconds.

export PATH=/bin
# shellcheck source=/dev/null
. /guest/app
# Among the initrd's own files, which are there before init.sh has mounted anything.
echo "${0##*/}" >/guest/new
busybox mv /guest/new /guest/goal
tries=0
# Not started yet: app.sh sees the goal, and waits for an address only as long as udhcpc lives.
until read -r app </run/app && [ "$app" ]; do
    [ $tries -lt 100 ] || exit
    tries=$((tries + 1))
    killall udhcpc
    sleep 0.1
done 2>/dev/null
kill -s "$signal" "$app"
while kill -0 "$app" && [ $tries -lt 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done 2>/dev/null
kill -9 "$app" 2>/dev/null
