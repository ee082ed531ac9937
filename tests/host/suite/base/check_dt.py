# SPDX-License-Identifier: Apache-2.0
"""Meaning of a device tree: addresses through ranges, interrupts, CPUs, memory, console."""

from __future__ import annotations

import struct
from typing import Any

import pytest

ENOENT, ENXIO, ENODEV, EINVAL, ENOSPC = 2, 6, 19, 22, 28

GIC = 1


def at(core: Any, board: Any, path: str) -> Any:
    """The node at a path; it must be there."""
    found = core.lib.dt_path(board, core.ffi.new("char[]", path.encode()))
    assert found != core.ffi.NULL, path
    return found


@pytest.mark.parametrize(
    ("path", "index", "wanted"),
    [
        ("/intc", 1, (0x8010000, 0x10000)),
        ("/intc", 2, -ENOENT),
        ("/soc/serial", 0, (0x1FE001000, 0x200)),
        ("/soc/serial", 1, (0xFF801000, 0x10)),
        ("/soc/far", 0, -ENXIO),
        ("/soc/edge", 0, -ENXIO),  # reaches beyond its window
        ("/soc/inner/dev", 0, (0x1FE002010, 0x10)),
        ("/soc/i2c/rtc", 0, -ENXIO),
        ("/soc/broken", 0, -EINVAL),
        ("/soc/wraps/x", 0, -EINVAL),
        ("/cpus/cpu@100", 0, -ENXIO),
        ("/chosen", 0, -ENOENT),
        ("/", 0, -ENOENT),
        ("/pcie/dev", 0, (0x10001000, 0x1000)),
        ("/memory@40000000", 1, (1 << 32, 2 << 32)),
    ],
)
def test_reg(core: Any, board: Any, path: str, index: int, wanted: Any) -> None:
    r = core.ffi.new("struct dt_range *")
    rc = core.lib.dt_reg(board, at(core, board, path), index, r)
    assert (rc if rc else (r.start, r.size)) == wanted


def test_reg_raw(core: Any, board: Any) -> None:
    r = core.ffi.new("struct dt_range *")
    assert core.lib.dt_reg_raw(board, at(core, board, "/soc/i2c/rtc"), 0, r) == 0
    assert (r.start, r.size) == (0x51, 0)


def test_windows(core: Any, board: Any) -> None:
    w = core.ffi.new("struct dt_window *")

    def rows(path: str) -> list[tuple[int, int, int, int]]:
        found: list[tuple[int, int, int, int]] = []
        while core.lib.dt_window(board, at(core, board, path), len(found), w) == 0:
            found.append((w.child_high, w.child, w.start, w.size))
        assert core.lib.dt_window(board, at(core, board, path), len(found), w) == -ENOENT
        return found

    assert rows("/pcie") == [
        (0x1000000, 0, 0x3EFF0000, 0x10000),
        (0x2000000, 0x10000000, 0x10000000, 0x2EFF0000),
        (0x3000000, 0x8000000000, 0x8000000000, 0x8000000000),
    ]
    assert rows("/soc/inner") == [(0, 0x10, 0x1FE002000, 0x100)]
    assert rows("/reserved-memory") == []


@pytest.mark.parametrize(
    ("path", "index", "wanted"),
    [
        ("/soc/serial", 0, ("intc@8000000", [0, 1, 4])),
        ("/soc/serial", 1, ("intc@8000000", [0, 2, 4])),
        ("/soc/serial", 2, -ENOENT),
        ("/dev-extended", 0, ("intc@8000000", [1, 13, 8])),
        ("/dev-extended", 1, ("nexus", [7])),
        ("/dev-extended", 2, ("intc@8000000", [0, 3, 4])),
        ("/dev-extended", 3, -ENOENT),
        ("/dev-bad-phandle", 0, -ENODEV),
        ("/dev-short", 0, -EINVAL),
        ("/dev-odd", 0, -EINVAL),
        ("/dev-own-parent", 0, ("nexus", [9])),
        ("/dev-no-parent", 0, -ENODEV),
        ("/dev-zero-cells", 0, -EINVAL),
        ("/dev-wide", 0, -EINVAL),
        ("/loop-a", 0, -ENODEV),
        ("/chosen", 0, -ENOENT),
    ],
)
def test_irq(core: Any, board: Any, path: str, index: int, wanted: Any) -> None:
    irq = core.ffi.new("struct dt_irq *")
    rc = core.lib.dt_irq(board, at(core, board, path), index, irq)
    found = rc or (
        core.node_name(board, irq.controller),
        list(irq.cells[0 : irq.count]),
    )
    assert found == wanted


