#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The login on the serial console and on the screen, for the user $1. Nobody could enter there as long
# as that user has no password (only an ssh key), so until then a cable or a keyboard is enough: who has
# that has the board. `sudo passwd USER` ends it; so does `rm -r /etc/systemd/system/*getty@*.service.d`.

case $(getent shadow "$1" | cut -d: -f2) in
'!' | '*') set -- --autologin "$1" ;;
*) set -- -o '-- \u' ;;
esac
exec /usr/sbin/agetty "$@" --noreset --noclear --keep-baud 115200,57600,38400,9600 - "$TERM"
