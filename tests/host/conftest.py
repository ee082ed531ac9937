# SPDX-License-Identifier: Apache-2.0
"""The core as a shared library for the host, sanitizers on: compiled here, used by tests/host/core.

Only the compiler runs here. The tests proper run in a process of their own, because
AddressSanitizer must be there before the interpreter (`test_core.py`).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

BASE = ("xen/lib/*.c", "xen/dt/*.c", "xen/base/opt.c", "xen/boot/cmdline*.c", "xen/boot/modules*.c")

SOURCES = {
    "base": BASE,
    "core": ("xen/*/*.c",),
}
"""What a library tests: what needs no port (library, device trees, boot parsing), or all."""

HARNESS = {
    "base": ("tests/host/arch/*.c", "tests/host/fuzz/base/*.c"),
    "core": ("tests/host/arch/port/*.c", "tests/host/fuzz/core/*.c"),
}
"""What stands in for a port there."""

COVERAGE = "XENOLITH_COVERAGE" in os.environ
"""`xenolith test --coverage`: count lines and branches, without sanitizers."""

OPTIMIZE = "-O0 --coverage -fprofile-update=atomic" if COVERAGE else "-O1"

CODE = (
    f"-std=gnu11 {OPTIMIZE} -g -ffreestanding -fno-strict-aliasing -fno-delete-null-pointer-checks "
    "-fno-omit-frame-pointer -Wall -Wextra -Werror -DXEN_DEBUG=1 "
    "-include tests/host/arch/names.h -Ixen/include -Itests/host/arch/include "
    "-Itests/host/arch -Itests/host/fuzz"
).split()

COUNTED = ["--coverage", "-Wl,-u,__gcov_dump"]
"""Linker's flags; the port calls that function (memory.c)."""

SANITIZERS = {
    "address": "-fsanitize=address,undefined -fno-sanitize-recover=all".split(),
    # It cannot follow coroutines.
    "undefined": "-fsanitize=undefined -fno-sanitize-recover=all".split(),
    # It does not know fences, which is no loss: on this machine they order nothing more.
    "thread": "-fsanitize=thread -Wno-tsan -Wno-maybe-uninitialized".split(),
    # For long runs: assertions and invariants are there.
    "none": "-O2 -Wno-maybe-uninitialized".split(),
}
if COVERAGE:
    SANITIZERS = dict.fromkeys(SANITIZERS, COUNTED)
SANITIZE = SANITIZERS["address"]

WRAPPED = ("-Wl,--wrap=uart_init_irq",)
"""Linker's flags wherever the whole core is: the port types."""

HINT = "apt-get install gcc clang libclang-rt-14-dev (or the libclang-rt-*-dev of your clang)"


@dataclass(frozen=True)
class HostLibrary:
    """A shared library, and what must be preloaded into the process that uses it."""

    path: Path
    preload: Path


def wrapping(library: str) -> tuple[str, ...]:
    """WRAPPED, for the library that has those functions."""
    return WRAPPED if library == "core" else ()


def find_compiler(name: str) -> str:
    """The compiler's path; fails the test with the remedy when there is none."""
    path = shutil.which(name)
    if path is None:
        pytest.fail(f"{name} is needed to test on the host: {HINT}", pytrace=False)
    return path


def run_compiler(command: list[str], root: Path) -> None:
    """Run in the checkout; a failing compiler is a failing test with its messages."""
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(f"{' '.join(command)}\n{done.stderr}", pytrace=False)


def headers_digest(root: Path) -> bytes:
    """A digest of all headers: an object is as good as its source and these."""
    digest = hashlib.sha256()
    for folder in ("xen/include", "tests/host"):
        for header in sorted((root / folder).rglob("*.h")):
            digest.update(str(header.relative_to(root)).encode() + b"\0" + header.read_bytes())
    return digest.digest()


@dataclass(frozen=True)
class HostCompiler:
    """Compiles sources of the checkout into build/host, each version of each file once."""

    root: Path
    headers: bytes

    @property
    def out(self) -> Path:
        """Where objects and programs go."""
        return self.root / "build" / ("coverage/objects" if COVERAGE else "host")

    def compile(self, source: Path, compiler: str, flags: list[str]) -> Path:
        """One object."""
        digest = hashlib.sha256(self.headers + source.read_bytes())
        digest.update("\0".join([compiler, *flags, str(source)]).encode())
        output = self.out / f"{source.stem}-{digest.hexdigest()[:20]}.o"
        if not output.exists():
            part = output.with_suffix(f".{os.getpid()}.part")
            name = str(source.relative_to(self.root))
            run_compiler([compiler, *flags, "-c", name, "-o", str(part)], self.root)
            part.replace(output)
        return output

    def compile_all(self, patterns: tuple[str, ...], compiler: str, flags: list[str]) -> list[Path]:
        """Objects of all sources that match, two at a time."""
        self.out.mkdir(parents=True, exist_ok=True)
        sources = [path for pattern in patterns for path in sorted(self.root.glob(pattern))]
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda source: self.compile(source, compiler, flags), sources))

    def link(self, name: str, objects: list[Path], compiler: str, flags: list[str]) -> Path:
        """A library or program called after its content."""
        key = hashlib.sha256("\0".join([compiler, *flags, *map(str, objects)]).encode())
        output = self.out / f"{name}-{key.hexdigest()[:20]}"
        if not output.exists():
            part = output.with_suffix(f".{os.getpid()}.part")
            run_compiler([compiler, *flags, *map(str, objects), "-o", str(part)], self.root)
            part.replace(output)
        return output


