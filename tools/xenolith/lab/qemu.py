# SPDX-License-Identifier: Apache-2.0
"""QEMU as a machine: its command line, its device tree, a process with a console."""

from __future__ import annotations

import os
import re
import selectors
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xenolith.boards import Board, Tree
from xenolith.dom0 import image
from xenolith.dt import blob
from xenolith.errors import UserError
from xenolith.system.kernel import Image
from xenolith.system.placement import MIB, Region

QUIET = ("-display", "none", "-monitor", "none", "-no-reboot")
PATIENCE = 30.0
"""Seconds in which QEMU has made a machine that it does not start."""


@dataclass(frozen=True)
class Load:
    """A file that QEMU puts into memory before the machine starts."""

    file: Path
    address: int


def base_tree(board: Board, smp: int, memory: int, extra: Sequence[str] | None = None) -> bytes:
    """The device tree QEMU makes for a machine of `memory` MiB. Raises UserError.

    `extra`: devices; None is the board's network.
    """
    if board.qemu.tree:
        return _kernels_tree(board, board.qemu.tree, memory)
    extra = board.qemu.network if extra is None else extra
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dtb"
        command = board.qemu.command(smp, memory)
        at = command.index(board.qemu.machine)
        command[at] += f",dumpdtb={path}"
        done = _run([*command, "-display", "none", *extra])
        if done.returncode != 0 or not path.exists():
            raise UserError(f"QEMU makes no device tree: {_reason(done.stderr)}")
        return path.read_bytes()


def check(command: Sequence[str]) -> None:
    """Let QEMU make a machine, and leave before it starts. UserError with QEMU's own words."""
    done = _run([*command, "-display", "none", "-S", "-monitor", "stdio"], b"quit\n")
    if done.returncode != 0:
        raise UserError(f"QEMU refuses this machine: {_reason(done.stderr)}", 2)


def _kernels_tree(board: Board, source: Tree, memory: int) -> bytes:
    """A tree of Debian's kernel, adapted to what QEMU has. Raises UserError."""
    tree = blob.parse(image.device_tree(board.debian_arch, source.file))
    for path in source.absent:
        if tree.exist_node(path):
            blob.set_strings(tree.get_node(path), "status", "disabled")
    for path, name, value in source.changed:
        if value is not None:
            blob.set_bytes(tree.get_node(path, create=True), name, value)
        elif tree.exist_property(name, path):
            tree.get_node(path).remove_property(name)
    if board.low_memory is not None and memory > board.low_memory:
        # QEMU replaces what is called memory, and forgets what is not the first bank.
        node = tree.get_node(f"/ram@{board.high_ram:x}", create=True)
        blob.set_strings(node, "device_type", "memory")
        size = board.ram_base + memory * MIB - board.high_ram
        blob.set_bytes(node, "reg", _cells(tree, board.high_ram, size))
    return blob.serialize(tree)


def _cells(tree: Any, address: int, size: int) -> bytes:
    """A `reg` in the cells of the root."""
    widths = [blob.get_bytes(tree.root, f"#{kind}-cells") for kind in ("address", "size")]
    values = zip((address, size), widths, strict=True)
    return b"".join(v.to_bytes(4 * int.from_bytes(w or b"\1", "big"), "big") for v, w in values)


def taken(board: Board, memory: int, hypervisor: Image, dtb_size: int) -> list[Region]:
    """Where QEMU's loader puts the hypervisor and its device tree, and what firmware occupies."""
    find = {"arm64": _taken_arm64, "riscv": _taken_riscv}[board.arch]
    return find(board, memory, hypervisor, dtb_size)


