# SPDX-License-Identifier: Apache-2.0
"""Lines of text files against .editorconfig: ends, blanks, tabs, width."""

from __future__ import annotations

import configparser
import fnmatch
import re
from pathlib import PurePosixPath

Config = list[tuple[list[str], dict[str, str]]]
"""Sections in their order: patterns of files, and what is said of them."""


def _patterns(section: str) -> list[str]:
    """A section's name without braces, which do not nest here."""
    braces = re.fullmatch(r"(.*?)\{(.*)\}(.*)", section)
    if not braces:
        return [section]
    before, words, after = braces.groups()
    return [f"{before}{word}{after}" for word in words.split(",")]


def parse(text: str) -> Config:
    """The sections of an .editorconfig."""
    parser = configparser.ConfigParser(delimiters=["="], comment_prefixes=["#"])
    parser.read_string(f"[DEFAULT]\n{text}")
    return [(_patterns(name), dict(parser[name])) for name in parser.sections()]


def settings(config: Config, path: str) -> dict[str, str]:
    """What holds for a file: later sections win. A pattern without a slash is for any folder."""
    found: dict[str, str] = {}
    for patterns, said in config:
        for pattern in patterns:
            name = path if "/" in pattern else PurePosixPath(path).name
            if fnmatch.fnmatchcase(name, pattern):
                found |= said
    return found


def _prose(text: str) -> str:
    """Markdown with its tables and blocks of code blanked out."""
    text = re.sub(
        r"^ *```.*?^ *```", lambda m: "\n" * m[0].count("\n"), text, flags=re.MULTILINE | re.DOTALL
    )
    return re.sub(r"^(?: *\|| {4}).*", "", text, flags=re.MULTILINE)


def check(path: str, text: str, said: dict[str, str]) -> list[str]:
    """What is wrong with the lines of a file."""
    findings = []
    wide = said.get("max_line_length", "off")
    measured = _prose(text) if path.endswith(".md") else text
    if wide != "off":
        findings += [
            f"{path}:{number}: {len(line)} columns, at most {wide}"
            for number, line in enumerate(measured.split("\n"), 1)
            if len(line) > int(wide)
        ]
    for number, line in enumerate(text.split("\n"), 1):
        if said.get("indent_style") == "space" and "\t" in line:
            findings.append(f"{path}:{number}: a tab")
        if said.get("trim_trailing_whitespace") == "true" and line != line.rstrip():
            findings.append(f"{path}:{number}: blanks at its end")
    if said.get("insert_final_newline") == "true" and text and not text.endswith("\n"):
        findings.append(f"{path}: no newline at its end")
    return findings
