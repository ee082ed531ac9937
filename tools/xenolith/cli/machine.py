# SPDX-License-Identifier: Apache-2.0
"""Options that say what shall run, shared by verbs that start a machine; and what they mean."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from xenolith.boards import Board, find
from xenolith.boards.registry import DEFAULT
from xenolith.build import host, make
from xenolith.build.needs import BUILD, DOM0, RUN
from xenolith.cli import described
from xenolith.dom0 import image, kernels
from xenolith.dom0.image import Dom0
from xenolith.errors import UserError
from xenolith.lab import arguments
from xenolith.progress import note
from xenolith.system.model import System, parse_memory

DEBIAN = "debian"
"""The value of --kernel that means Debian's own; with a colon behind it, another one of theirs."""
XEN = "xen"
"""The value of --hypervisor that means Debian's own."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options for the parts of a system."""
    add = parser.add_argument_group("the machine").add_argument
    add("--board", default=DEFAULT, help=f"board to run (default {DEFAULT})")
    add("--smp", type=int, metavar="N", help="CPUs of the machine")
    add("--memory", metavar="M", help="RAM of the machine: MiB, or with a unit as in 4G")
    add("--cpu", metavar="MODEL", help="QEMU's CPU model, as in `max`, instead of the board's")
    add(
        "--qemu-args",
        default="",
        metavar="ARGS",
        help="further options of QEMU, as in --qemu-args='-s'",
    )
    add(
        "--passthrough",
        action="append",
        default=[],
        metavar="PATH",
        help="leave a device to guests: PATH of its node in the machine's device tree; dom0 has in "
        "/etc/xen/devices what an xl.cfg says of it; repeatable",
    )
    add = parser.add_argument_group("what runs on it").add_argument
    add("--hypervisor", metavar="FILE", help="hypervisor instead of this one; `xen`: Debian's Xen")
    add("--xen-args", default="", metavar="ARGS", help="added to the hypervisor's command line")
    add(
        "--kernel",
        metavar="FILE",
        help="dom0 kernel instead of the usual one; `debian`: Debian's; `debian:SUITE[:FLAVOUR]`: "
        "another one of theirs, as in debian:bookworm or debian:trixie:rt",
    )
    add("--initrd", type=Path, metavar="FILE", help="initramfs instead of the one made for it")
    add("--dom0-args", default="", metavar="ARGS", help="added to the kernel's command line")
    add("--config", type=Path, metavar="FILE", help="system.toml, or a config of ImageBuilder")
    add("--files", type=Path, metavar="DIR", help="where its files are (default: beside it)")


def chosen_board(args: argparse.Namespace) -> Board:
    """The board, with the CPU that the user wants. Raises UserError."""
    board = find(args.board)
    return arguments.with_cpu(board, args.cpu) if args.cpu else board


def plan(board: Board, args: argparse.Namespace) -> System:
    """The system without its files: all that can be refused before anything is built.

    Raises UserError.
    """
    if _is_named(args.kernel):
        kernels.parse(args.kernel)
    for option, word in (("kernel", DEBIAN), ("initrd", None), ("hypervisor", XEN)):
        path = vars(args)[option]
        if option == "kernel" and _is_named(path):
            continue
        if path and str(path) != word and not Path(path).is_file():
            raise UserError(f"--{option} {path} does not exist or is no file", 2)
    try:
        memory = parse_memory(args.memory) if args.memory is not None else board.memory
    except UserError as e:
        raise UserError(f"--memory: {e.message}", 2) from e
    smp = args.smp if args.smp is not None else board.smp
    spared = tuple(args.passthrough)
    if args.config or args.files:
        return replace(_described(board, args, smp, memory), passthrough=spared)
    none = Path()
    system = System(board, none, none, none, smp, memory, args.xen_args, args.dom0_args)
    system.check_dom0_memory()
    return replace(system, passthrough=spared)


def _is_named(kernel: object) -> bool:
    return str(kernel).startswith(kernels.PREFIX)


def _described(board: Board, args: argparse.Namespace, smp: int, memory: int) -> System:
    """The system of a --config. Raises UserError."""
    if not args.config:
        raise UserError("--files is where the files of a --config are; name that, too", 2)
    for name in ("kernel", "initrd"):
        if vars(args)[name]:
            raise UserError(f"--{name}: {args.config} says it; change it there", 2)
    spec, files = described.load(board, args.config, args.files)
    if args.hypervisor == XEN:
        raise UserError(f"--hypervisor xen: name a file, or Xen's in {args.config}", 2)
    if args.hypervisor:
        files[spec.hypervisor] = Path(args.hypervisor)
    system, notes = described.system(board, spec, files, smp=smp, memory=memory)
    for text in notes:
        note(text)
    system = replace(system, xen_args=args.xen_args, dom0_args=args.dom0_args)
    system.check_dom0_memory()
    return system


def make_system(system: System, args: argparse.Namespace) -> tuple[System, Dom0 | None]:
    """A planned system with its files, installed, built or fetched; its dom0 unless the user's.

    Raises UserError.
    """
    board = system.board
    if system.lines:
        host.ensure(board, RUN)
        return system, None
    own_kernel = args.kernel not in (None, DEBIAN) and not _is_named(args.kernel)
    all_given = own_kernel and args.initrd is not None
    hypervisor = _hypervisor(board, args.hypervisor, () if all_given else (DOM0,))
    dom0 = None
    if not all_given:
        kind: image.Kernel = "given" if own_kernel else "usual"
        if not own_kernel and args.kernel:
            kind = kernels.parse(args.kernel) if _is_named(args.kernel) else "debian"
        dom0 = image.build(board.debian_arch, kernel=kind)
    kernel = Path(args.kernel) if own_kernel else (dom0.kernel if dom0 else Path())
    initrd = args.initrd or (dom0.initrd if dom0 else Path())
    made = replace(system, hypervisor=hypervisor, kernel=kernel, initrd=initrd)
    return made, None if own_kernel else dom0


def _hypervisor(board: Board, chosen: str | None, purposes: tuple[str, ...]) -> Path:
    if chosen is None:
        host.ensure(board, BUILD, RUN, *purposes)
        return make.build(board, host.ensure_toolchain(board)).image
    host.ensure(board, RUN, *purposes)
    return image.xen(board.debian_arch) if chosen == XEN else Path(chosen)