def test_irq_map(core: Any, board: Any) -> None:
    irq, cell = core.ffi.new("struct dt_irq *"), core.ffi.new("uint32_t *")
    pcie = at(core, board, "/pcie")
    assert core.lib.dt_irq_map(board, pcie, cell, irq) == 0
    assert list(irq.cells[0:3]) == [0, 3, 4]
    assert core.lib.dt_irq_map(board, pcie, cell, irq) == 0
    assert (irq.count, irq.cells[0], cell[0]) == (1, 5, 16)
    assert core.lib.dt_irq_map(board, pcie, cell, irq) == -ENOENT
    assert cell[0] == 16
    cell[0] = 0
    assert core.lib.dt_irq_map(board, at(core, board, "/soc"), cell, irq) == -ENOENT


def walk(core: Any, board: Any, name: str, stop: int = 0) -> tuple[int, list[tuple[str, int, int]]]:
    """Result and ranges of dt_walk_memory or dt_walk_reserved."""
    found: list[tuple[str, int, int]] = []

    def each(_context: Any, what: Any, start: int, end: int) -> int:
        found.append((core.text(what), start, end))
        return stop

    callback = core.ffi.callback("int(void *, const char *, uint64_t, uint64_t)", each)
    return getattr(core.lib, f"dt_walk_{name}")(board, callback, core.ffi.NULL), found


def test_memory(core: Any, board: Any) -> None:
    name = "memory@40000000"
    assert walk(core, board, "memory") == (
        0,
        [(name, 0x40000000, 0x48000000), (name, 1 << 32, 3 << 32)],
    )
    assert walk(core, board, "memory", -5) == (-5, [(name, 0x40000000, 0x48000000)])
    assert walk(core, board, "no_map") == (0, [("fw@41000000", 0x41000000, 0x41001000)])
    assert walk(core, board, "reserved") == (
        0,
        [("/memreserve/", 0x48000000, 0x48001000), ("fw@41000000", 0x41000000, 0x41001000)],
    )


def test_cpus(core: Any, board: Any) -> None:
    cpu = core.ffi.new("struct dt_cpu *")
    found: list[tuple[int, str | None, int]] = []
    while core.lib.dt_cpu(board, len(found), cpu) == 0:
        found.append((cpu.id, core.text(cpu.enable_method), cpu.release_address))
    assert found == [(0, "psci", 0), (0x100, "spin-table", 0xD8), (0x101, None, 0)]


def test_navigation(core: Any, board: Any) -> None:
    lib, null = core.lib, core.ffi.NULL
    soc, serial = at(core, board, "/soc"), at(core, board, "serial0")
    assert lib.dt_parent(board, serial) == soc
    assert lib.dt_parent(board, lib.dt_path(board, b"/")) == null
    names, child = [], lib.dt_first_child(board, soc)
    while child != null:
        names.append(core.node_name(board, child))
        assert lib.dt_within(board, soc, child) and not lib.dt_within(board, child, soc)
        child = lib.dt_next_sibling(board, child)
    assert names[:3] == ["serial@1000", "far@7e000000", "edge@fff00"]
    assert lib.dt_first_child(board, serial) == null
    assert lib.dt_find_compatible(board, null, b"arm,pl011") == serial
    assert lib.dt_find_compatible(board, serial, b"arm,pl011") == null
    assert lib.dt_by_phandle(board, GIC) == at(core, board, "/intc")
    assert lib.dt_by_phandle(board, 0) == null
    assert lib.dt_child(board, soc, b"i2c") == at(core, board, "/soc/i2c@3000")
    assert not serial.off
    wanted = [core.ffi.new("char[]", b"x,y"), core.ffi.new("char[]", b"arm,pl011"), null]
    assert lib.dt_compatible_any(board, serial, core.ffi.new("char *[]", wanted))
    assert not lib.dt_compatible_any(board, soc, core.ffi.new("char *[]", wanted))


def test_what_is_off_hides_what_is_below(core: Any) -> None:
    lib, null = core.lib, core.ffi.NULL
    content: dict[str, Any] = {
        "status": "disabled",  # the root is always there
        "a": {"b": {"compatible": "x"}, "status": "okay"},
        "c": {"status": "disabled", "d": {"compatible": "x", "status": "okay"}, "e": {"f": {}}},
        "g": {"status": b"okay", "h": {}},  # no end: no word
        "i": {"status": "off"},
        "j": {"status": "ok", "k": {"status": "reserved"}, "l": {"compatible": "x"}},
    }
    tree, names, n = core.tree(content), [], null
    while (n := lib.dt_next(tree, n)) != null:
        names.append(core.node_name(tree, n))
    assert names == ["", "a", "b", "j", "l"]
    paths = ["/" + path for path in "a a/b c c/d c/e c/e/f g g/h i j j/k j/l".split()]
    there = [path for path in paths if not at(core, tree, path).off]
    assert there == ["/a", "/a/b", "/j", "/j/l"]
    found = lib.dt_find_compatible(tree, at(core, tree, "/a/b"), b"x")
    assert found == at(core, tree, "/j/l")
    assert lib.dt_skip_off(tree, at(core, tree, "/c")) == at(core, tree, "/j")
    assert lib.dt_skip_off(tree, at(core, tree, "/j/k")) == found
    assert lib.dt_skip_off(tree, null) == null


