# SPDX-License-Identifier: Apache-2.0
"""What the tools know about a board: typed, frozen, checked when made."""

from __future__ import annotations

from dataclasses import dataclass

ARCHES = ("arm64", "riscv")
"""Names of ports, as the folders of arch/."""

MIB = 1 << 20
IMAGE_ALIGN = 2 * MIB
"""Linux and hypervisor images are loaded at a multiple of this (Image header protocol)."""


UARTS = ("pl011", "ns16550")
"""Kinds of UART that the hypervisor drives: xen/drivers/uart_<kind>.c."""

NETWORK = ("-netdev", "user,id=net0", "-device", "virtio-net-device,netdev=net0")


@dataclass(frozen=True)
class Tree:
    """The device tree of a machine for which QEMU makes none: one of those of Debian's kernel."""

    file: str
    """Below usr/lib/linux-image-*/ of the kernel's package."""
    absent: tuple[str, ...]
    """Paths of nodes whose hardware QEMU lacks: they are disabled."""
    changed: tuple[tuple[str, str, bytes | None], ...] = ()
    """Node, property and value, where QEMU differs from the board; None removes the property."""


@dataclass(frozen=True)
class Qemu:
    """How QEMU plays the board."""

    binary: str
    package: str
    """Debian's package of the binary."""
    machine: str
    """The argument of -M, without dumpdtb."""
    cpu: str
    """Empty: the machine has its own."""
    min_version: tuple[int, int]
    args: tuple[str, ...] = ()
    """Further arguments every run needs."""
    serial: int = 0
    """Which of the machine's serial ports is the console."""
    network: tuple[str, ...] = NETWORK
    """Options for a network card with QEMU's user network."""
    disk: str = "virtio-blk-device"
    """The device that is a disk: it has a drive and a serial number."""
    virtio: int = 0
    """How many virtio devices there may be; 0: none."""
    last_first: bool = False
    """Linux finds the last device of the command line first."""
    tree: Tree | None = None

    def command(self, smp: int, memory: int) -> list[str]:
        """The start of a command line: machine, CPUs, memory in MiB; no devices, no console."""
        cpu = ["-cpu", self.cpu] if self.cpu else []
        machine = ["-M", self.machine, *cpu, "-smp", str(smp), "-m", f"{memory}M"]
        return [self.binary, *machine, *self.args]

    @property
    def console(self) -> list[str]:
        """Options that put the console on standard input and output."""
        return ["-serial", "null"] * self.serial + ["-serial", "stdio"]


@dataclass(frozen=True)
class Uboot:
    """What boot scripts must know of the board's U-Boot; addresses are physical."""

    script: int
    """Where it loads a script: `scriptaddr` of its default environment."""
    start: int
    """Files may lie from here ..."""
    end: int
    """... to here: above are U-Boot itself, its stack and its heap."""
    tree: str
    """Variable with the address of the firmware's device tree."""
    taken: tuple[tuple[str, int, int], ...] = ()
    """What lies outside start to end, or within: (whose, first address, first address after)."""
    loaded: tuple[int, int] | None = None
    """(first address, first after) of itself before it moves; then booti may use it. None: ROM."""
    reach: int = 1 << 64
    """Files may be loaded below this address: U-Boot has no map of what is above."""


@dataclass(frozen=True)
class Card:
    """What the board's firmware wants to find on the first partition of a card.

    Text files are in the board's folder; the others come out of Debian's packages. Without files
    the machine has U-Boot from elsewhere.
    """

    texts: tuple[str, ...]
    """The first one is the firmware's configuration."""
    files: tuple[tuple[str, str, str], ...]
    """Package, path in it, name on the card."""
    trees: tuple[tuple[str, str], ...]
    """Device trees of Debian's kernel, and their names on the card."""
    trusted: tuple[tuple[str, str, str], ...] = ()
    """Files of the Trusted Firmware, which may start first."""
    trusted_line: str = ""
    """What tells the firmware so: a line that is a comment in its configuration."""


