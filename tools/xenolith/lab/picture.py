# SPDX-License-Identifier: Apache-2.0
"""A run as a picture: what was typed in dom0 and what it printed, as a terminal in SVG.

The picture says in its <desc> by which command it was made, so that a test can make it again and
tell whether it still shows what a user sees.
"""

from __future__ import annotations

import io
import re
import shlex
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from rich.console import Console
from rich.text import Text

from xenolith.dom0 import cache
from xenolith.errors import UserError
from xenolith.lab.protocol import Result

WIDTH = 100
"""Characters of a line; longer ones go on in the next."""

MAX_LINES = 400
"""Of one picture: nobody looks at more."""

PROMPT, SHELL = "dom0:~# ", "$ "
SVG = "{http://www.w3.org/2000/svg}"


def check(path: Path) -> None:
    """Refuse a picture's name before anything is booted. Raises UserError."""
    if path.suffix != ".svg":
        raise UserError(f"--picture {path}: the picture is an SVG; name it {path.stem}.svg", 2)
    if not path.absolute().parent.is_dir():
        raise UserError(f"--picture {path}: there is no folder {path.parent}; make it", 2)


def typed(arguments: Sequence[str]) -> list[str]:
    """The command that makes the same run: without --picture, by the launcher's name."""
    words = list(arguments[1:])
    if "--picture" in words:
        at = words.index("--picture")
        del words[at : at + 2]
    return ["./xenolith", *(word for word in words if not word.startswith("--picture="))]


def draw(command: Sequence[str], results: Sequence[Result]) -> str:
    """The SVG of a run: `command`, the words that a user types, then what dom0 was told."""
    typed = shlex.join(command)
    paper = Console(record=True, width=WIDTH, file=io.StringIO(), color_system="truecolor")
    lines = [Text(SHELL, "bold blue") + Text(typed, "bold")]
    for result in results:
        lines.append(Text(PROMPT, "bold green") + Text(_plain(result.command), "bold"))
        for data in (result.out, result.err):
            lines += Text.from_ansi(_plain(data.decode(errors="replace"))).split("\n")
    for line in lines[:MAX_LINES]:
        paper.print(line, soft_wrap=False, highlight=False)
    picture = paper.export_svg(title="xenolith", unique_id="xenolith")
    # The fonts are the reader's: a picture asks nobody's server for one.
    picture = re.sub(r"@font-face\s*\{.*?\}\s*", "", picture, flags=re.DOTALL)
    # What was no colour after all is no text either.
    picture = picture.replace("\x1b", "")
    picture = "".join(f"{line.rstrip()}\n" for line in picture.splitlines())
    return picture.replace(">", f">\n    <desc>{escape(typed)}</desc>", 1)


def _plain(text: str) -> str:
    """Text without what no XML may hold; colours (ESC) stay for now."""
    return re.sub(r"[^\t\n\x1b\x20-\x7e\xa0-\ud7ff\ue000-\ufffd]", "", text).rstrip("\n")


def write(path: Path, command: Sequence[str], results: Sequence[Result]) -> None:
    """Draw into a file, whole or not at all. Raises UserError."""
    cache.write_atomic(path, draw(command, results).encode())


def made_by(picture: str) -> list[str]:
    """The words of the command that made a picture. ValueError if it does not say."""
    said = ET.fromstring(picture).findtext(f"{SVG}desc")
    if not said:
        raise ValueError("the picture does not say by which command it was made")
    return shlex.split(said)


def shape(picture: str) -> list[str]:
    """The text of a picture by lines: times, sizes and the states of `xl list` may differ."""
    rows: dict[float, str] = {}
    for text in ET.fromstring(picture).iter(f"{SVG}text"):
        if text.get("clip-path"):
            row = float(text.get("y", "0"))
            rows[row] = rows.get(row, "") + "".join(text.itertext()).replace("\xa0", " ")
    lines = (re.sub(r"\d+(\.\d+)?", "0", line) for line in rows.values())
    lines = (re.sub(r" [-rbpscd]{6} ", " state ", line) for line in lines)
    return [" ".join(line.split()) for line in lines if line.strip()]
