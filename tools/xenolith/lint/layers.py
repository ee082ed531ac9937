# SPDX-License-Identifier: Apache-2.0
"""Who may include whom, and what the portable core must not contain."""

from __future__ import annotations

import re

from xenolith.lint.files import line_of, without_comments

FREESTANDING = {"stddef.h", "stdint.h", "stdbool.h", "stdarg.h", "limits.h", "stdalign.h"}

# First folder of an include that files below a path may use; the first matching path decides.
ALLOWED = (
    ("xen/include/public/", {"public"}),
    ("xen/include/xen/", {"public", "xen", "arch"}),
    ("xen/include/arch/", {"public", "xen", "arch", "asm"}),
    ("xen/", {"public", "xen", "arch"}),
    ("arch/", {"public", "xen", "arch", "asm"}),
    ("boards/", {"public", "xen", "arch", "asm"}),
    ("tests/guests/", {"public", "guest", "port"}),
    ("tests/torture/", {"public", "guest", "port", "torture"}),
)

_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]+([<\"])([^>\"]+)[>\"]", re.MULTILINE)
_CONDITION = re.compile(r"^[ \t]*#[ \t]*(?:if|ifdef|ifndef|elif)\b(.*)$", re.MULTILINE)
_ARCH_WORD = re.compile(
    r"__(?:aarch64|arm|riscv|x86_64|i386)\w*|\b(?:CONFIG_)?(?:ARM|RISCV|X86|AARCH64)\w*\b"
)
# barrier() of <xen/compiler.h> is the one asm statement that names no instruction.
_ASSEMBLY = re.compile(r"\b(?:__asm__|asm)\b\s*(?:volatile|__volatile__)?\s*\(\s*(?!\"\")")


def _allowed(path: str) -> set[str] | None:
    return next((folders for prefix, folders in ALLOWED if path.startswith(prefix)), None)


def check_includes(path: str, text: str) -> list[str]:
    """Includes against the layers; quoted ones may only name a neighbour."""
    folders = _allowed(path)
    if folders is None:
        return []
    findings = []
    code = without_comments(text)
    for match in _INCLUDE.finditer(code):
        where = f"{path}:{line_of(code, match.start())}"
        quote, name = match.groups()
        if quote == '"':
            if "/" in name:
                findings.append(f'{where}: "{name}" is not in this folder; use <...>')
        elif "/" not in name:
            if name not in FREESTANDING:
                findings.append(f"{where}: <{name}> is no freestanding header")
        elif name.split("/")[0] not in folders:
            findings.append(f"{where}: <{name}> is not for this layer")
    return findings


def check_core(path: str, text: str) -> list[str]:
    """No assembly and no condition on the architecture in xen/."""
    if not path.startswith("xen/"):
        return []
    code = without_comments(text)
    findings = [
        f"{path}:{line_of(code, match.start())}: condition on the architecture in the core"
        for match in _CONDITION.finditer(code)
        if _ARCH_WORD.search(match[1])
    ]
    findings += [
        f"{path}:{line_of(code, match.start())}: assembly in the core"
        for match in _ASSEMBLY.finditer(code)
    ]
    return findings


# Who declares, sets and asks for it; all others of the core ask <xen/access.h>.
POLICY = ("xen/domain/access.c", "xen/domain/domain.c", "xen/include/xen/domain.h")


def check_policy(path: str, text: str) -> list[str]:
    """Who may do what stands in one file."""
    if not path.startswith("xen/") or path in POLICY:
        return []
    code = without_comments(text)
    return [
        f"{path}:{line_of(code, match.start())}: is_privileged: ask <xen/access.h>"
        for match in re.finditer(r"\bis_privileged\b", code)
    ]


def check_header(path: str, text: str) -> list[str]:
    """Headers say `#pragma once` before any code."""
    if not path.endswith(".h"):
        return []
    first = next((line for line in without_comments(text).splitlines() if line.strip()), "")
    return [] if first.strip() == "#pragma once" else [f"{path}:1: no #pragma once first"]