def _taken_arm64(board: Board, memory: int, hypervisor: Image, dtb_size: int) -> list[Region]:
    """As hw/arm/boot.c of QEMU 10 does it."""
    offset = hypervisor.text_offset
    # The first page holds QEMU's own start-up code.
    start = board.ram_base + (offset + 2 * MIB if offset < 4096 else offset)
    tree = board.ram_base + min((board.ram_end(memory) - board.ram_base) // 2, 128 * MIB)
    return [
        Region("the hypervisor", start, hypervisor.memory_size),
        Region("the device tree", tree, max(dtb_size, 2 * MIB)),
    ]


def _taken_riscv(board: Board, memory: int, hypervisor: Image, dtb_size: int) -> list[Region]:
    """As hw/riscv/boot.c of QEMU 10 does it; OpenSBI may make the tree longer where it lies."""
    end = board.ram_end(memory)
    tree = (end - dtb_size) // (2 * MIB) * 2 * MIB
    return [
        Region("the firmware", board.ram_base, 2 * MIB),
        Region("the hypervisor", board.ram_base + 2 * MIB, hypervisor.memory_size),
        Region("the device tree", tree, end - tree),
    ]


def loaders(loads: Sequence[Load]) -> list[str]:
    """Options that put files into memory."""
    args = []
    for load in loads:
        # A comma in an option's value is written twice.
        name = str(load.file).replace(",", ",,")
        args += ["-device", f"loader,file={name},addr={load.address:#x},force-raw=on"]
    return args


def direct_boot(hypervisor: Path, dtb: Path, loads: Sequence[Load]) -> list[str]:
    """Options that start the hypervisor without a boot loader."""
    return ["-kernel", str(hypervisor), "-dtb", str(dtb), *loaders(loads)]


class Machine:
    """A running QEMU; its console is this object (a console's Link).

    A context manager: QEMU is gone when the block ends, also if this program is killed.
    """

    def __init__(
        self, command: Sequence[str], console: Sequence[str] = ("-serial", "stdio")
    ) -> None:
        """`console`: options that make standard input and output the console's port."""
        self.command = [*command, *console]
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop
        try:
            self.process = subprocess.Popen(
                [*_die_with_parent(), *self.command, *QUIET],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                start_new_session=True,
            )
        except OSError as e:
            raise _cannot_start(command[0], e) from e
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.input = self.process.stdin.fileno()
        self.output = self.process.stdout.fileno()
        os.set_blocking(self.output, False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self.output, selectors.EVENT_READ)

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def receive(self, timeout: float) -> bytes:
        """Console output; EOFError with QEMU's own words once it has ended."""
        if not self._selector.select(timeout):
            return b""
        data = os.read(self.output, 65536)
        if data:
            return data
        raise EOFError(self.ended())

    def fileno(self) -> int:
        """The descriptor of the console's output."""
        return self.output

    def send(self, data: bytes) -> None:
        """Console input."""
        with suppress(BrokenPipeError):
            while data:
                data = data[os.write(self.input, data) :]

    def ended(self) -> str:
        """How QEMU ended: empty if it was in order, else its last words."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        if self.process.returncode == 0:
            return ""
        self._errors.seek(0)
        said = _last_line(self._errors.read().decode(errors="replace"))
        return f"QEMU: {said or f'exit status {self.process.returncode}'}"

    def stop(self) -> None:
        """End QEMU, by its process id, and forget it."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._selector.close()
        for pipe in (self.process.stdin, self.process.stdout, self._errors):
            if pipe:
                with suppress(BrokenPipeError):
                    pipe.close()


def _run(command: list[str], keys: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            command, input=keys, capture_output=True, check=False, timeout=PATIENCE
        )
    except OSError as e:
        raise _cannot_start(command[0], e) from e
    except subprocess.TimeoutExpired as e:
        why = "is something in --qemu-args without `wait=off`?"
        raise UserError(f"QEMU has made no machine in {PATIENCE:.0f} s; {why}") from e


def _reason(said: bytes) -> str:
    """QEMU's last line, without its own name."""
    line = _last_line(said.decode(errors="replace"))
    return re.sub(r"^qemu-system-\w+: ", "", line) or "it does not say why"


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""


def _cannot_start(program: str, error: OSError) -> UserError:
    return UserError(f"cannot start {program}: {error.strerror}; see ./xenolith doctor")


def _die_with_parent() -> list[str]:
    """A prefix for a command that shall not outlive this program, however that ends."""
    return ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
