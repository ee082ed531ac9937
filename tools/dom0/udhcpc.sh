#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# What udhcpc calls when it has an answer: set address, route and name server of dom0.

case $1 in
deconfig)
    ip addr flush dev "$interface"
    ;;
bound | renew)
    ip addr add "$ip/${mask:-24}" dev "$interface"
    for address in $router; do
        ip route add default via "$address" dev "$interface"
    done
    : >/etc/resolv.conf
    for address in $dns; do
        echo "nameserver $address" >>/etc/resolv.conf
    done
    echo "up $interface $ip/${mask:-24}" >/run/network
    ;;
esac
