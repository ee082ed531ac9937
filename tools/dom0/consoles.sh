# SPDX-License-Identifier: Apache-2.0
# Functions for dom0's shell that talk to guests on their consoles. Files are in /run.

# Waits until a command succeeds; status 9 after some five minutes.
wait_for() {
    i=0
    until eval "$1"; do
        i=$((i + 1))
        [ $i -lt 1500 ] || return 9
        sleep 0.2
    done
}

# Keeps a guest's console open.
attach() {
    mkfifo "/run/$1.in"
    : >"/run/$1.out"
    # As if somebody sat there: `xl console` passes on what is typed at a terminal only.
    xenconsole --interactive "$(xl domid "$1")" <>"/run/$1.in" >"/run/$1.out" 2>&1 &
}

# The same, and waits for the demo guest's shell.
open() {
    attach "$1"
    wait_for "grep -q 'ends the guest' /run/$1.out"
}

# Types standard input there, prints what the guest says and then its exit status.
on() {
    count=$(($(cat /run/count 2>/dev/null) + 1))
    echo $count >/run/count
    from=$(($(wc -c <"/run/$1.out") + 1))
    { cat; echo "echo end-\$?-$count"; } >"/run/$1.in"
    wait_for "grep -q '^end-[0-9]*-$count' /run/$1.out" || echo "no answer"
    tail -c +$from "/run/$1.out" | tr -d '\r'
    echo # behind the guest's prompt
}

# The address of a guest's first card, if it has said it.
address() { sed -n 's/.*inet \(10[0-9.]*\).*/\1/p' "/run/$1.out" | head -n 1; }
