#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# /sbin/poweroff and /sbin/reboot of a guest from an OCI image: the kernel runs them when dom0 says
# `xl shutdown` or `xl reboot`. The program is asked to end, and ended after ten seconds.

export PATH=/bin
# shellcheck source=/dev/null
. /guest/app
echo "${0##*/}" >/run/goal
read -r app </run/app
kill -s "$signal" "$app"
tries=0
while kill -0 "$app" && [ $tries -lt 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done 2>/dev/null
kill -9 "$app" 2>/dev/null
