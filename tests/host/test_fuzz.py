# SPDX-License-Identifier: Apache-2.0
"""Short libFuzzer runs over every parser of hostile input; new inputs stay beside the programs.

Where coverage is counted the same programs only read the inputs to begin with.
XENOLITH_FUZZ_SECONDS makes longer runs.
"""

from __future__ import annotations

import gzip
import os
import struct
import subprocess
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fdt
import pytest

SECONDS = int(os.environ.get("XENOLITH_FUZZ_SECONDS", "3"))
"""Of fuzzing for each target."""

COMPILING = 600
"""Seconds at most for a program on a busy machine."""


@dataclass(frozen=True)
class Target:
    """A function of tests/host/fuzz, the library and sources for it, and inputs to begin with."""

    name: str
    library: str
    corpus: Callable[[], Iterator[bytes]]
    words: tuple[str, ...]
    sources: tuple[str, ...] = ()


def words_of(*cells: int) -> bytes:
    """Big-endian cells."""
    return struct.pack(f">{len(cells)}I", *cells)


Nodes = dict[str, "bytes | Nodes"]

TWO_CELLS: Nodes = {"#address-cells": words_of(2), "#size-cells": words_of(2)}
MODULE = b"multiboot,kernel\0multiboot,module\0"

BOARD: Nodes = {
    **TWO_CELLS,
    "interrupt-parent": words_of(1),
    "chosen": {
        **TWO_CELLS,
        "stdout-path": b"serial0:115200\0",
        "bootargs": b"a=b\0",
        "module@1": {"compatible": MODULE, "reg": words_of(0, 0x50000000, 0, 4096)},
        "domU": {
            **TWO_CELLS,
            "compatible": b"xen,domain\0",
            "module@2": {"compatible": MODULE, "reg": words_of(0, 0x51000000, 0, 4096)},
        },
    },
    "aliases": {"serial0": b"/soc/uart@10\0"},
    "intc": {
        "phandle": words_of(1),
        "#interrupt-cells": words_of(3),
        "#address-cells": words_of(2),
    },
    "cpus": {
        "#address-cells": words_of(1),
        "#size-cells": words_of(0),
        "cpu@0": {"device_type": b"cpu\0", "reg": words_of(0), "enable-method": b"spin-table\0"},
    },
    "memory@0": {"device_type": b"memory\0", "reg": words_of(0, 0x40000000, 0, 0x40000000)},
    "soc": {
        "#address-cells": words_of(1),
        "#size-cells": words_of(1),
        "ranges": words_of(0, 1, 0, 4096),
        "uart@10": {
            "compatible": b"arm,pl011\0",
            "reg": words_of(16, 16),
            "interrupts": words_of(0),
        },
    },
    "pcie": {
        "#address-cells": words_of(3),
        "#size-cells": words_of(2),
        "#interrupt-cells": words_of(1),
        "ranges": b"",
        "interrupt-map": words_of(0, 0, 0, 1, 1, 0, 0, 0, 3, 4),
    },
}
"""A small board with everything the core looks for."""


def tree_node(name: str, content: Nodes) -> Any:
    """A node of the fdt package."""
    made = fdt.Node(name)
    for key, value in content.items():
        if isinstance(value, dict):
            made.append(tree_node(key, value))
        else:
            made.append(fdt.PropBytes(key, data=value) if value else fdt.Property(key))
    return made


def tree_blob(content: Nodes) -> bytes:
    """A flattened device tree."""
    tree = fdt.FDT()
    tree.root = tree_node("/", content)
    return bytes(tree.to_dtb(version=17))


def dt_corpus() -> Iterator[bytes]:
    """A board, and an empty tree."""
    yield tree_blob(BOARD)
    yield tree_blob({})


def boot_corpus() -> Iterator[bytes]:
    """The same, the board with a UART that its driver takes: output goes there from then on; and
    one that a panic is about, with a node whose name begins otherwise than others."""
    yield from dt_corpus()
    soc = BOARD["soc"]
    assert isinstance(soc, dict) and isinstance(soc["uart@10"], dict)
    uart = {**soc["uart@10"], "reg": words_of(16, 0x90)}
    yield tree_blob({**BOARD, "soc": {**soc, "uart@10": uart}})
    yield tree_blob({**BOARD, "Memory@1": {"device_type": b"memory\0", "reg": b"    "}})


