# SPDX-License-Identifier: Apache-2.0
"""Runs rows in a dom0: one boot, a command for each group, what was said taken apart again."""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from xenolith.compare import kernel, words
from xenolith.compare.rows import Group, Said
from xenolith.compare.words import Rule
from xenolith.errors import UserError
from xenolith.lab import added, session
from xenolith.lab.console import LabError
from xenolith.lab.extras import Extras
from xenolith.lab.protocol import Result
from xenolith.system.model import System

SMP = 4
"""CPUs: pools want some to give away."""
ARGUMENTS = "dom0_max_vcpus=1"
"""For the hypervisor: with more of them Xen's dom0 takes minutes to do anything under QEMU."""
ROW_SECONDS = 60
"""Seconds for one row; `xl` that waits for what never comes is ended with status 137."""
TIMEOUT = 1200.0
"""Seconds for a boot with all groups: a minute on ours, some on real Xen."""
TRIES = 3
"""Boots of real Xen: its dom0 was seen to hang under QEMU."""
HOME = "/xl"
"""Where dom0 finds the guests."""

LIBRARY = r"""
cd /xl
# wait_for COMMAND: until it succeeds.
wait_for() { n=0; until eval "$1"; do n=$((n+1)); [ $n -lt 150 ] || return 9; sleep 0.2; done; }
# gone NAME: waits until the guest is not even on its way out.
gone() { wait_for "! xl list | grep -qE '^($1|[(]null[)]) '"; }
# guest [KEY=VALUE...]: the guest g, paused, without a word if that works.
guest() { xl create -pq g.cfg "$@"; }
# config KEY: what xl has of a key of g.
config() { xl list -l g | grep "\"$1\""; }
# with KEY=VALUE COMMAND...: a guest with that key; what COMMAND then says; the guest is gone.
with() {
    key=$1; shift
    guest "$key" || return
    "$@"; rc=$?
    xl destroy g && gone g
    return $rc
}
"""

CONFIG = """\
name = "{name}"
type = "pvh"
kernel = "/xl/{image}"
memory = 16
vcpus = 1
"""


def _files(groups: Sequence[Group], arch: str, *, xen: bool) -> dict[str, bytes]:
    """What is in HOME: g.cfg is the idle guest, REASON.cfg one that ends so, GROUP.sh its rows."""
    images = kernel.images(arch)
    found = dict(images)
    for name in images:
        guest = "g" if name == "idle" else name
        found[f"{guest}.cfg"] = CONFIG.format(name=guest, image=name).encode()
    found["lib"] = LIBRARY.encode()
    found |= {f"{group.name}.sh": script(group, arch, xen=xen).encode() for group in groups}
    return found


def script(group: Group, arch: str, *, xen: bool = False) -> str:
    """What dom0 does: a line `@@ begin N` before and `@@ end STATUS` behind each row.

    `xen`: real Xen is asked for all of them.
    """
    lines = [f". {HOME}/lib", group.setup]
    for i, row in enumerate(group.rows):
        if xen or row.is_on(arch):
            typed = shlex.quote(f". {HOME}/lib\n{row.run}")
            # The console's log says how far a machine came that hangs.
            lines.append(f"echo '<1>xl: {group.name}, row {i}' >/dev/kmsg")
            lines.append(f"echo; echo '@@ begin {i}'")
            lines.append(f"timeout -s KILL {ROW_SECONDS} sh -c {typed} 2>&1; rc=$?")
            lines.append('echo; echo "@@ end $rc"')
    return "\n".join([*lines, "true"])


PART = re.compile(r"^@@ begin (\d+)\n(.*?)^@@ end (\d+)$", re.MULTILINE | re.DOTALL)


def answers(group: Group, text: str, rules: Sequence[Rule]) -> dict[int, Said]:
    """What a group's rows said, by their index."""
    found = {}
    for index, said, status in PART.findall(text.replace("\r", "")):
        row = group.rows[int(index)]
        found[int(index)] = Said(int(status), words.normal(said, row.keep, rules))
    return found


class _Steps:
    """Says which group is being run."""

    def __init__(self, groups: Sequence[Group], say: Callable[[str], None]) -> None:
        self._groups = list(groups)
        self._say = say
        self._done = 0
        say("booting")

    def __call__(self, _result: Result) -> None:
        self._done += 1
        if self._done < len(self._groups):
            self._say(self._groups[self._done].about)


def boot(
    system: System,
    groups: Sequence[Group],
    rules: Sequence[Rule],
    say: Callable[[str], None],
    *,
    xen: bool = False,
) -> tuple[dict[str, dict[int, Said]], LabError | None]:
    """One boot: answers of the groups that came to their end, and why others did not."""
    commands = [f"sh {HOME}/{group.name}.sh" for group in groups]
    with tempfile.TemporaryDirectory(prefix="xenolith-") as folder:
        for name, data in _files(groups, system.board.arch, xen=xen).items():
            (Path(folder) / name).write_bytes(data)
        extras = Extras(added=(added.parse(f"{folder}:{HOME}"),))
        steps = _Steps(groups, say)
        options = session.Options("compare-xl", TIMEOUT, extras=extras, on_result=steps)
        results, error = session.attempt(system, commands, options)
    found = {}
    for group, result in zip(groups, results, strict=False):
        found[group.name] = answers(group, result.text, rules)
    return found, error


def ours(
    system: System, groups: Sequence[Group], say: Callable[[str], None]
) -> dict[str, dict[int, Said]]:
    """All groups on this hypervisor. Raises LabError, UserError."""
    found, error = boot(system, groups, words.load(), say)
    if error:
        raise error
    return found


def xen(
    system: System, groups: Sequence[Group], say: Callable[[str], None]
) -> dict[str, tuple[Said, ...]]:
    """All groups on real Xen, in as many boots as that takes. Raises UserError."""
    rules = words.load()
    record: dict[str, tuple[Said, ...]] = {}
    error = None
    for _ in range(TRIES):
        left = [group for group in groups if group.name not in record]
        if not left:
            break
        found, error = boot(system, left, rules, say, xen=True)
        for group in left:
            got = found.get(group.name, {})
            if len(got) == len(group.rows):
                record[group.name] = tuple(got[i] for i in range(len(group.rows)))
    left = [group for group in groups if group.name not in record]
    if left:
        why = error.message if error else "rows are missing from what it said"
        raise UserError(f"real Xen did not come to the end of {left[0].name}.toml: {why}")
    return record
