# SPDX-License-Identifier: Apache-2.0
"""docs/XL.md: a line for each verb and key, from the lists that a run holds this hypervisor to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xenolith import ROOT
from xenolith.compare.judge import ORDER, Verdict
from xenolith.compare.rows import Group

PAGE = ROOT / "docs" / "XL.md"
NAMES = {"arm64": "arm64", "riscv": "riscv64"}
"""What people call an architecture."""
KEYS = "keys"
"""The group whose rows show keys of xl.cfg; all others show verbs."""

HEAD = """\
# What `xl` can do here

Each verb of `xl help` of Xen 4.20 on Arm, and each key of xl.cfg(5) that a guest there can have, as
the same `xl` runs them on this hypervisor and on real Xen: one or more commands, with exit status
and output. Made from the lists in `tests/xl`, to which this hypervisor is held by

    ./xenolith compare xl                      # ours against what Xen said, one boot
    ./xenolith compare xl --board qemu-virt-riscv64
    ./xenolith compare xl --live               # real Xen runs, too: three minutes more
    ./xenolith compare xl --record             # the same; writes what Xen says, and this page

A row that says something else than Xen fails, unless the list has its words and the reason.

* *same*: all of its commands say what they say on Xen, be it that they are refused
* *better*: one of them does more, or says more clearly what is wrong
* *missing*: one of them does less
* `-`: only Arm has it

RISC-V, where there is no Xen that runs `xl`, is held against Xen on arm64. The guests are kernels
of some words, which wait or shut down, so that all rows take a minute or two; those of `linux.toml`
have the demo guest, for what takes drivers.

"""

Found = Mapping[str, Sequence[Verdict]]
"""Verdicts by architecture."""


def _subjects(groups: Sequence[Group], *, keys: bool) -> list[str]:
    """Verbs, or keys, in the order of their first rows."""
    rows = [row for group in groups if (group.name == KEYS) == keys for row in group.rows]
    return list(dict.fromkeys(row.of for row in rows))


def _of(verdicts: Sequence[Verdict], subject: str, *, keys: bool) -> list[Verdict]:
    return [v for v in verdicts if v.row.of == subject and (v.group == KEYS) == keys]


def worst(verdicts: Sequence[Verdict]) -> str:
    """The word for several rows; `-` for none."""
    return max((v.word for v in verdicts), key=ORDER.index, default="-")


def _reasons(each: Mapping[str, Sequence[Verdict]]) -> str:
    """Each reason once; where it is one architecture's alone, that is said."""
    archs: dict[str, list[str]] = {}
    for arch, verdicts in each.items():
        for verdict in verdicts:
            known = archs.setdefault(verdict.why, [])
            if arch not in known:
                known.append(arch)
    there = [arch for arch, verdicts in each.items() if verdicts]
    texts = []
    for why, known in archs.items():
        if why:
            alone = f"{NAMES[known[0]]}: " if known != there else ""
            texts.append(f"{alone}{why}")
    return "; ".join(texts)


def _lines(groups: Sequence[Group], found: Found, *, keys: bool) -> list[list[str]]:
    lines = []
    for subject in _subjects(groups, keys=keys):
        each = {arch: _of(verdicts, subject, keys=keys) for arch, verdicts in found.items()}
        tried = max(len(verdicts) for verdicts in each.values())
        if tried == 0:
            continue  # ours is not asked yet
        words = [worst(verdicts) for verdicts in each.values()]
        lines.append([f"`{subject}`", str(tried), *words, _reasons(each)])
    return lines


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def counts(groups: Sequence[Group], found: Found) -> list[list[str]]:
    """For verbs and keys of each architecture: its name, how many there are of each word."""
    lines = []
    for keys, name in ((False, "verbs"), (True, "keys")):
        for arch, verdicts in found.items():
            subjects = _subjects(groups, keys=keys)
            words = [worst(_of(verdicts, subject, keys=keys)) for subject in subjects]
            numbers = [str(words.count(word)) for word in ORDER]
            lines.append([f"{name}, {NAMES[arch]}", *numbers])
    return lines


def text(groups: Sequence[Group], found: Found) -> str:
    """The whole page."""
    rows = max(len(verdicts) for verdicts in found.values())
    head = ["", "commands", *NAMES.values(), "how it differs"]
    counted = [line[:-1] for line in counts(groups, found)]
    return "".join(
        [
            HEAD,
            _table(["", *ORDER[:-1]], counted),
            f"\n{rows} commands are compared.\n\n## Verbs\n\n",
            _table(head, _lines(groups, found, keys=False)),
            "\n## Keys of xl.cfg\n\n",
            _table(head, _lines(groups, found, keys=True)),
        ]
    )
