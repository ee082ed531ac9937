# SPDX-License-Identifier: Apache-2.0
"""What guests get: the demo guest's start, disks and network, under this hypervisor and Xen's.

Seconds of a machine that QEMU plays, so only figures of one run mean something, and each is the
median of several boots, ours and Xen's in turn.
"""

from __future__ import annotations

import json
import re
import resource
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from xenolith.errors import UserError
from xenolith.lab import session, shell
from xenolith.lab.console import LabError
from xenolith.lab.report import Report
from xenolith.progress import note
from xenolith.system.model import System

TIMEOUT = 900.0
"""Seconds for a boot with all that is measured; a minute is usual."""

NET, DISK = 32, 64
"""MiB that are sent, written, read."""

MOST_RUNS = 99

SERIAL = "bench"
"""Of the machine's disk that a guest gets."""

DOM0 = "10.0.2.15"
"""The address that QEMU's network gives dom0."""

VALUE = re.compile(r"^BENCH ([\d.]+)", re.MULTILINE)

CPU = "cpu"


@dataclass(frozen=True)
class Figure:
    """One row. `mib`: what is moved in the seconds that a command tells; 0: these are the value."""

    name: str
    text: str
    unit: str
    mib: int = 0

    def value(self, said: float) -> float:
        """The figure from what the command said."""
        return self.mib / max(said, 0.01) if self.mib else said

    @property
    def more_is_better(self) -> bool:
        """Throughput; else a time."""
        return self.mib != 0


FIGURES = (
    Figure("create", "`xl create` to the guest's shell, its disk empty", "s"),
    Figure("again", "the same, its disk filled", "s"),
    Figure("file write", "guest writes a file of dom0's", "MiB/s", DISK),
    Figure("file read", "guest reads it", "MiB/s", DISK),
    Figure("phy write", "guest writes a disk of the machine", "MiB/s", DISK),
    Figure("phy read", "guest reads it", "MiB/s", DISK),
    Figure("to dom0", "TCP, guest to dom0", "MiB/s", NET),
    Figure("from dom0", "TCP, dom0 to guest", "MiB/s", NET),
    Figure("between", "TCP, guest to guest", "MiB/s", NET),
    Figure("ping", "ping, guest to dom0 and back, mean of 100", "ms"),
    Figure("ping between", "ping, guest to guest and back, mean of 100", "ms"),
    Figure(CPU, "CPU time of QEMU, the whole boot", "s"),
)

FUNCTIONS = r"""
now() { cut -d' ' -f1 /proc/uptime; }
since() { awk -v from="$1" '{ print "BENCH", $1 - from }' /proc/uptime; }
rtt() { sed -n 's,^round-trip min/avg/max = [0-9.]*/\([0-9.]*\)/.*,BENCH \1,p'; }
"""
"""For dom0's shell and the guests'."""


def _timed(command: str) -> str:
    return f"from=$(now); {command}; since $from"


def _disk(device: str, write: bool) -> str:
    there = f"until [ -b {device} ]; do sleep 0.1; done; echo 3 >/proc/sys/vm/drop_caches"
    ends = f"if=/dev/zero of={device} conv=fsync" if write else f"if={device} of=/dev/null"
    return shell.on("demo", f"{there}\n" + _timed(f"dd {ends} bs=1M count={DISK} 2>/dev/null"))


def _fetch(address: str) -> str:
    return _timed(f"wget -q -O /dev/null http://{address}:5000/x")


def _typed(guest: str, command: str) -> str:
    """Types a command in which dom0's shell sets what it knows."""
    return f"on {guest} <<TYPED\n{command.replace('$', chr(92) + '$').replace('@', '$')}\nTYPED\n"


def _start(name: str, create: str) -> str:
    shows = "until ip -4 addr show eth0 | grep -q 'inet '; do sleep 0.1; done; ip -4 addr show eth0"
    serves = f"dd if=/dev/zero of=/run/x bs=1M count={NET} 2>/dev/null; httpd -p 5000 -h /run"
    create = f"{create} >/dev/null && open {name}"
    return _timed(create) + "\n" + shell.on(name, f"{FUNCTIONS.strip()}\n{shows}\n{serves}")


def commands() -> dict[str, str]:
    """What is done in dom0, by the names of figures and of what has none."""
    two = "xl create /etc/xen/demo.cfg 'name=\"two\"' 'disk=[\"/run/two,raw,xvda,w\"]'"
    disk = f"/dev/xenolith/{SERIAL}"
    gone = "wait_for '! xl list demo >/dev/null 2>&1'; rm /run/demo.in"
    attach = f"truncate -s {DISK}M /run/b; xl block-attach demo format=raw,vdev=xvdb,access=rw,"
    done = {
        "create": _start("demo", "xl create /etc/xen/demo.cfg"),
        "end": f"echo poweroff >/run/demo.in; {gone}",
        "again": _start("demo", "xl create /etc/xen/demo.cfg"),
        "file write": f"{attach}target=/run/b; {_disk('/dev/xvdb', True)}",
        "file read": _disk("/dev/xvdb", False),
        "phy write": f"xl block-attach demo phy:{disk},xvdc,w; {_disk('/dev/xvdc', True)}",
        "phy read": _disk("/dev/xvdc", False),
        "to dom0": _fetch("$(address demo)"),
        "from dom0": f"dd if=/dev/zero of=/run/x bs=1M count={NET} 2>/dev/null; "
        "httpd -p 5000 -h /run; " + shell.on("demo", _fetch(DOM0)),
        "second": "rm /run/b /run/x; cp --sparse=always /var/lib/xen/demo.img /run/two 2>/dev/null "
        "|| truncate -s 64M /run/two; " + _start("two", two),
        "between": "peer=$(address demo); " + _typed("two", _fetch("@peer")),
        "ping": shell.on("demo", f"ping -q -c 100 -i 0.01 {DOM0} | rtt"),
        "ping between": "peer=$(address demo); "
        + _typed("two", "ping -q -c 100 -i 0.01 @peer | rtt"),
    }
    done = {name: f". /run/lib\n{text}" for name, text in done.items()}
    return {"library": shell.library(FUNCTIONS), **done}