@dataclass(frozen=True)
class Uart:
    """A UART that takes text as the firmware left it."""

    kind: str
    """One of UARTS."""
    base: int
    """Physical address of its registers."""
    shift: int = 0
    """ns16550: the distance of registers as a power of two (reg-shift of the binding)."""
    width: int = 1
    """ns16550: bytes per access (reg-io-width of the binding)."""

    def problem(self) -> str:
        """The fact that is wrong, its value, and what to write; empty if none is."""
        if self.kind not in UARTS:
            return f"kind is {self.kind!r}: write {' or '.join(map(repr, UARTS))}"
        if not isinstance(self.base, int) or self.base <= 0 or self.base % 4:
            return f"base is {_hex(self.base)}: write the address of its registers, a multiple of 4"
        if self.kind == "pl011" and (self.shift, self.width) != (0, 1):
            return "shift or width is given: leave both away, a PL011 has neither"
        if self.shift not in range(4):
            return f"shift is {self.shift!r}: write 0 to 3, what reg-shift says"
        if self.width not in (1, 4):
            return f"width is {self.width!r}: write 1 or 4, what reg-io-width says"
        return ""


def _hex(value: object) -> str:
    return hex(value) if isinstance(value, int) else repr(value)


@dataclass(frozen=True)
class Board:
    """One board. Addresses are physical, memory sizes in MiB."""

    name: str
    arch: str
    family: str
    """The folder in boards/, also the C part of the board if it has one."""
    qemu: Qemu
    debian_arch: str
    """What Debian calls the architecture of dom0."""
    smp: int
    """CPUs unless the user says otherwise."""
    max_smp: int
    memory: int
    min_memory: int
    dom0_memory: int
    """What dom0 gets when nobody says otherwise; the rest is for guests."""
    ram_base: int
    kernel_addr: int
    """Where dom0's kernel is loaded."""
    initrd_addr: int
    """Where dom0's initramfs is loaded; the kernel may be as large as the room before it."""
    console: str
    """Path of the console's device-tree node."""
    early_uart: Uart | None = None
    """Where the hypervisor says that there is no usable device tree; None: nowhere."""
    uboot: Uboot | None = None
    card: Card | None = None
    """None: the board does not start from a card."""
    min_smp: int = 1
    max_memory: int | None = None
    """None: as much as one likes."""
    low_memory: int | None = None
    """MiB from ram_base until the first hole; None: there is none."""
    high_ram: int = 0
    """Where RAM goes on behind the hole."""
    compatible: tuple[str, ...] = ()
    """What the root of its device tree may say it is; one of these is enough."""

    def __post_init__(self) -> None:
        problem = _problem(self)
        if problem:
            raise ValueError(f"board {self.name!r}: {problem}")

    def ram_end(self, memory: int) -> int:
        """The first address after the RAM that begins at ram_base, of `memory` MiB in all."""
        return self.ram_base + min(memory, self.low_memory or memory) * MIB


def _problem(board: Board) -> str:
    """What is wrong with the facts, or an empty string."""
    smallest = range(board.ram_base, board.ram_end(board.min_memory))
    checks = {
        "the name is empty or has spaces": not board.name or " " in board.name,
        f"no such architecture {board.arch!r}": board.arch not in ARCHES,
        "smp must be between 1 and max_smp": not 1 <= board.smp <= board.max_smp,
        "memory is below min_memory": board.memory < board.min_memory,
        "dom0_memory does not fit in memory": not 0 < board.dom0_memory < board.memory,
        "kernel_addr is not 2 MiB aligned": board.kernel_addr % IMAGE_ALIGN != 0,
        "initrd_addr is not page aligned": board.initrd_addr % 4096 != 0,
        "kernel_addr is outside the smallest RAM": board.kernel_addr not in smallest,
        "initrd_addr is outside the smallest RAM": board.initrd_addr not in smallest,
        "the initrd would be loaded below the kernel": board.initrd_addr <= board.kernel_addr,
        "console is not a path": not board.console.startswith("/"),
    }
    return next((text for text, wrong in checks.items() if wrong), "") or _uart_problem(board)


def _uart_problem(board: Board) -> str:
    uart: object = board.early_uart
    if uart is None:
        return ""
    if not isinstance(uart, Uart):
        return f"early_uart is {uart!r}: write Uart(kind, base)"
    problem = uart.problem()
    return problem and f"early_uart.{problem}"
