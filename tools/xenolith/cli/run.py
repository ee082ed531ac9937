# SPDX-License-Identifier: Apache-2.0
"""`xenolith run`: boot the hypervisor with Debian as dom0 under QEMU."""

from __future__ import annotations

import argparse
import shlex
import sys
from contextlib import AbstractContextManager
from pathlib import Path

from xenolith import OUTPUT, progress
from xenolith.boards import Board, find
from xenolith.build import host
from xenolith.build.needs import CARD
from xenolith.build.symbols import Symbols
from xenolith.card import boot
from xenolith.cli import extras, machine, results
from xenolith.cli.results import Results
from xenolith.errors import UserError
from xenolith.lab import card, debian, picture, protocol, qemu, session, terminal
from xenolith.lab.console import LabError
from xenolith.lab.extras import Extras
from xenolith.lab.protocol import Result
from xenolith.lab.target import State, Target
from xenolith.system.model import System

TIMEOUT, CARD_TIMEOUT = 300.0, 1200.0
"""Seconds for a run with --exec, unless --timeout says otherwise; the second one for a card,
on which a whole Debian may be."""

SMALL, DEBIAN = "small", "debian"
DOM0_HELP = "small: busybox and xl in memory (default); debian: systemd, on a disk that is kept"
SD = "sd"
"""The value of --from that means a new card image."""

KEYS = """\
Without --exec the terminal is dom0's console. Keys go through unchanged, Ctrl-A too: Ctrl-A three
times switches input between dom0 and the hypervisor (debug keys: h lists them). Ctrl-A x leaves
and ends QEMU; `exit` or `poweroff` in dom0 ends it in order. The console log is kept in
build/BOARD/logs/run.log.

--from sd goes the way of a board: U-Boot reads boot.scr, hypervisor and dom0 from a card image made
for the run as by `image --minimal`. --from FILE starts from a card image of yours, which is written
to: work on a copy. Its --exec needs a card whose console logs in by itself: one made with --ssh-key
and without --password-file, or with --minimal.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = KEYS
    machine.add_arguments(parser)
    add = parser.add_argument_group("dom0").add_argument
    add("--dom0", choices=(SMALL, DEBIAN), default=SMALL, help=DOM0_HELP)
    add("--from", dest="source", metavar="WHAT", help="start from a card: `sd`, or an image FILE")
    extras.add_arguments(parser)
    add = parser.add_argument_group("the run").add_argument
    add("--exec", action="append", default=[], metavar="CMD", help="run CMD in dom0; repeatable")
    add("--timeout", type=float, metavar="S", help=f"seconds for all (--exec: {TIMEOUT:.0f})")
    add("--verbose", action="store_true", help="with --exec: show the console on stderr")
    add(
        "--json",
        action="store_true",
        help="with --exec: print one object with all results at the end, for programs",
    )
    add(
        "--picture",
        type=Path,
        metavar="FILE.svg",
        help="with --exec: draw the run as a terminal",
    )
    add("--dry-run", action="store_true", help="print QEMU's command line, and keep its files")


def run(args: argparse.Namespace) -> int:
    """Boot; returns the first non-zero status of --exec, else 0."""
    with results.printed(args.json and not args.dry_run) as found:
        return _run(args, found)


def _run(args: argparse.Namespace, found: Results) -> int:
    board = machine.chosen_board(args)
    _check_card(args)
    _check_debian(board, args)
    planned = machine.plan(board, args)
    wishes = extras.read(board, args)
    if args.timeout is not None and args.timeout <= 0:
        raise UserError("--timeout must be a positive number of seconds", 2)
    for name in ("json", "picture"):
        if vars(args)[name] and not args.exec:
            raise UserError(f"--{name} shows the results of commands; give some by --exec", 2)
    if args.picture:
        picture.check(args.picture)
    if not args.exec and not args.dry_run and not sys.stdin.isatty():
        raise UserError("standard input is no terminal; use --exec 'CMD'", 2)
    extras.check(wishes, planned, probe=bool(args.cpu))
    system, _ = machine.make_system(planned, args)
    wishes = extras.complete(wishes, system)
    if args.dom0 == DEBIAN:
        host.ensure(board, CARD)
        system = debian.ensure(system, wishes)
    if args.dry_run:
        return _show_command(system, args, wishes)
    try:
        if args.exec:
            return _execute(system, args, wishes, found)
        return _interactive(system, args, wishes)
    except LabError as e:
        tail = explained(e.tail, system.hypervisor)
        print(f"--- the console's last lines\n{tail}\n---", file=sys.stderr)
        log = "" if args.json else f"; log: {session.log_file(system, 'run')}"
        raise UserError(f"{e.message}{log}") from e


def _check_card(args: argparse.Namespace) -> None:
    """Refuse what does not go together with --from."""
    if not args.source:
        return
    boot.facts(find(args.board))
    for name in ("kernel", "initrd", "config", "dry_run", "passthrough"):
        if vars(args)[name]:
            if name == "dry_run":
                raise UserError("--dry-run: a card's files are gone with the run; leave one out", 2)
            raise UserError(f"--{name}: a card has dom0's own; leave it or --from away", 2)
    if args.source == SD:
        return
    extras.refuse_with_card(args.source, args)
    card.check(find(args.board), Path(args.source))
    for name in ("hypervisor", "xen_args", "dom0_args"):
        if vars(args)[name]:
            option = name.replace("_", "-")
            raise UserError(f"--{option}: the card image {args.source} decides that itself", 2)


def _check_debian(board: Board, args: argparse.Namespace) -> None:
    """Refuse what does not go together with --dom0 debian."""
    if args.dom0 != DEBIAN:
        return
    debian.check(board)
    if args.passthrough:
        what = "--passthrough: only the small dom0 finds the files for it"
        raise UserError(f"{what}; leave it or --dom0 debian away", 2)
    for name in ("kernel", "initrd", "config", "source"):
        if vars(args)[name]:
            option = "from" if name == "source" else name
            raise UserError(f"--{option}: --dom0 debian has its own; leave one of them out", 2)


def _started(
    system: System, args: argparse.Namespace, options: session.Options
) -> AbstractContextManager[Target]:
    """The machine, just switched on."""
    if args.source == SD:
        return card.running(system, args.exec, options)
    if args.source:
        return card.from_file(system, Path(args.source), args.exec, options)
    if args.dom0 == DEBIAN:
        return debian.running(system, args.exec, options)
    return session.running(system, args.exec, options)


def _show_command(system: System, args: argparse.Namespace, wishes: Extras) -> int:
    """Print QEMU's command line; what it loads stays in build/BOARD/dry-run."""
    options = session.Options(extras=wishes)
    commands = args.exec
    if args.dom0 == DEBIAN:
        options, commands = debian.with_disk(system, options), []
    folder = OUTPUT / system.board.name / "dry-run"
    folder.mkdir(parents=True, exist_ok=True)
    command = session.prepare(system, commands, options, protocol.new_token(), folder)
    print(shlex.join([*command, *system.board.qemu.console, *qemu.QUIET]))
    return 0


