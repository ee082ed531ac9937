# SPDX-License-Identifier: Apache-2.0
"""Commands for the dom0 of a card that knows nothing of them: given to a shell on its console.

The shell is there without a password: a dom0 of busybox has nothing else, a Debian card that
`xenolith image` made with an ssh key and without a password logs its user in. What is typed is
acknowledged piece by piece, and asked for again when no answer comes: a shell that is just starting
may not see it, and a console whose reader stops for seconds loses characters.
"""

from __future__ import annotations

import base64
import gzip
import re
import shlex
from collections.abc import Sequence

from xenolith import ROOT
from xenolith.lab.console import Console, Deadline, LabError, Timeout

SCRIPTS = tuple(ROOT / "tools" / "dom0" / name for name in ("exec.sh", "card/exec.sh"))
PIECE = 200
"""Characters of a line: what the console of a busy hypervisor keeps."""
AGAIN = 5.0
"""Seconds without an answer after which the shell is asked again, each time twice as many."""

PROMPT = rb"login: "
SHELL = rb"\(automatic login\)|This is dom0\. Try"
RESCUE = re.compile(rb"card: (.*?)\r*\n(?:.*\n)*?card: going on without it")
REFUSED = rb"sudo: (.+)"


class Login:
    """What gives commands to a shell that the machine starts. A Target calls it."""

    def __init__(self, token: str, commands: Sequence[str], run: str = "/run") -> None:
        """`run`: a folder in memory, where files for the shell go."""
        self.token = token
        self.commands = commands
        self.run = run
        self._count = 0

    def __call__(self, console: Console, deadline: Deadline) -> None:
        """Log in, hand over the commands, let them begin. Raises LabError."""
        self._reach_a_shell(console, deadline)
        self._ask(console, deadline, ":")
        console.send(b"exec $([ $(id -u) = 0 ] || echo sudo -n) sh\r")
        text = base64.b64encode(gzip.compress(self.script().encode(), mtime=0)).decode()
        script = f"{self.run}/xenolith.sh"
        # Again as a whole if a character was lost on the way: gzip sees that.
        while not self._hand_over(console, deadline, text, script):
            pass
        console.send(f"exec sh {script}\r".encode())

    def _hand_over(self, console: Console, deadline: Deadline, text: str, script: str) -> bool:
        """Unpack `text` into the file `script`, by pieces that are files; False: it is damaged."""
        packed = f"{self.run}/xenolith.exec"
        self._ask(console, deadline, f"PS1=; stty -echo; umask 077; rm -f {packed}.*")
        for number, at in enumerate(range(0, len(text), PIECE)):
            piece = text[at : at + PIECE]
            self._ask(console, deadline, f"printf %s {piece} >{packed}.{number:04}")
        return self._ask(console, deadline, f"cat {packed}.* | base64 -d | gzip -d >{script}") == 0

    def script(self) -> str:
        """What the shell runs."""
        folder = f"{self.run}/xenolith-exec"
        lines = [f"token={self.token} run={self.run} folder={folder} goal=", f"mkdir -p {folder}"]
        for number, command in enumerate(self.commands):
            text = shlex.quote(f"{command}\n")
            lines.append(f"printf %s {text} >{folder}/{number:04}")
        return "\n".join([*lines, *(path.read_text() for path in SCRIPTS)])

    def _reach_a_shell(self, console: Console, deadline: Deadline) -> None:
        found = console.expect(rb"%s|%s" % (SHELL, PROMPT), deadline, "a login prompt")
        if found[0] == PROMPT:
            # An automatic login goes on by itself; without one the prompt comes again.
            console.send(b"\r")
            found = console.expect(rb"%s|%s" % (SHELL, PROMPT), deadline, "a login")
            if found[0] == PROMPT:
                raise LabError(
                    "the card's dom0 wants a password at its console: --exec needs a card made "
                    "with --ssh-key and without --password-file, or --minimal; "
                    "without --exec you can log in yourself"
                )
        problem = RESCUE.search(console.data)
        if problem:
            raise LabError(f"card: {problem[1].decode(errors='replace')}", console.tail())

    def _ask(self, console: Console, deadline: Deadline, command: str) -> int:
        """Give the shell a command that does no harm twice, until it has done it; its status."""
        self._count += 1
        # What is echoed is not the answer. No quotes: a lost one would take the next lines along.
        line = f"{command}; echo done-$?-{self._count}-{self.token}\r".encode()
        answer = rb"done-(\d+)-%d-%s" % (self._count, self.token.encode())
        found, patience = None, AGAIN
        console.send(line)
        while found is None:
            step = Deadline(min(patience, deadline.left()))
            try:
                found = console.expect(rb"%s|%s" % (answer, REFUSED), step, "dom0's shell")
            except Timeout:
                if deadline.left() <= 0:
                    raise
                console.send(b"\r" + line)
                patience *= 2
        status, refused = found.groups()
        if refused is not None:
            raise LabError(
                f"the card's user may not become root: {found[0].decode(errors='replace')}"
            )
        return int(status)
