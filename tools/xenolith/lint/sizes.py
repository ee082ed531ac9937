# SPDX-License-Identifier: Apache-2.0
"""Long files and long functions, C and Python, against limits and a list of exceptions."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field

from xenolith.lint.files import line_of, without_strings

C_FILE, C_FUNCTION = 400, 60
PYTHON_FILE, PYTHON_FUNCTION = 300, 40


@dataclass
class Allowed:
    """Exceptions: file or `file:function` to the lines it may have. Remembers which were needed."""

    lines: dict[str, int]
    used: set[str] = field(default_factory=set)

    def limit(self, key: str, usual: int, lines: int) -> int:
        """The limit for `key`; an exception counts as needed only beyond the usual limit."""
        if lines > usual and key in self.lines:
            self.used.add(key)
            return self.lines[key]
        return usual

    def unneeded(self) -> list[str]:
        """Exceptions that nothing used."""
        return sorted(set(self.lines) - self.used)


def parse_allowed(text: str) -> Allowed:
    """allow.toml: tables `[[allow]]` with what, lines and reason; ValueError without a reason."""
    lines = {}
    for entry in tomllib.loads(text).get("allow", []):
        if not str(entry.get("reason", "")).strip():
            raise ValueError(f"{entry.get('what')}: an exception needs its reason")
        lines[str(entry["what"])] = int(entry["lines"])
    return Allowed(lines)


# clang-format puts a function's braces alone in the first column, nothing else's.
_BODY = re.compile(r"^\{\n.*?^\}", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"(\w+)\s*\([^;{}]*\)[^;{}()]*\Z")


def c_functions(text: str) -> Iterator[tuple[str, int, int]]:
    """(name, first line of the body, lines of the body with its braces)."""
    code = without_strings(text)
    for match in _BODY.finditer(code):
        before = code[: match.start()].rstrip()
        name = _NAME.search(before)
        # What ends in `=` or `struct x` is no function.
        if name and not before.endswith("="):
            yield name[1], line_of(code, match.start()), match[0].count("\n") + 1


def python_functions(text: str) -> Iterator[tuple[str, int, int]]:
    """(name, line, lines) of every function; the docstring is not counted."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            doc = ast.get_docstring(node) is not None and first.end_lineno is not None
            skipped = (first.end_lineno or 0) - first.lineno + 1 if doc else 0
            yield node.name, node.lineno, (node.end_lineno or 0) - node.lineno + 1 - skipped


def check(path: str, text: str, allowed: Allowed) -> list[str]:
    """Too long a file or function, for .c .h .S .py. The tag of the licence does not count."""
    python = path.endswith(".py")
    usual, each = (PYTHON_FILE, PYTHON_FUNCTION) if python else (C_FILE, C_FUNCTION)
    findings = []
    total = text.count("\n") - ("SPDX-License-Identifier" in text[:200])
    limit = allowed.limit(path, usual, total)
    if total > limit:
        findings.append(f"{path}:1: {total} lines, at most {limit}")
    functions = python_functions(text) if python else c_functions(text)
    for name, line, lines in functions:
        most = allowed.limit(f"{path}:{name}", each, lines)
        if lines > most:
            findings.append(f"{path}:{line}: {name} has {lines} lines, at most {most}")
    return findings
