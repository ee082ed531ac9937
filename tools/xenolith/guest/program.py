# SPDX-License-Identifier: Apache-2.0
"""What an image's configuration says about its program [image-spec, config.md], checked."""

from __future__ import annotations

import re
import shlex
import stat
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from xenolith.card.tree import Item, Tree
from xenolith.errors import UserError

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SIGNAL = re.compile(r"(SIG)?(RTM(IN|AX)([+-][0-9]+)?|[A-Z]{2,8}[0-9]{0,2}|[0-9]{1,2})")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
NUMBER = re.compile(r"[0-9]{1,9}")
TEXT = 1 << 20
"""Bytes; no list of users is longer."""
WORD = 1 << 17
"""Bytes; Linux takes no longer argument or variable."""
LINKS = 40
PLACES = 200
"""Folders of a PATH that are looked into."""


@dataclass(frozen=True)
class Program:
    """What is run, by whom, where; `argv` has one word or more."""

    argv: tuple[str, ...]
    environment: dict[str, str]
    folder: str
    uid: int
    gid: int
    signal: str
    """That asks it to end, without SIG."""

    def script(self, tools: str) -> str:
        """Lines of a shell that become the program. `tools`: path of a busybox."""
        pairs = [f"{name}={value}" for name, value in self.environment.items()]
        # It runs what it is told unless such a process is there: one of that name never is.
        change = ["start-stop-daemon", "-S", "-n", "no process", "-c", f"{self.uid}:{self.gid}"]
        first, *others = self.argv
        words = [tools, "env", "-i", *pairs, tools, *change, "-x", first, "--", *others]
        return f"cd {shlex.quote(self.folder)} || exit 126\nexec {shlex.join(words)}\n"


def read(config: dict[str, Any], tree: Tree, arguments: tuple[str, ...] = ()) -> Program:
    """The program of an image. `arguments` replace the image's. Raises UserError."""
    table = config.get("config") or {}
    if not isinstance(table, dict):
        raise UserError("the image's configuration is no JSON object")
    entry, usual = _words(table, "Entrypoint"), _words(table, "Cmd")
    argv = (*entry, *(arguments or usual))
    if not argv:
        raise UserError("the image names no program; name one with --args", 2)
    uid, gid, home = _user(str(table.get("User") or ""), tree)
    environment = {"PATH": PATH, "HOME": home, "TERM": "linux"} | _environment(table)
    folder = str(table.get("WorkingDir") or "/")
    signal = str(table.get("StopSignal") or "SIGTERM")
    for text in (*argv, folder):
        _check_text(text)
    if not folder.startswith("/"):
        raise UserError(f"the image's working folder {folder[:80]!r} is no absolute path")
    if not SIGNAL.fullmatch(signal):
        raise UserError(f"the image's stop signal {signal[:80]!r} is none")
    _check_program(argv[0], environment["PATH"], folder, tree)
    return Program(argv, environment, folder, uid, gid, signal.removeprefix("SIG"))


def _check_text(text: str) -> None:
    alone = any("\ud800" <= letter <= "\udfff" for letter in text)
    if "\0" in text or len(text) >= WORD or alone:
        raise UserError(
            f"no program can be told {text[:40]!a}, which the image's configuration has"
        )


def _words(table: dict[str, Any], key: str) -> tuple[str, ...]:
    words = table.get(key) or []
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise UserError(f"the image's {key} is no list of words")
    return tuple(words)


def _environment(table: dict[str, Any]) -> dict[str, str]:
    found = {}
    for pair in _words(table, "Env"):
        name, equals, value = pair.partition("=")
        if not equals or not VARIABLE.fullmatch(name):
            raise UserError(f"the image's environment has {pair[:80]!r}, which is no NAME=VALUE")
        _check_text(value)
        found[name] = value
    return found


def _user(text: str, tree: Tree) -> tuple[int, int, str]:
    """Numbers and home of `user[:group]`, names or numbers, as the image's own files have them."""
    user, _, group = text.partition(":")
    rows = _rows(tree, "/etc/passwd", 7)
    row = next((r for r in rows if user in (r[0], r[2])), None) if user else None
    if not user or NUMBER.fullmatch(user):
        uid = int(user or 0)
        row = row or next((r for r in rows if r[2] == str(uid)), None)
    elif row is None:
        raise UserError(f"the image runs as {user[:40]!r}, who is not in its /etc/passwd")
    else:
        uid = int(row[2])
    gid, home = (int(row[3]), row[5] or "/") if row else (0, "/")
    if group:
        gid = _group(group, tree)
    _check_text(home)
    return uid, gid, home


def _group(name: str, tree: Tree) -> int:
    if NUMBER.fullmatch(name):
        return int(name)
    row = next((r for r in _rows(tree, "/etc/group", 4) if r[0] == name), None)
    if row is None:
        raise UserError(f"the image runs in the group {name[:40]!r}, not one of its /etc/group")
    return int(row[2])


def _rows(tree: Tree, path: str, fields: int) -> list[list[str]]:
    """The lines of such a file whose numbers are numbers."""
    item = find(tree, path)
    if item is None or not stat.S_ISREG(item.mode) or item.size > TEXT:
        return []
    data = item.data if isinstance(item.data, bytes) else item.data.read_bytes()
    rows = [line.split(":") for line in data.decode(errors="replace").splitlines()]
    numbers = (2, 3) if fields == 7 else (2,)
    return [
        row
        for row in rows
        if len(row) == fields and all(NUMBER.fullmatch(row[place]) for place in numbers)
    ]


def _check_program(name: str, path: str, folder: str, tree: Tree) -> None:
    """Complain about a program that is not there now rather than in the guest."""
    folders = path.split(":", PLACES)[:PLACES]
    places = [name] if "/" in name else [f"{place}/{name}" for place in folders]
    for place in places:
        item = find(tree, place if place.startswith("/") else f"{folder}/{place}")
        if item is not None and stat.S_ISREG(item.mode) and item.mode & 0o111:
            return
    raise UserError(f"the image has no program {name[:80]!r}; name another one with --args", 2)


def find(tree: Tree, path: str) -> Item | None:
    """The file at an absolute path of an image, through its links; None if there is none."""
    waiting = list(reversed(PurePosixPath(path).parts[1:]))
    here, links = "", 0
    while waiting:
        part = waiting.pop()
        if part == "..":
            here = here.rpartition("/")[0]
            continue
        item = tree.get(f"{here}/{part}" if here else part)
        if item is None:
            return None
        if stat.S_ISLNK(item.mode):
            links += 1
            if links > LINKS:
                return None
            here = "" if item.target.startswith("/") else here
            words = [word for word in item.target.split("/") if word not in ("", ".")]
            waiting += reversed(words)
            continue
        here = item.path
    item = tree.get(here)
    return tree.get(item.target) if item is not None and item.is_second_name else item
