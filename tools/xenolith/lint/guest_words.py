# SPDX-License-Identifier: Apache-2.0
"""Atomic operations on words that a guest can write to end in time (<xen/guest_atomic.h>)."""

from __future__ import annotations

import re

from xenolith.lint.files import without_comments

SOURCES = (
    "xen/domain/guest_atomic.c",
    "xen/event/evtchn_2l.c",
    "xen/event/evtchn_fifo.c",
    "xen/event/evtchn_upcall.c",
    "xen/grant/table.c",
    "arch/riscv/mm/guest_walk.c",
)
"""What changes such words: no exclusive load and store in a loop here, on whatever memory."""

_LINE = re.compile(r"^\s*([0-9a-f]+):\t(\S+)(?:\t(.*))?$")
# With acquire, as all atomics but the ticket that a spinlock draws.
_LOAD = re.compile(r"^(?:ldaxr[bh]?|ldaxp|lr\.[wd]\.aq.*)$")
_BACK = re.compile(r"^(?:cbnz|bnez|bne)$")
_TARGET = re.compile(r"(?:^|,)\s*(?:0x)?([0-9a-f]+)(?: <|$)")


def check_loops(source: str, listing: str) -> list[str]:
    """Branches back to an exclusive load, in `objdump -d --no-show-raw-insn` of one object."""
    findings = []
    loads: set[str] = set()
    for line in listing.splitlines():
        if line.endswith(">:"):
            # Local labels, too, so addresses of loads are kept: they are unique in a section.
            continue
        if line.startswith("Disassembly of section"):
            loads.clear()
        found = _LINE.match(line)
        if not found:
            continue
        at, mnemonic, operands = found[1], found[2], found[3] or ""
        if _LOAD.match(mnemonic):
            loads.add(at)
        target = _TARGET.search(operands.split("//")[0].strip())
        if _BACK.match(mnemonic) and target and target[1] in loads:
            findings.append(f"{source}: {at}: exclusive load and store in a loop: guest_atomic_*")
    return findings


_FIELDS = "evtchn_pending|evtchn_mask|evtchn_upcall_pending|evtchn_pending_sel|event_word_t"
_CALL = re.compile(r"\batomic_(?:fetch_\w+|exchange|compare_exchange|test_and_\w+)\(([^;]*);")


def check_fields(path: str, text: str) -> list[str]:
    """Calls of atomic_* that change a field of the ABI which a guest can write to."""
    if not path.startswith(("xen/", "arch/")):
        return []
    code = without_comments(text)
    return [
        f"{path}:{code[: found.start()].count(chr(10)) + 1}: a guest's word: use guest_atomic_*"
        for found in _CALL.finditer(code)
        if re.search(rf"\b(?:{_FIELDS})\b", found[1])
    ]
