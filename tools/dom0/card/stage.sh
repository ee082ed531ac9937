#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# PID 1 of the machine in which the packages of a card's root are configured, run by
# xenolith.card.stage. The essential packages are unpacked already, all of them are in /stage/debs in
# the order in which apt would install them. Lines that begin with `stage:` are meant for the host;
# the finished root goes to the second disk as an archive.

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true
# The card has an initrd of its own; the hooks of a later kernel make Debian's.
export INITRD=No PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
read -r SOURCE_DATE_EPOCH </stage/seconds
export SOURCE_DATE_EPOCH

off() {
    sync
    /stage/busybox poweroff -f
}

fail() {
    echo "stage: failed: $*"
    off
}

/stage/busybox mount -t proc proc /proc
/stage/busybox mount -t sysfs sys /sys
/stage/busybox mount -t devtmpfs dev /dev
/stage/busybox mount -t tmpfs run /run
umask 022
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
: >/etc/machine-id

# Users and groups first: what follows gives files to them. dpkg closes the descriptor it reports
# to before it starts scripts, so that must not be their standard output.
options='--force-depends --force-confold --force-unsafe-io --status-fd 3'
cd /stage/debs || fail "no packages"
exec </dev/null 3>&1
# shellcheck disable=SC2046,SC2086
{
    dpkg $options --install $(cat ../first) || fail "the first packages"
    dpkg $options --unpack $(cat ../order) || fail "unpacking"
    dpkg --force-unsafe-io --status-fd 3 --configure -a || fail "configuring"
}
[ -z "$(dpkg --audit)" ] || fail "$(dpkg --audit | head -3 | tr '\n' ' ')"

cd / || fail "no root"
rm -f /usr/sbin/policy-rc.d
sync
/stage/busybox umount /run /sys /proc
tar --create --file=/dev/out --format=posix --sort=name --numeric-owner --xattrs \
    --xattrs-include='*' --one-file-system --exclude=./stage --exclude=./lost+found . ||
    fail "the archive does not fit on its disk"
echo "stage: done"
off