def _execute(system: System, args: argparse.Namespace, wishes: Extras, found: Results) -> int:
    usual = CARD_TIMEOUT if args.source or args.dom0 == DEBIAN else TIMEOUT
    options = session.Options(
        timeout=args.timeout or usual,
        watch=_verbose if args.verbose else None,
        on_result=(lambda _result: None) if args.json else _print,
        on_note=lambda text: progress.note(f"dom0: {text}"),
        extras=wishes,
    )
    with _started(system, args, options) as target:
        found.target = target
        _boot(target)
        target.to(State.POWERED_OFF)
        if args.picture:
            picture.write(args.picture, picture.typed(sys.argv), target.collector.results)
        return next((r.status for r in target.collector.results if r.status), 0)


def _boot(target: Target) -> None:
    with progress.step("booting") as step:
        for state, text in (
            (State.HYPERVISOR, "hypervisor"),
            (State.DOM0_KERNEL, "dom0's kernel"),
            (State.DOM0, "dom0's tools"),
            (State.NETWORK, "dom0's network"),
            (State.GUESTS, "guests"),
        ):
            step.update(f"waiting for {text}")
            target.to(state)


def _interactive(system: System, args: argparse.Namespace, wishes: Extras) -> int:
    options = session.Options(
        watch=terminal.show, forbidden=(), terminal=terminal.size(), extras=wishes
    )
    progress.note("Ctrl-A x leaves; Ctrl-A three times: input to the hypervisor and back")
    with _started(system, args, options) as target:
        timeout = args.timeout or terminal.FOREVER
        stopped = terminal.attach(target.console, timeout)
        tail = target.console.tail(60)
    places = explained(tail, system.hypervisor)
    if places != tail:
        progress.note(f"--- the console's last lines\n{places}\n---")
    progress.note("the machine has stopped" if stopped else "\nleft; QEMU has been ended")
    return 0


def _print(result: Result) -> None:
    sys.stdout.buffer.write(result.out)
    sys.stdout.buffer.flush()
    sys.stderr.buffer.write(result.err)
    sys.stderr.buffer.flush()


def _verbose(data: bytes) -> None:
    sys.stderr.buffer.write(data)
    sys.stderr.buffer.flush()


def explained(text: str, hypervisor: Path) -> str:
    """Console text with file:line behind addresses of the hypervisor's code.

    The symbols are in the file beside the image whose name ends in .elf; without it, or without
    addresses, the text is returned as it is.
    """
    if "[<" not in text or not (elf := hypervisor.with_suffix(".elf")).is_file():
        return text
    symbols = Symbols(elf)
    return "\n".join(symbols.annotate(line) for line in text.splitlines())
