#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# What udhcpc calls when it has an answer: address, route and name servers of a guest.

case $1 in
deconfig)
    ip addr flush dev "$interface"
    ;;
bound | renew)
    ip addr replace "$ip/${mask:-24}" dev "$interface"
    for address in $router; do
        ip route replace default via "$address" dev "$interface"
    done
    for address in $dns; do
        echo "nameserver $address"
    done >/etc/resolv.conf
    ;;
esac
