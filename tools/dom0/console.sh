#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# The shell on dom0's console; the machine goes down when it ends. Started by init, so it begins
# with nothing in its environment.

rows=24 columns=80 TERM=linux
[ -r /xenolith/terminal ] && read -r rows columns TERM </xenolith/terminal
export TERM HOME=/root
stty rows "$rows" cols "$columns"
echo
echo "This is dom0. Try: xl list, xl create -c /etc/xen/demo.cfg (a guest; Ctrl-] leaves it), xl info."
echo "'exit' powers off; Ctrl-A x leaves at once."
sh -l
poweroff
