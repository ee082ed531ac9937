# SPDX-License-Identifier: Apache-2.0
"""Names in documents: files, headers, functions, structures and constants that the tree must have.

Looked at are links and what stands between backquotes, not blocks of code. What is written there
for another place (a file on a card, a register's bit) is an exception with its reason.
"""

from __future__ import annotations

import fnmatch
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from xenolith.lint.files import line_of

_FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)\s]*)?\)")

_SOURCE = (".c", ".h", ".S", ".py", ".md", ".toml")
_PATH = re.compile(r"[\w.*-]+(?:/[\w.*-]*)*")
_HEADER = re.compile(r"<([\w-]+(?:/[\w.*-]+)+)>")
_AGGREGATE = re.compile(r"(?:struct|enum|union) (\w+)(?:\.(\w+))?")
# foo_bar, foo_bar(), FOO_BAR, FOO_bar.BITS; without an underscore only foo().
_IDENTIFIER = re.compile(r"(\w+)\(\)|([A-Za-z]\w*_\w*)(?:\.\w+)?")
_WORD = re.compile(r"\w+")
# What stands for a name of the reader's: arch/X, uart_X_probe(), <xen/...>.
_PLACEHOLDER = re.compile(r"(?<![A-Za-z0-9])X(?![A-Za-z0-9])|\.\.\.")


@dataclass(frozen=True)
class Tree:
    """What there is: files, and every word of those that are no documents."""

    files: frozenset[str]
    words: frozenset[str]
    tops: frozenset[str] = field(init=False)
    folders: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        folders = {str(parent) for name in self.files for parent in PurePosixPath(name).parents}
        object.__setattr__(self, "folders", frozenset(folders))
        tops = frozenset(folder for folder in folders if "/" not in folder)
        object.__setattr__(self, "tops", tops)

    def has(self, path: str) -> bool:
        """A file or folder, by its path, by the end of it, or by a pattern of either."""
        path = _PLACEHOLDER.sub("*", path.rstrip("/"))
        if "*" in path:
            return bool(
                fnmatch.filter(self.files | self.folders, path)
                or fnmatch.filter(self.files, f"*/{path}")
            )
        known = self.files | self.folders
        return path in known or any(name.endswith(f"/{path}") for name in self.files)

    def says(self, word: str) -> bool:
        """A source has the word, or one of that pattern."""
        pattern = _PLACEHOLDER.sub("*", word)
        return word in self.words or (pattern != word and bool(fnmatch.filter(self.words, pattern)))


def tree(texts: Mapping[str, str]) -> Tree:
    """A tree from its text files by path."""
    words = {
        word
        for name, text in texts.items()
        if not name.endswith((".md", ".patch"))
        for word in _WORD.findall(text)
    }
    return Tree(frozenset(texts), frozenset(words))


@dataclass
class Elsewhere:
    """Names that stand for something outside the tree. Remembers which were needed."""

    reasons: dict[str, str]
    used: set[str] = field(default_factory=set)

    def covers(self, name: str) -> bool:
        """Is there an exception, by the name itself or by a pattern?"""
        found = [key for key in self.reasons if fnmatch.fnmatchcase(name, key)]
        self.used.update(found)
        return bool(found)

    def unneeded(self) -> list[str]:
        """Exceptions that nothing used."""
        return sorted(set(self.reasons) - self.used)


def parse_elsewhere(text: str) -> Elsewhere:
    """Exceptions from TOML: `reason = [names]` in a table `elsewhere`."""
    tables = tomllib.loads(text)["elsewhere"]
    return Elsewhere({name: reason for reason, names in tables.items() for name in names})


def _missing(span: str, known: Tree) -> str | None:
    """What a span names that does not exist; None: all is there, or it names nothing."""
    if header := _HEADER.fullmatch(span):
        return None if known.has(f"include/{header[1]}") else "no such header"
    if aggregate := _AGGREGATE.fullmatch(span):
        return _unknown([word for word in aggregate.groups() if word], known)
    if name := _IDENTIFIER.fullmatch(span):
        return _unknown([name[1] or name[2]], known)
    if _PATH.fullmatch(span):
        within = "/" in span and span.split("/", 1)[0] in known.tops
        if (span.endswith(_SOURCE) or within) and not known.has(span):
            return "no such file"
    return None


def _unknown(words: Iterable[str], known: Tree) -> str | None:
    absent = [word for word in words if not known.says(word)]
    return f"{absent[0]} is in no source" if absent else None


def _links(path: str, text: str) -> Iterator[tuple[str, int]]:
    """Links within the tree, from its root, and where they stand."""
    for match in _LINK.finditer(text):
        if ":" not in match[1]:
            parts: list[str] = []
            for part in (PurePosixPath(path).parent / match[1]).parts:
                parts = parts[:-1] if part == ".." else [*parts, part]
            yield "/".join(parts), match.start()


def check(path: str, text: str, known: Tree, elsewhere: Elsewhere) -> list[str]:
    """Names and links of a document that lead nowhere."""
    text = _FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    findings = [
        f"{path}:{line_of(text, at)}: link to {target}: no such file"
        for target, at in _links(path, text)
        if target not in known.files | known.folders
    ]
    for match in _SPAN.finditer(text):
        problem = _missing(match[1], known)
        if problem and not elsewhere.covers(match[1]):
            findings.append(f"{path}:{line_of(text, match.start())}: `{match[1]}`: {problem}")
    return findings
