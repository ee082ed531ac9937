# SPDX-License-Identifier: Apache-2.0
"""The core, loaded through cffi. Runs only under tests/host/test_suite.py, with the sanitizer.

Declarations come from the core's own headers: preprocessed, parsed, function bodies dropped.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import cffi
import fdt
import hypothesis
import pytest
from pycparser import c_ast, c_generator, c_parser

ROOT = Path(__file__).resolve().parents[3]

HEADERS = {
    "base": "xen/string.h xen/format.h xen/rangeset.h xen/inflate.h xen/fdt.h "
    "xen/fdt_build.h xen/dt.h xen/cmdline.h xen/modules.h host.h fuzz.h",
    "core": "public/xen.h public/memory.h public/event_channel.h public/grant_table.h "
    "public/sched.h public/vcpu.h public/version.h public/hvm/hvm_op.h public/physdev.h "
    "public/platform.h public/sysctl.h public/domctl.h public/hypfs.h public/hvm/params.h "
    "public/io/console.h xen/console.h xen/heap.h xen/page.h xen/time.h "
    "xen/page_alloc.h xen/page_domain.h xen/rangeset.h xen/memmap.h xen/hyp_map.h xen/dt.h "
    "xen/early_uart.h xen/uart.h xen/trap.h xen/irq.h xen/mmio.h xen/op.h xen/alloc_fault.h "
    "xen/debug.h machine.h "
    "host.h fuzz.h",
}
"""What each suite sees of the core."""

# What pycparser does not know and cffi does not need.
ERASE = (
    "-D__attribute__(x)= -D__extension__= -D__builtin_va_list=int* -D__asm__(x)= "
    "-D_Static_assert(...)= -D__builtin_offsetof(...)=0"
).split()

hypothesis.settings.register_profile(
    "host",
    deadline=None,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("host")


def preprocess(headers: Sequence[str], *options: str) -> str:
    """The headers as the compiler sees them."""
    command = ["gcc", "-E", "-ffreestanding", *ERASE, *options, "-Ixen/include"]
    command += ["-Itests/host/arch/include", "-Itests/host/arch", "-Itests/host/fuzz"]
    command += ["-include", "tests/host/arch/names.h", "-x", "c", "-"]
    source = "".join(f"#include <{header}>\n" for header in headers)
    return subprocess.run(
        command, cwd=ROOT, input=source, text=True, capture_output=True, check=True
    ).stdout


def declarations(headers: Sequence[str]) -> str:
    """C declarations of the core's headers, in the form that cffi reads."""
    text = preprocess(headers).replace("typedef int* va_list;", "")
    tree = c_parser.CParser().parse(text)
    generator = c_generator.CGenerator()
    parts = []
    for node in tree.ext:
        ours = node.coord is not None and not str(node.coord.file).startswith("/")
        if ours and "stdin" not in str(node.coord.file) and not isinstance(node, c_ast.FuncDef):
            parts.append(generator.visit(node) + ";")
    # What is const cffi takes for a number that it should work out.
    return "\n".join(parts).replace("extern const ", "extern ")


class Constants:
    """Macros of the headers that are integers: `constants.EVTCHNOP_send`."""

    def __init__(self, headers: Sequence[str]) -> None:
        lines = preprocess(headers, "-dM").splitlines()
        self.macros = dict(line.split(" ", 2)[1:] for line in lines if line.count(" ") > 1)

    def __getattr__(self, name: str) -> int:
        text = re.sub(r"\b(0x[0-9a-fA-F]+|\d+)[uUlL]+\b", r"\1", self.macros[name])
        text = re.sub(r"\b[A-Za-z_]\w*", lambda match: str(getattr(self, match[0])), text)
        if not re.fullmatch(r"[-+*/|&~<>() 0-9a-fA-Fx]+", text):
            raise AttributeError(f"{name} is {text}: not a constant")
        return int(eval(text))


Tree = Mapping[str, Any]
"""A node: property values (see `encode`) and, where the value is itself a mapping, child nodes."""


def encode(value: Any) -> bytes:
    """A property's bytes: True is empty, an int one cell, a list several cells or strings."""
    if value is True:
        return b""
    if isinstance(value, bytes):
        return value
    values = value if isinstance(value, list) else [value]
    return b"".join(
        v.encode() + b"\0" if isinstance(v, str) else v.to_bytes(4, "big") for v in values
    )


