# SPDX-License-Identifier: Apache-2.0
"""Parses the command line, calls one verb, turns its errors into one line and an exit code."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from xenolith.errors import UserError, explain

VERBS = {
    "run": "boot the hypervisor with Debian as dom0 under QEMU; a dom0 shell, or --exec commands",
    "debug": "boot halted, for a debugger to attach",
    "gdb": "attach a debugger, with symbols, to what `debug` has started",
    "build": "compile the hypervisor for a board",
    "test": "run the tests",
    "bench": "what operations cost, or guests get, beside real Xen",
    "compare": "what real xl says here, beside what it says on real Xen",
    "torture": "hostile guests against the hypervisor, beside real Xen",
    "prove": "bounded proofs of the core's code with CBMC",
    "image": "a card image: firmware, U-Boot, hypervisor and a Debian dom0 with xl",
    "uboot": "boot scripts and the files they load, for a card, a USB stick or TFTP",
    "package": "the hypervisor as a Debian package, for a Debian that runs already",
    "guest": "disk images for guests: a Debian, or the program of an OCI image",
    "doctor": "what this machine has, what is missing, how to get it",
}
"""Verb to the line that `--help` shows; the code is `xenolith.cli.<verb>`."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are one line."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message} (see: {self.prog} --help)", 2)


def _overview() -> Parser:
    """The parser for everything but a verb's own arguments."""
    width = max(map(len, VERBS))
    lines = "\n".join(f"  {verb:{width}}  {text}" for verb, text in VERBS.items())
    parser = Parser(
        prog="./xenolith",
        usage="./xenolith VERB [options]",
        description="Builds, boots and tests the Xenolith hypervisor.",
        epilog=f"verbs:\n{lines}\n\n./xenolith VERB --help explains one.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("verb", metavar="VERB")
    return parser


def parse(argv: list[str]) -> tuple[ModuleType, argparse.Namespace]:
    """The verb's module and its arguments. Raises UserError."""
    verb = _overview().parse_args(argv[:1]).verb
    if verb not in VERBS:
        raise UserError(f"no verb {verb!r}; there are: {', '.join(VERBS)}", 2)
    module = importlib.import_module(f"xenolith.cli.{verb}")
    parser = Parser(prog=f"./xenolith {verb}", description=f"{VERBS[verb]}.")
    module.add_arguments(parser)
    return module, parser.parse_args(argv[1:])


def dispatch(argv: list[str]) -> int:
    """Runs the verb that `argv` names; raises UserError."""
    if not argv:
        _overview().print_help(sys.stderr)
        return 2
    module, args = parse(argv)
    code = module.run(args)
    if not isinstance(code, int):
        raise TypeError(f"verb {argv[0]} returned {code!r}")
    return code


def _bug(error: Exception) -> str:
    """One line for an error that nobody has thought of: what, and the place nearest to it."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    said = " ".join(str(error).split())
    return (
        f"{type(error).__name__}: {said}{where}; this is a bug of xenolith: "
        "XENOLITH_TRACEBACK=1 shows more for a report"
    )


def main(argv: list[str]) -> int:
    """The exit code of the command: 0 done, 1 a check or step failed, 2 wrong use."""
    try:
        return dispatch(argv)
    except UserError as error:
        print(f"xenolith: {error.message}", file=sys.stderr)
        return error.code
    except BrokenPipeError:
        # The reader of our output has gone; keep Python from complaining when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if os.environ.get("XENOLITH_TRACEBACK"):
            raise
        print(f"xenolith: {explain(error)}", file=sys.stderr)
        return 1
    except Exception as error:
        if os.environ.get("XENOLITH_TRACEBACK"):
            raise
        print(f"xenolith: {_bug(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("xenolith: interrupted", file=sys.stderr)
        return 128 + signal.SIGINT
