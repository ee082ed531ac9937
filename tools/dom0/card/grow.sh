#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Lets the root partition and its file system grow to the end of the card. Run once, at the first
# boot; what has been done already is not done again.

set -eu
part=$(findmnt --noheadings --output SOURCE /)
name=${part#/dev/}
number=$(cat "/sys/class/block/$name/partition")
disk=$(basename "$(readlink -f "/sys/class/block/$name/..")")
begin=$(cat "/sys/class/block/$name/start")
have=$(cat "/sys/class/block/$name/size")
# A multiple of 4 MiB, what cards erase at a time.
want=$((($(cat "/sys/class/block/$disk/size") - begin) / 8192 * 8192))
if [ "$want" -gt "$have" ]; then
    # Of a partition in use only the length in the table changes; partx tells the kernel.
    echo "$begin,$want" | sfdisk --quiet --no-reread --no-tell-kernel -N "$number" "/dev/$disk"
    partx --update --nr "$number" "/dev/$disk"
fi
resize2fs "$part"