OPTIONS = (
    "console=dtuart dtuart=/pl011@9000000 dom0_mem=512M,max:1G dom0_max_vcpus=2-4 loglvl=info/all",
    "no-bootscrub sched=null vwfi=native maxcpus=0x4 console_timestamps=boot conring_size=64k foo",
)


def cmdline_corpus() -> Iterator[bytes]:
    """Lines that use every kind of value."""
    yield from (line.encode() for line in OPTIONS)


def gzip_corpus() -> Iterator[bytes]:
    """Every block type, with and without header."""
    text = b"".join(b"line %d of some text\n" % i for i in range(60))
    yield gzip.compress(text, mtime=0)
    for level, strategy in ((0, 0), (1, 0), (9, 0), (9, zlib.Z_FIXED), (9, zlib.Z_HUFFMAN_ONLY)):
        packer = zlib.compressobj(level, zlib.DEFLATED, -15, 9, strategy)
        yield packer.compress(text) + packer.flush()


def hypercall_corpus() -> Iterator[bytes]:
    """Each hypercall with each small command on a structure, by both domains."""
    for cpu in (0, 1):
        for number in (7, 12, 13, 17, 18, 20, 21, 24, 27, 29, 32, 33, 34, 35, 36):
            calls = [bytes([cpu, number, 14, c << 3, 1, 1, 1, 1, 8]) + bytes(8) for c in range(32)]
            yield b"".join(calls)


def image_corpus() -> Iterator[bytes]:
    """A kernel of the third port, plain and compressed."""
    kernel = b"XENHOST\0" + (2 << 20).to_bytes(8, "little") + b"code" * 40
    yield kernel
    yield gzip.compress(kernel, mtime=0)


def arm64_image_corpus() -> Iterator[bytes]:
    """The header of an arm64 kernel [Linux booting.rst]."""
    yield struct.pack("<2I6Q2I", 0, 0, 0, 40 << 20, 10, 0, 0, 0, 0x644D5241, 64) + bytes(64)


ARM64_IMAGE = ("arch/arm64/*/kernel.c", "tests/host/fuzz/arm64_image.c")

TARGETS = (
    Target("dt", "base", dt_corpus, ("compatible", "ranges", "interrupts-extended", "reg")),
    Target("cmdline", "base", cmdline_corpus, ("dom0_mem=", "loglvl=", "max:", "no-", "error/")),
    Target("image", "core", image_corpus, ("XENHOST", r"\x1f\x8b\x08")),
    Target("boot", "core", boot_corpus, ("compatible", "reg", "multiboot,module", "xen,domain")),
    Target("arm64_image", "base", arm64_image_corpus, ("ARMd",), ARM64_IMAGE),
    Target("hypercall", "core", hypercall_corpus, ()),
    Target("gzip", "base", gzip_corpus, (r"\x1f\x8b\x08",)),
)


@pytest.mark.timeout(COMPILING + SECONDS)
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_fuzz(target: Target, host_fuzzer: Callable[..., Path]) -> None:
    """Nothing the fuzzer finds in a few seconds makes a sanitizer complain."""
    program = host_fuzzer(target.name, target.library, target.sources)
    folder = program.parent / "corpus" / target.name
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(target.corpus()):
        (folder / f"seed-{number}").write_bytes(data)
    dictionary = folder.with_suffix(".dict")
    dictionary.write_text("".join(f'"{word}"\n' for word in target.words))
    command = [str(program), str(folder), f"-max_total_time={SECONDS}"]
    command += [f"-dict={dictionary}"] if target.words else []
    command += [
        "-max_len=6000",
        "-detect_leaks=0",
        "-timeout=60",
        "-rss_limit_mb=1024",
        f"-artifact_prefix={folder}.",
    ]
    # Each machine leaves its devices behind; the fuzzer's own option does not reach the exit.
    env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=False, env=env
    )
    if done.returncode != 0:
        pytest.fail(f"{' '.join(command)}\n{done.stderr[-6000:]}", pytrace=False)
    print(done.stderr.splitlines()[-1])