@pytest.fixture(scope="session")
def host_compiler(root: Path) -> HostCompiler:
    """Compiles for the host."""
    return HostCompiler(root, headers_digest(root))


@pytest.fixture(scope="session")
def host_flags() -> list[str]:
    """How the core is compiled for the host, without sanitizers."""
    return CODE


@pytest.fixture(scope="session")
def host_program(host_compiler: HostCompiler) -> Callable[..., Path]:
    """Makes a program of its sources, the core and the third port: name, sources, sanitizer.

    `wrap` names functions that the program stands in front of: __wrap_NAME, __real_NAME.
    """

    def make(
        name: str, sources: tuple[str, ...], sanitizer: str = "address", wrap: tuple[str, ...] = ()
    ) -> Path:
        gcc, sanitize = find_compiler("gcc"), SANITIZERS[sanitizer]
        everything = (*SOURCES["core"], *HARNESS["core"], *sources)
        objects = host_compiler.compile_all(everything, gcc, [*CODE, *sanitize, "-fPIC"])
        flags = [*sanitize, "-pthread", *WRAPPED, *(f"-Wl,--wrap={function}" for function in wrap)]
        return host_compiler.link(f"{name}-{sanitizer}", objects, gcc, flags)

    return make


@pytest.fixture(scope="session")
def host_library(host_compiler: HostCompiler) -> Callable[[str], HostLibrary]:
    """Makes a sanitized shared library, "base" or "core"; once."""
    made: dict[str, HostLibrary] = {}

    def make(name: str) -> HostLibrary:
        if name not in made:
            gcc = find_compiler("gcc")
            sources = (*SOURCES[name], *HARNESS[name])
            objects = host_compiler.compile_all(sources, gcc, [*CODE, *SANITIZE, "-fPIC"])
            flags = ["-shared", "-Wl,-z,defs", *SANITIZE, *wrapping(name)]
            path = host_compiler.link(f"lib{name}.so", objects, gcc, flags)
            where = subprocess.run(
                [gcc, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
            )
            made[name] = HostLibrary(path, Path(where.stdout.strip()).resolve())
        return made[name]

    return make


@pytest.fixture(scope="session")
def host_fuzzer(host_compiler: HostCompiler) -> Callable[[str, str, tuple[str, ...]], Path]:
    """Makes a libFuzzer program of a function in tests/host/fuzz: name, library, more sources."""

    def replay(name: str, library: str, more: tuple[str, ...]) -> Path:
        sources = (*SOURCES[library], *more, *HARNESS[library], "tests/host/fuzz/entry.c")
        flags = [*CODE, f"-DFUZZ=fuzz_{name}"]
        objects = host_compiler.compile_all(sources, "gcc", flags)
        main = host_compiler.root / "tests/host/fuzz/replay.c"
        objects.append(host_compiler.compile(main, "gcc", ["-std=gnu11", "-O1"]))
        return host_compiler.link(f"replay-{name}", objects, "gcc", [*COUNTED, *wrapping(library)])

    def make(name: str, library: str, more: tuple[str, ...]) -> Path:
        clang = find_compiler("clang")
        plain = [*CODE, *SANITIZE, "-fPIC"]
        guided = [*plain, "-fsanitize=fuzzer-no-link"]
        objects = host_compiler.compile_all((*SOURCES[library], *more), clang, guided)
        objects += host_compiler.compile_all(HARNESS[library], clang, plain)
        # Apart from the fuzzer's own variables: the core's are reset for each machine.
        flags = ["-shared", *SANITIZE, *wrapping(library)]
        code = host_compiler.link(f"libfuzz-{library}.so", objects, clang, flags)
        entry = ("tests/host/fuzz/entry.c",)
        start = host_compiler.compile_all(entry, clang, [*plain, f"-DFUZZ=fuzz_{name}"])
        link = [*SANITIZE, "-fsanitize=fuzzer"]
        return host_compiler.link(f"fuzz-{name}", [*start, code], clang, link)

    return replay if COVERAGE else make
