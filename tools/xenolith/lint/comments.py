# SPDX-License-Identifier: Apache-2.0
"""What comments must and must not say."""

from __future__ import annotations

import re

from xenolith.lint.files import line_of, only_comments, without_comments

# Spelled apart, so that this file passes its own rule.
_UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b")

# [GICv2 4.3.12], [Arm ARM D1.7.1]: a document's tag, then a section.
_TAG = re.compile(r"\[([A-Z][\w.-]*(?: [A-Z][\w.-]*)*) ([A-Z]{0,2}\d[\w.-]*)[,;\]]")

_BARRIER = re.compile(
    r"\b(?:(?:dsb|dmb|isb|sb|smp_r?w?mb|mb|rmb|wmb|fence|fence_\w+|hfence_\w+|sfence_\w+)\s*\("
    r"|__asm__[^;]*\"(?:dsb|dmb|isb|fence|sfence|hfence)\b)"
)
_BARRIER_ASM = re.compile(r"^\s*(?:\w+:)?\s*(?:dsb|dmb|isb|sb|fence(?:\.i)?|[sh]fence\.\w+)\b")
_DEFINITION = re.compile(r"^\s*#\s*define|^\s*static inline|^\s*\.macro")

# Walks over the device tree that do not leave out what is switched off.
_ANY_NODE = re.compile(r"\bdt_for_each_\w+_any\b|(?:\.|->)nodes\b")
_DEVICE_TREE = ("xen/dt/", "xen/include/xen/dt.h")

# Lines between a comment and the barrier or walk it explains.
REACH = 3


def check_unfinished(path: str, text: str) -> list[str]:
    """Marks of unfinished work, anywhere; in a patch only in what it adds."""
    if path.endswith(".patch"):
        text = re.sub(r"^[^+\n].*", "", text, flags=re.MULTILINE)
    return [
        f"{path}:{line_of(text, match.start())}: {match[0]}: finish it or file an issue"
        for match in _UNFINISHED.finditer(text)
    ]


def tags(path: str, text: str) -> list[tuple[str, str]]:
    """(tag, `path:line`) of every specification that the comments cite."""
    comments = only_comments(text)
    return [(m[1], f"{path}:{line_of(comments, m.start())}") for m in _TAG.finditer(comments)]


def known_tags(specs: str) -> set[str]:
    """Tags that docs/SPECS.md lists, each in backquotes at the start of a row or item."""
    return set(re.findall(r"^(?:\||[-*])\s*`([^`]+)`", specs, re.MULTILINE))


def check_tags(path: str, text: str, known: set[str]) -> list[str]:
    """Cited documents that docs/SPECS.md does not list."""
    return [
        f"{where}: [{tag} ...] is not listed in docs/SPECS.md"
        for tag, where in tags(path, text)
        if tag not in known
    ]


def _is_barrier(line: str, assembly: bool) -> bool:
    if _DEFINITION.match(line):
        return False
    return bool((_BARRIER_ASM if assembly else _BARRIER).search(line))


def check_barriers(path: str, text: str) -> list[str]:
    """Barriers without a comment on their line or just above; one serves all to the function's end,
    in assembly to the next empty line.
    """
    assembly = path.endswith(".S")
    code = without_comments(text).splitlines()
    comments = only_comments(text).splitlines()
    findings = []
    explained_until, explained = -1, False
    for index, line in enumerate(code):
        if comments[index].strip():
            explained_until = index + REACH
        elif line.startswith("}") or (assembly and not line.strip()):
            explained = False
        if _is_barrier(line, assembly):
            explained = explained or index <= explained_until
            if not explained:
                findings.append(f"{path}:{index + 1}: a barrier without its reason")
    return findings


def check_walks(path: str, text: str) -> list[str]:
    """Walks over nodes of any status that do not say in a comment why ("Any status: ...")."""
    if not path.startswith(("xen/", "arch/", "boards/")) or path.startswith(_DEVICE_TREE):
        return []
    code = without_comments(text).splitlines()
    comments = only_comments(text).splitlines()
    findings = []
    explained_until = -1
    for index, line in enumerate(code):
        if "Any status" in comments[index]:
            explained_until = index + REACH
        if not _ANY_NODE.search(line):
            continue
        if index <= explained_until:
            explained_until = index + REACH
        else:
            findings.append(
                f"{path}:{index + 1}: a walk over nodes that may be off, without reason"
            )
    return findings
