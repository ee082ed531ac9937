# SPDX-License-Identifier: Apache-2.0
# Runs commands for the host and frames their results. Read by init.sh, and on a card by the shell
# that xenolith.lab.login has logged in to. `token` is the word that begins every line for the host,
# `run` a folder in memory.

tell() { [ -z "$token" ] || echo "$token $*"; }

# $1: kind of data, $2: number of the command, $3: file. gzip gives length and checksum, base64 keeps
# the text apart from messages of kernel and hypervisor that may come in between.
# Line by line: a kernel message is one write.
deliver() {
    [ ! -s "$3" ] || gzip -c "$3" | base64 -w 100 | while read -r line; do
        echo "$token $1 $2 $line"
    done
}

# Runs the files in folder $1 in their order, until one of them makes the machine go down.
run_commands() {
    for command in "$1"/*; do
        number=${command##*/}
        tell begin "$number"
        (cd "$HOME" && exec sh "$command") </dev/null >"$run/out" 2>"$run/err"
        status=$?
        deliver out "$number" "$run/out"
        deliver err "$number" "$run/err"
        tell end "$number" "$status"
        [ -z "$goal" ] || return
    done
}
