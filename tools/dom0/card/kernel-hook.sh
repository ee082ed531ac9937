#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Puts a newly installed kernel where U-Boot looks for it. Called by the kernel's package and by
# update-initramfs with the kernel's version; boot.scr asks for the sizes when it loads the files.

set -eu
version=$1
boot=/boot/firmware
kernel=/boot/vmlinuz-$version initrd=/boot/initrd.img-$version
mountpoint -q $boot || {
    echo "xenolith: $boot is not mounted: the next start uses the kernel from before" >&2
    exit 0
}
# The newest one wins, as with any boot loader; update-initramfs may be called for an old one.
newest=$(linux-version list | linux-version sort | tail -n 1)
if [ "$version" != "$newest" ] || [ ! -e "$kernel" ] || [ ! -e "$initrd" ]; then
    exit 0
fi
put() {
    cat >"$boot/$1.new"
    sync "$boot/$1.new"
}
gzip -c "$kernel" | put kernel.gz
put initrd.gz <"$initrd"
mv "$boot/kernel.gz.new" $boot/kernel.gz
mv "$boot/initrd.gz.new" $boot/initrd.gz
# Their names on the card are the firmware's, which differs for the Compute Module.
for tree in /usr/lib/linux-image-"$version"/broadcom/bcm2711-rpi-*.dtb; do
    name=$(basename "$tree" | sed 's/cm4-io/cm4/')
    [ ! -e "$boot/$name" ] || cp "$tree" "$boot/$name"
done
echo "xenolith: $boot has kernel $version"