def measured(report: Mapping[str, str]) -> dict[str, float]:
    """The figures of a boot from what its commands said. Raises UserError."""
    values = {}
    for figure in FIGURES:
        if figure.name == CPU:
            continue
        found = VALUE.search(report[figure.name])
        if not found:
            raise UserError(f"{figure.name}: nothing measured:\n{report[figure.name]}")
        values[figure.name] = figure.value(float(found[1]))
    return values


def boot(system: System, name: str) -> dict[str, float]:
    """Boots, measures, powers off; figures by name. Raises LabError, UserError."""
    wanted = commands()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory(prefix="xenolith-") as folder:
        disk = Path(folder) / "disk"
        with disk.open("wb") as file:
            file.truncate(DISK << 20)
        extra = [
            *system.board.qemu.network,
            *("-drive", f"if=none,id=bench,format=raw,cache=unsafe,file={disk}"),
            *("-device", f"virtio-blk-device,drive=bench,serial={SERIAL}"),
        ]
        options = session.Options(name=name, timeout=TIMEOUT, extra=extra)
        results = session.execute(system, list(wanted.values()), options)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = Report(dict(zip(wanted, results, strict=True)), "")
    texts = {figure.name: report[figure.name] for figure in FIGURES if figure.name != CPU}
    spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return {**measured(texts), CPU: spent}


@dataclass(frozen=True)
class Row:
    """A figure's values under both hypervisors; `xen` is empty where there is none."""

    figure: Figure
    ours: tuple[float, ...]
    xen: tuple[float, ...]

    @property
    def ratio(self) -> float | None:
        """How much better ours is: above 1 it moves more, or takes less time."""
        if not self.xen:
            return None
        ratio = median(self.ours) / max(median(self.xen), 1e-9)
        return ratio if self.figure.more_is_better else 1 / max(ratio, 1e-9)

    def fields(self) -> dict[str, object]:
        """For programs."""
        return {
            "name": self.figure.name,
            "operation": self.figure.text,
            "unit": self.figure.unit,
            "ours": median(self.ours),
            "xen": median(self.xen) if self.xen else None,
            "ratio": self.ratio,
            "runs": {"ours": self.ours, "xen": self.xen},
        }

    def cells(self) -> list[str]:
        """For people."""
        ratio = "-" if self.ratio is None else f"{self.ratio:.2f}"
        return [
            *(self.figure.name, self.figure.text, self.figure.unit),
            *(_shown(self.ours), _shown(self.xen), ratio),
        ]


def _shown(values: Sequence[float]) -> str:
    """The median, and between which values it lies."""
    if not values:
        return "-"
    around = f" ({min(values):.2f}-{max(values):.2f})" if len(values) > 1 else ""
    return f"{median(values):.2f}{around}"


def rows(system: System, xen: Path | None, runs: int, progress: Callable[[str], None]) -> list[Row]:
    """Measures `runs` boots of each, in turn. Raises LabError, UserError.

    Xen is left out from the boot on that does not come to its end: under QEMU its dom0 was seen to
    hang under the load of a guest.
    """
    ours: list[dict[str, float]] = []
    theirs: list[dict[str, float]] = []
    lost = False
    for hypervisor, kept, name in _turns(system, xen, runs, ours, theirs):
        if lost and kept is theirs:
            continue
        progress(f"{name}, boot {len(kept) + 1} of {runs}")
        try:
            kept.append(
                boot(replace(system, hypervisor=hypervisor), f"bench-guests-{name.lower()}")
            )
        except LabError as e:
            if kept is ours:
                raise
            lost = True
            note(f"real Xen is left out from here: {e.message}")
    return [
        Row(
            figure,
            tuple(values[figure.name] for values in ours),
            tuple(values[figure.name] for values in theirs),
        )
        for figure in FIGURES
    ]


Kept = list[dict[str, float]]


def _turns(
    system: System, xen: Path | None, runs: int, ours: Kept, theirs: Kept
) -> Iterator[tuple[Path, Kept, str]]:
    """Who is booted when: first one, then the other one begins, since a machine's load drifts."""
    both = [(system.hypervisor, ours, "xenolith")]
    if xen:
        both.append((xen, theirs, "Xen"))
    for run in range(runs):
        yield from both if run % 2 == 0 else reversed(both)


HEAD = ("", "what", "", "ours", "Xen", "better by")
LEFT = (0, 1, 2)


def text(found: Sequence[Row]) -> str:
    """The table: medians, with the lowest and highest value."""
    lines = [list(HEAD), *(row.cells() for row in found)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i in LEFT else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def as_json(board: str, runs: int, found: Sequence[Row]) -> str:
    """The table for programs."""
    about = {"board": board, "runs": runs}
    return json.dumps({**about, "figures": [row.fields() for row in found]}, indent=1)
