# SPDX-License-Identifier: Apache-2.0
"""Installs packages for another architecture: in a machine of QEMU, into a disk that is a file.

Maintainer scripts are programs of that architecture. Here they run where they cannot harm and need
nobody's rights: no chroot, no user namespace, no binary format registered with the kernel, which an
ordinary user or a container may lack; QEMU is needed anyway. The alternative, to leave them to the
card's first boot, would show what goes wrong to somebody without a keyboard.
"""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from xenolith import progress
from xenolith.boards import find
from xenolith.card import ext4, kernel, tree
from xenolith.card.packages import Package
from xenolith.card.recipe import FOLDER, Recipe
from xenolith.card.tree import Tree
from xenolith.dom0 import cache, cpio
from xenolith.errors import UserError
from xenolith.lab import qemu

MACHINES = {"arm64": ("qemu-virt-arm64", "ttyAMA0"), "riscv64": ("qemu-virt-riscv64", "ttyS0")}
"""By Debian's architecture: the board whose machine is used, and its serial port."""
LAYOUT = "2"
"""Changes when this code makes something else of the same inputs."""
MEMORY = 1024
"""MiB."""
TIMEOUT = 3600
"""Seconds."""
DISK_SLACK = 4
"""The disk is so many times as large as the packages, which are compressed."""
UUID = "a0c7f3de-52c1-4b0c-9a0f-7b1e6f0d9c11"


def root(packages: Sequence[Package], rules: Recipe, linux: kernel.Kernel) -> Path:
    """The archive (.tar.gz) of a root with `packages` installed, in the cache. Raises UserError."""
    scripts = [(FOLDER / name).read_bytes() for name in ("stage.sh", "stage-init.sh")]
    names = [package.deb.name for package in packages]
    key = cache.digest(LAYOUT, *names, *rules.first, *scripts, str(linux.seconds))
    store = cache.cache_dir("card")
    archive = store / f"root-{linux.arch}-{key}.tar.gz"
    if archive.exists():
        return archive
    with cache.locked(store):
        if not archive.exists():
            _make(archive, packages, rules, linux)
    return archive


def read(archive: Path, spool: Path, latest: int) -> Tree:
    """The root in such an archive; contents go to `spool`. Times after `latest` become it."""
    with (
        progress.step("reading the root file system"),
        gzip.open(archive) as packed,
        tarfile.open(fileobj=packed, mode="r|") as tar,
    ):
        return {item.path: item for item in tree.read_tar(tar, spool, latest=latest)}


def _make(archive: Path, packages: Sequence[Package], rules: Recipe, linux: kernel.Kernel) -> None:
    total = sum(p.deb.stat().st_size for p in packages)
    size = (total * (DISK_SLACK + 1) + (512 << 20)) >> 20 << 20
    cache.require_space(archive.parent, 2 * size)
    with tempfile.TemporaryDirectory(prefix="stage-", dir=archive.parent) as folder:
        place = Path(folder)
        with progress.step("unpacking the essential packages"):
            _disk(place, packages, rules, linux, size)
        with (place / "out").open("wb") as f:
            f.truncate(2 * size)
        with progress.step(f"installing {len(packages)} packages in QEMU") as step:
            _run(_command(place, linux), len(packages), step, place.parent / "stage.log")
        with progress.step("packing the root file system"):
            _pack(place / "out", archive)


def _disk(
    place: Path, packages: Sequence[Package], rules: Recipe, linux: kernel.Kernel, size: int
) -> None:
    """The machine's root disk and its initial file system."""
    spool = place / "spool"
    spool.mkdir()
    found: Tree = {"": tree.directory("")}
    for package in packages:
        if package.essential:
            unpack(package.deb, found, spool)
    for name in ("dev", "proc", "run", "sys", "tmp"):
        found.setdefault(name, tree.directory(name))
    order = [p for p in packages if p.name not in rules.first]
    first = [p for p in packages if p.name in rules.first]
    items = [
        tree.file("stage/run", (FOLDER / "stage.sh").read_bytes(), 0o755),
        tree.file("stage/busybox", linux.busybox.read_bytes(), 0o755),
        tree.file("stage/seconds", f"{linux.seconds}\n"),
        tree.file("stage/first", " ".join(p.deb.name for p in first) + "\n"),
        tree.file("stage/order", " ".join(p.deb.name for p in order) + "\n"),
    ]
    tree.put(found, items, linux.seconds)
    tree.put(found, [tree.directory("stage/debs")], linux.seconds)
    for package in packages:
        path = f"stage/debs/{package.deb.name}"
        found[path] = tree.Item(path, 0o100644, mtime=linux.seconds, data=package.deb)
    form = ext4.Format("stage", UUID, linux.seconds)
    ext4.write(found, place / "root", size, form, spool)
    entries = [
        cpio.file("init", (FOLDER / "stage-init.sh").read_bytes(), 0o755),
        cpio.file("bin/busybox", linux.busybox.read_bytes(), 0o755),
        cpio.character_device("dev/console", 5, 1),
        *linux.modules(),
    ]
    (place / "initrd").write_bytes(cpio.compress(cpio.pack(entries)))