def node(name: str, content: Tree) -> fdt.Node:
    """A node of the fdt package, which is the reference for ours."""
    made = fdt.Node(name)
    for key, value in content.items():
        if isinstance(value, Mapping):
            made.append(node(key, value))
        else:
            data = encode(value)
            made.append(fdt.PropBytes(key, data=data) if data else fdt.Property(key))
    return made


def blob(content: Tree, reserved: Sequence[tuple[int, int]] = ()) -> bytes:
    """A flattened device tree made by the fdt package."""
    tree = fdt.FDT()
    tree.root = node("/", content)
    tree.entries = [{"address": start, "size": size} for start, size in reserved]
    return bytes(tree.to_dtb(version=17, last_comp_version=16, boot_cpuid_phys=0))


class Core:
    """The library and what tests need around it."""

    def __init__(self, path: str, suite: str) -> None:
        headers = HEADERS[suite].split()
        self.ffi: Any = cffi.FFI()
        self.ffi.cdef("typedef int *va_list;\n" + declarations(headers))
        self.constants = Constants(headers)
        self.lib: Any = self.ffi.dlopen(path)
        self.kept: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
        self.recent: deque[Any] = deque(maxlen=64)

    def memory(self, data: bytes = b"", size: int | None = None, skew: int = 0) -> Any:
        """Memory of exactly `size` bytes (else as long as `data`), which it begins with.

        The sanitizer reports any access outside. `skew` bytes are cut from the start of the 16-byte
        aligned block.
        """
        size = len(data) if size is None else size
        block = self.ffi.gc(self.lib.host_alloc(size + skew), self.lib.host_free)
        pointer = self.ffi.cast("uint8_t *", block) + skew
        self.ffi.memmove(pointer, data, len(data))
        self.recent.append(block)  # so that one expression may use the pointer alone
        return Block(pointer, block, size, self.ffi)

    def open_tree(self, data: bytes) -> Any:
        """A `struct dt` of a blob; it must be a good one."""
        block = self.memory(data)
        tree = self.ffi.new("struct dt *")
        assert self.lib.dt_open(tree, block.pointer, len(data)) == 0
        self.kept[tree] = block
        return tree

    def tree(self, content: Tree, reserved: Sequence[tuple[int, int]] = ()) -> Any:
        """A `struct dt` of nodes written as dictionaries."""
        return self.open_tree(blob(content, reserved))

    def node_name(self, tree: Any, node: Any) -> str:
        """What dt_name says, which is inline."""
        start = self.ffi.cast("char *", tree.fdt.base + node.name)
        return "" if node == tree.nodes else str(self.text(start))

    def text(self, pointer: Any) -> str | None:
        """A C string, or None for NULL."""
        return None if pointer == self.ffi.NULL else self.ffi.string(pointer).decode()

    def log(self) -> list[str]:
        """Lines that printk printed since the last call, without their levels."""
        text: str = self.ffi.string(self.lib.host_log()).decode()
        self.lib.host_log_clear()
        for level in "0123":
            text = text.replace(f"\x01{level}", "")
        return text.splitlines()


class Block:
    """Memory that lives as long as this object."""

    def __init__(self, pointer: Any, owner: Any, size: int, ffi: Any) -> None:
        self.pointer = pointer
        self.owner = owner
        self.size = size
        self.ffi = ffi

    def bytes(self, size: int | None = None) -> bytes:
        """A copy of the content."""
        return bytes(self.ffi.buffer(self.pointer, self.size if size is None else size))


@pytest.fixture(scope="session")
def core() -> Core:
    """The library under test."""
    path = os.environ.get("XENOLITH_HOST_LIBRARY")
    if path is None:
        pytest.exit("run tests/host/test_suite.py: it sets up the library and the sanitizers", 2)
    return Core(path, os.environ["XENOLITH_HOST_SUITE"])


@pytest.fixture(scope="session")
def make_blob() -> Callable[..., bytes]:
    """Makes a flattened device tree of dictionaries."""
    return blob


@pytest.fixture(scope="session")
def encode_value() -> Callable[[Any], bytes]:
    """Turns a property value of such a dictionary into bytes."""
    return encode


@pytest.fixture(autouse=True)
def quiet(core: Core) -> Iterator[None]:
    """Each test starts with an empty log."""
    core.log()
    yield