def test_full_path(core: Any, board: Any) -> None:
    buffer = core.ffi.new("char[20]")
    rtc = at(core, board, "/soc/i2c/rtc")
    assert core.text(core.lib.dt_full_path(board, rtc, buffer, 20)) == "/soc/i2c@3000/rtc@5"
    assert core.text(core.lib.dt_full_path(board, at(core, board, "/soc"), buffer, 20)) == "/soc"
    assert core.text(core.lib.dt_full_path(board, at(core, board, "/"), buffer, 20)) == "/"


def test_stdout(core: Any, board: Any) -> None:
    options = core.ffi.new("const char **")
    assert core.lib.dt_stdout(board, options) == at(core, board, "/soc/serial")
    assert core.text(options[0]) == "115200n8"
    empty = core.tree({"chosen": {"stdout-path": "nowhere"}})
    assert core.lib.dt_stdout(empty, options) == core.ffi.NULL
    assert core.lib.dt_stdout(core.tree({}), options) == core.ffi.NULL


def test_too_many_nodes(core: Any) -> None:
    tree = core.ffi.new("struct dt *")
    for count, wanted in ((4095, 0), (4096, -ENOSPC)):
        child = struct.pack(">III", 1, 0x61000000, 2)
        body = struct.pack(">II", 1, 0) + child * count + struct.pack(">II", 2, 9)
        header = (0xD00DFEED, 56 + len(body), 56, 56, 40, 17, 16, 0, 0, len(body))
        block = core.memory(struct.pack(">10I", *header) + bytes(16) + body)
        assert core.lib.dt_open(tree, block.pointer, block.size) == wanted


@pytest.fixture
def small(core: Any) -> Any:
    """A tree with paths, aliases and values."""
    content = {
        "one": 0x11223344,
        "two": [1, 2],
        "three": [1, 2, 3],
        "list": ["first", "", "third"],
        "raw": b"no end",
        "aliases": {"serial0": "/soc/uart@1000", "bad": b"/soc", "relative": "soc", "loop": "loop"},
        "soc": {"uart@1000": {"port": {}}, "uart": {"second": True}, "uart@2000": {}},
    }
    return core.tree(content)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/", ""),
        ("/soc", "soc"),
        ("//soc//uart@2000/", "uart@2000"),
        ("/soc/uart@1000/port", "port"),
        ("/soc/uart", "uart@1000"),
        ("/soc/uart:115200n8", "uart@1000"),
        ("serial0", "uart@1000"),
        ("serial0/port", "port"),
        ("serial0:115200/x", "uart@1000"),
        ("/so", None),
        ("/soc/uart@", None),
        ("/soc/uart@100", None),
        ("serial", None),
        ("serial00", None),
        ("bad", None),
        ("relative", None),
        ("loop", None),
        ("", None),
        (":", None),
    ],
)
def test_path(core: Any, small: Any, path: str, wanted: str | None) -> None:
    found = core.lib.dt_path(small, core.ffi.new("char[]", path.encode()))
    assert (core.node_name(small, found) if found != core.ffi.NULL else None) == wanted


def test_values(core: Any, small: Any) -> None:
    root, value = small.nodes, core.ffi.new("uint64_t *")
    narrow = core.ffi.new("uint32_t *")
    assert core.lib.dt_u32(small, root, b"one", narrow)
    assert narrow[0] == 0x11223344
    assert not core.lib.dt_u32(small, root, b"two", narrow)
    assert core.lib.dt_u64(small, root, b"two", value)
    assert value[0] == (1 << 32) + 2
    assert core.lib.dt_u64(small, root, b"one", value)
    assert not core.lib.dt_u64(small, root, b"three", value)
    assert not core.lib.dt_u64(small, root, b"none", value)
    assert core.text(core.lib.dt_string(small, root, b"list")) == "first"
    assert core.text(core.lib.dt_string(small, root, b"raw")) is None

    prop = core.ffi.new("struct fdt_prop *")
    assert core.lib.dt_prop(small, root, b"list", prop)
    string = core.lib.fdt_string(prop)
    for wanted in ("first", "", "third"):
        assert core.text(string) == wanted
        string = core.lib.fdt_next_string(prop, string)
    assert core.text(string) is None
    for text, there in (
        (b"first", True),
        (b"", True),
        (b"third", True),
        (b"irst", False),
        (b"fir", False),
    ):
        assert core.lib.fdt_has_string(prop, text) == there
    assert core.lib.dt_prop(small, root, b"raw", prop)
    assert not core.lib.fdt_has_string(prop, b"no end")
