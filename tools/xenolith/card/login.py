# SPDX-License-Identifier: Apache-2.0
"""Who may log in on a card, and what it is called: what a user gives, checked."""

from __future__ import annotations

import base64
import binascii
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from xenolith.errors import UserError

KEY_TYPES = re.compile(
    r"(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)"
)
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", re.IGNORECASE)
USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
HASH = re.compile(r"\$(6|y|gy|2[aby]|7)\$[./0-9A-Za-z$,=]{20,}")
MAX_FILE = 64 << 10


@dataclass(frozen=True)
class Login:
    """`user`: root, or who may become root by sudo; `password`: a hash, empty without one.

    `console`: the consoles (serial; screen and keyboard) may be entered without a password while
    there is none; `opened`: that is the way in, though there is no key.
    """

    user: str = "root"
    password: str = ""
    keys: tuple[str, ...] = ()
    console: bool = True
    opened: bool = False

    @property
    def sets_password(self) -> bool:
        """True if nobody has said how to log in: who is at the console first sets a password."""
        return not (self.password or self.keys or self.opened)

    @property
    def opens_console(self) -> bool:
        """True if the consoles log the user in, because no password could be typed there."""
        return self.console and (self.opened or bool(self.keys)) and not self.password

    @property
    def advice(self) -> str:
        """How to log in, for people."""
        if self.sets_password:
            return f"log in as {self.user} at the console: you will set a password"
        ways = ["with your ssh key"] if self.keys else []
        if self.password:
            ways.append("at the console with your password")
        text = f"log in as {self.user} {' or '.join(ways)}"
        if self.opens_console:
            text += (
                f"; the console logs {self.user} in without a password, until one is set: "
                f"`sudo passwd {self.user}` (--no-console-login: never)"
            )
        elif not self.password:
            text += "; nobody can log in at the console: without a network this card is locked"
        return text


def check_hostname(name: str) -> str:
    """A host name [RFC 1123 2.1] that Linux takes. Raises UserError."""
    labels = name.split(".")
    if len(name) > 64 or not all(len(x) <= 63 and LABEL.fullmatch(x) for x in labels):
        raise UserError(
            f"--hostname {name!r}: letters, digits and inner hyphens, at most 64 of them", 2
        )
    return name


def check_user(name: str) -> str:
    """A name for a user of Debian. Raises UserError."""
    if not USER.fullmatch(name):
        raise UserError(
            f"--user {name!r}: small letters, digits, - and _, beginning with a letter", 2
        )
    return name


def read_keys(path: Path) -> tuple[str, ...]:
    """The public keys in a file, one a line. Raises UserError that says what else it holds."""
    text = _read(path, "--ssh-key", "`ls ~/.ssh/*.pub` lists keys, `ssh-keygen` makes one")
    if "PRIVATE KEY" in text or text.startswith("PuTTY-User-Key-File"):
        public = path.with_name(f"{path.name}.pub")
        better = public if public.is_file() else "the file beside it whose name ends in .pub"
        raise UserError(
            f"--ssh-key {path} is a private key, which stays with you; give {better}", 2
        )
    lines = [line.strip() for line in text.splitlines()]
    keys = tuple(line for line in lines if line and not line.startswith("#"))
    for key in keys:
        if not _is_key(key):
            raise UserError(
                f"--ssh-key {path}: {key[:24]!r}... is no public key; it begins with ssh-ed25519, "
                "ssh-rsa or ecdsa-sha2-...",
                2,
            )
    if not keys:
        raise UserError(f"--ssh-key {path} has no key in it; ssh-keygen makes one", 2)
    return keys


def _read(path: Path, option: str, remedy: str) -> str:
    try:
        with path.open("rb") as f:
            data = f.read(MAX_FILE + 1)
    except OSError as e:
        raise UserError(f"{option} {path}: {e.strerror}; {remedy}", 2) from e
    if len(data) > MAX_FILE:
        raise UserError(f"{option} {path} is larger than {MAX_FILE >> 10} KiB: the wrong file", 2)
    try:
        return data.decode()
    except UnicodeDecodeError as e:
        raise UserError(f"{option} {path} is no text", 2) from e


def _is_key(line: str) -> bool:
    """True for TYPE BASE64 [COMMENT] where the data begins with the same type [RFC 4253 6.6]."""
    words = line.split()
    if len(words) < 2 or not KEY_TYPES.fullmatch(words[0]):
        return False
    try:
        data = base64.b64decode(words[1], validate=True)
    except binascii.Error:
        return False
    size = int.from_bytes(data[:4], "big")
    return len(data) > size + 4 and data[4 : 4 + size] == words[0].encode()


def read_password(path: Path, salt: str) -> str:
    """The hash of the password in a file's first line, which may be a hash already.

    Raises UserError. `salt`: what makes the same password another hash on another card.
    """
    remedy = "write the password into the first line of a file, and name that"
    lines = _read(path, "--password-file", remedy).splitlines()
    first = lines[0] if lines else ""
    if HASH.fullmatch(first):
        return first
    if len(first) < 8 or not first.isprintable():
        raise UserError(f"--password-file {path}: the first line needs 8 characters or more", 2)
    command = ["openssl", "passwd", "-6", "-salt", salt, "-stdin"]
    try:
        done = subprocess.run(
            command, input=f"{first}\n", capture_output=True, text=True, check=False
        )
    except FileNotFoundError as e:
        raise UserError("openssl not found; apt install openssl") from e
    if done.returncode != 0 or not HASH.fullmatch(done.stdout.strip()):
        raise UserError(f"openssl cannot hash the password: {done.stderr.strip()}")
    return done.stdout.strip()
