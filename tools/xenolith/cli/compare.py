# SPDX-License-Identifier: Apache-2.0
"""`xenolith compare xl`: what real xl says on this hypervisor, beside what it says on real Xen."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from xenolith.boards import find
from xenolith.boards.model import ARCHES
from xenolith.boards.registry import DEFAULT
from xenolith.build import host, make
from xenolith.build.needs import BUILD, DOM0, RUN
from xenolith.build.toolchain import KINDS
from xenolith.compare import judge, page, record, rows, session
from xenolith.compare.judge import DIFFERENT, Verdict
from xenolith.compare.rows import Group, Said
from xenolith.dom0 import cache, image
from xenolith.errors import UserError
from xenolith.lab.console import LabError
from xenolith.progress import note, step
from xenolith.system.model import System


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("what", choices=("xl",), help="whose commands")
    parser.add_argument("--board", default=DEFAULT, help=f"board to run on (default {DEFAULT})")
    names = ", ".join(rows.GROUPS)
    parser.add_argument("--groups", metavar="G1,G2", help=f"only these rows (all: {names})")
    parser.add_argument("--live", action="store_true", help="run real Xen, too, not its record")
    parser.add_argument(
        "--record", action="store_true", help="the same; write what it says, and docs/XL.md"
    )
    parser.add_argument("--hypervisor", type=Path, metavar="FILE", help="compare this, not ours")
    parser.add_argument("--toolchain", choices=KINDS, help="compiler of what is compared")
    parser.add_argument("--json", action="store_true", help="JSON on standard output")


def run(args: argparse.Namespace) -> int:
    """Compares; prints what differs, and the counts. 1 if a row differs that is in no list."""
    board = find(args.board)
    groups = rows.chosen(rows.load(), args.groups)
    if not board.qemu.virtio:
        raise UserError(f"the rows are for QEMU's virt machines; {board.name} is none", 2)
    live = args.live or args.record
    if live and board.arch != "arm64":
        raise UserError(f"Debian has no Xen for {board.arch}: --live wants a board of arm64", 2)
    if args.hypervisor and not args.hypervisor.is_file():
        raise UserError(f"{args.hypervisor}: no such file; give an image of the hypervisor", 2)
    known = {} if args.record else record.load(groups)
    host.ensure(board, BUILD, RUN, DOM0)
    ours = args.hypervisor or make.build(board, host.ensure_toolchain(board, args.toolchain)).image
    dom0 = image.build(board.debian_arch)
    system = System(
        board, ours, dom0.kernel, dom0.initrd, session.SMP, board.memory, session.ARGUMENTS
    )
    if live:
        recorded, known = known, _xen(system, groups)
        if not args.record and known != recorded:
            note("Xen says something else than its record has: --record writes it")
    if args.record:
        record.save(rows.load(), known)
        write_page()
    with step(f"xl on {board.name}") as progress:
        try:
            answers = session.ours(system, groups, progress.update)
        except LabError as e:
            raise UserError(f"{e.message}\n{e.tail}") from e
    verdicts = judge.judge(groups, known, answers, board.arch)
    print(_json(board.name, verdicts) if args.json else text(groups, board.arch, verdicts))
    return 1 if any(v.word == DIFFERENT for v in verdicts) else 0


def _xen(system: System, groups: Sequence[Group]) -> dict[str, tuple[Said, ...]]:
    with step("xl on real Xen") as progress:
        xen = replace(system, hypervisor=image.xen(system.board.debian_arch))
        return session.xen(xen, groups, progress.update)


def listed_page() -> str:
    """docs/XL.md as the lists have it. Raises UserError."""
    groups = rows.load()
    known = record.load(groups)
    return page.text(groups, {arch: judge.listed(groups, known, arch) for arch in ARCHES})


def write_page() -> None:
    """Writes docs/XL.md."""
    cache.write_atomic(page.PAGE, listed_page().encode())
    note(f"{page.PAGE}: written")


def _said(name: str, said: Said | None) -> list[str]:
    if said is None:
        return []
    lines = said.lines or ("(nothing)",)
    return [f"  {name}, status {said.status}:", *(f"    {line}" for line in lines)]


def text(groups: Sequence[Group], arch: str, verdicts: Sequence[Verdict]) -> str:
    """Rows that differ, then the counts."""
    lines = []
    for verdict in verdicts:
        if verdict.word == DIFFERENT:
            lines.append(f"{verdict.group}: {verdict.row.run}\n  {verdict.why}")
            lines += _said("here", verdict.ours) + _said("Xen", verdict.xen)
    lines.append(f"{'':16}" + "".join(f"{word:>11}" for word in judge.ORDER))
    for name, *numbers in page.counts(groups, {arch: verdicts}):
        lines.append(f"{name:16}" + "".join(f"{number:>11}" for number in numbers))
    counted = judge.counts(verdicts)
    lines.append(f"{'commands':16}" + "".join(f"{counted[word]:>11}" for word in judge.ORDER))
    return "\n".join(lines)


def _json(board: str, verdicts: Sequence[Verdict]) -> str:
    about = {"board": board, "counts": judge.counts(verdicts)}
    return json.dumps({**about, "rows": [v.fields() for v in verdicts]}, indent=1)