def unpack(deb: Path, into: Tree, spool: Path) -> None:
    """Add what a package holds. Raises UserError if it is damaged."""
    command = ["dpkg-deb", "--fsys-tarfile", str(deb)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
                for item in tree.read_tar(tar, spool):
                    into.setdefault(item.path, item)
            process.stdout.read()
        except (tarfile.TarError, EOFError) as e:
            raise UserError(f"{deb.name} is damaged; delete {deb}") from e
    if process.returncode != 0:
        raise UserError(f"{deb.name} is damaged; delete {deb}")


def _command(place: Path, linux: kernel.Kernel) -> list[str]:
    """QEMU with its serial port on standard output."""
    name, port = MACHINES[linux.arch]
    board = find(name)
    command = [board.qemu.binary, "-M", "virt", "-cpu", board.qemu.cpu, "-smp", "2"]
    command += ["-m", f"{MEMORY}M", "-nodefaults", *qemu.QUIET, "-serial", "stdio"]
    command += ["-kernel", str(linux.image), "-initrd", str(place / "initrd")]
    date = datetime.fromtimestamp(linux.seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    command += ["-rtc", f"base={date}"]
    command += ["-append", f"console={port} quiet panic=-1 kpti=0 mitigations=off audit=0"]
    for name in ("root", "out"):
        path = str(place / name).replace(",", ",,")
        command += ["-drive", f"if=none,id={name},format=raw,cache=unsafe,file={path}"]
        command += ["-device", f"virtio-blk-device,drive={name},serial={name}"]
    return command


def _run(command: list[str], packages: int, step: progress.Step, log: Path) -> None:
    """Run the machine to its end. Raises UserError with what went wrong."""
    said: list[str] = []
    seen: set[str] = set()
    with qemu.Machine(command, ()) as machine, log.open("w") as out:
        for line in _lines(machine):
            out.write(f"{line}\n")
            event = re.match(r"status: (\S+): (unpacked|installed)$", line)
            if event:
                seen.add(line)
                step.part(len(seen), 2 * packages, event[1])
            elif line.startswith("stage: "):
                said.append(line.removeprefix("stage: "))
        ended = machine.ended()
    if said != ["done"]:
        why = said[0] if said else ended or "the machine stopped"
        raise UserError(f"the packages could not be installed: {why}; what was said: {log}")


def _lines(machine: qemu.Machine) -> Iterator[str]:
    """What the machine prints until it ends."""
    rest = b""
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        try:
            rest += machine.receive(10)
        except EOFError:
            return
        *lines, rest = rest.split(b"\n")
        for line in lines:
            yield line.decode(errors="replace").strip()
    yield f"stage: failed: not done after {TIMEOUT // 60} minutes"


def _pack(out: Path, archive: Path) -> None:
    """What the machine wrote to its second disk, as long as it is an archive."""
    part = archive.with_name(f".{archive.name}.{os.getpid()}")
    try:
        with out.open("rb") as raw, tarfile.open(fileobj=raw, mode="r:") as tar:
            for _ in tar:
                pass
            end = tar.offset
            raw.seek(0)
            with part.open("wb") as f, gzip.GzipFile("", "wb", 1, f, mtime=0) as packed:
                while end > 0 and (chunk := raw.read(min(end, cache.CHUNK))):
                    packed.write(chunk)
                    end -= len(chunk)
                packed.write(bytes(1024))
        part.replace(archive)
    except (OSError, tarfile.TarError) as e:
        raise UserError(f"cannot write {archive}: {e}") from e
    finally:
        part.unlink(missing_ok=True)
