# SPDX-License-Identifier: Apache-2.0
"""The hypervisor's command line: Xen's syntax, nothing fails, everything strange is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

MIB, GIB = 1 << 20, 1 << 30


def parse(core: Any, line: str | None) -> list[str]:
    """Parse a line and return the warnings."""
    text = core.ffi.NULL if line is None else core.ffi.new("char[]", line.encode())
    core.lib.cmdline_parse(text)
    core.lib.cmdline_report()
    return list(core.log())


def option(core: Any, name: str) -> Any:
    """A field of `opt`, text as str."""
    value = getattr(core.lib.opt, name)
    if isinstance(value, core.ffi.CData) and core.ffi.typeof(value).kind == "array":
        return core.text(value)
    return value


def values(core: Any) -> bytes:
    """All of `opt` but the line itself, which comes first."""
    ffi = core.ffi
    return bytes(ffi.buffer(ffi.addressof(core.lib, "opt")))[ffi.sizeof(core.lib.opt.line) :]


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("console=none", "console", "none"),
        ("dtuart=/pl011@9000000", "dtuart", "/pl011@9000000"),
        ("dtuart=serial0:115200", "dtuart", "serial0:115200"),
        ("console_to_ring", "console_to_ring", True),
        ("console-to-ring", "console_to_ring", True),
        ("console_to_ring=1", "console_to_ring", True),
        ("console_to_ring console_to_ring=off", "console_to_ring", False),
        ("no-ext_regions", "ext_regions", False),
        ("ext_regions=disable", "ext_regions", False),
        ("dom0_mem=1024M", "dom0_mem", GIB),
        ("dom0_mem=1g", "dom0_mem", GIB),
        ("dom0_mem=0x100000", "dom0_mem", GIB),
        ("dom0_mem=1048576", "dom0_mem", GIB),
        ("dom0_mem=512M,max:1G", "dom0_mem", 512 * MIB),
        ("dom0_mem=512M,max:1G", "dom0_mem_max", GIB),
        ("dom0_mem=min:256M,max:1G", "dom0_mem_min", 256 * MIB),
        ("dom0_mem=4096B", "dom0_mem", 4096),
        ("dom0_max_vcpus=3", "dom0_max_vcpus_max", 3),
        ("dom0_max_vcpus=3", "dom0_max_vcpus_min", 3),
        ("dom0_max_vcpus=2-4", "dom0_max_vcpus_min", 2),
        ("dom0_max_vcpus=2-4", "dom0_max_vcpus_max", 4),
        ("dom0_max_vcpus=-4", "dom0_max_vcpus_max", 4),
        ("dom0_max_vcpus=2-", "dom0_max_vcpus_max", 2**32 - 1),
        ("dom0_vcpus_pin", "dom0_vcpus_pin", True),
        ("sched=null", "sched", "null"),
        ("sched=credit2", "sched", "credit2"),
        ("vwfi=native", "vwfi_native", True),
        ("vwfi=native vwfi=trap", "vwfi_native", False),
        ("maxcpus=2", "maxcpus", 2),
        ("conring_size=64k", "conring_size", 65536),
        ("conswitch=bx", "conswitch", "bx"),
        ("console_timestamps", "console_timestamps", 1),
        ("console_timestamps=datems", "console_timestamps", 2),
        ("console_timestamps=boot", "console_timestamps", 3),
        ("console_timestamps=boot console_timestamps=none", "console_timestamps", 0),
        ("no-console_timestamps", "console_timestamps", 0),
        ("gnttab_max_frames=128", "gnttab_max_frames", 128),
        ("gnttab_max_maptrack_frames=0x20", "gnttab_max_maptrack_frames", 32),
        ("noreboot", "noreboot", True),
        ("noreboot=no", "noreboot", False),
        ("  \t maxcpus=7 \n", "maxcpus", 7),
    ],
)
def test_options(core: Any, line: str, field: str, value: Any) -> None:
    assert parse(core, line) == []
    assert option(core, field) == value
    assert core.text(core.lib.opt.line) == line


@pytest.mark.parametrize(
    ("value", "levels"),
    [
        ("all", (4, 4)),
        ("none", (0, 0)),
        ("error/warning", (1, 2)),
        ("info/none", (3, 3)),
        ("debug", (4, 4)),
    ],
)
def test_log_levels(core: Any, value: str, levels: tuple[int, int]) -> None:
    assert parse(core, f"loglvl={value} guest_loglvl={value}") == []
    for field in (core.lib.opt.loglvl, core.lib.opt.guest_loglvl):
        assert (field.print, field.limit) == levels


BAD = """
    maxcpus maxcpus= maxcpus=x maxcpus=1x maxcpus=4294967296 maxcpus=08 maxcpus=0x
    dom0_mem dom0_mem= dom0_mem=1Q dom0_mem=1M, dom0_mem=99999999999999999999
    dom0_mem=99999999999999G dom0_mem=max: dom0_max_vcpus=0 dom0_max_vcpus=4-2
    dom0_max_vcpus=- dom0_max_vcpus=1-x noreboot=maybe noreboot= loglvl=loud
    loglvl loglvl=error/ loglvl=errors vwfi vwfi=x console_timestamps=x
    sched=a-name-that-is-long conswitch=12345678
""".split()


@pytest.mark.parametrize("word", [*BAD, "console=" + "x" * 200])
def test_bad_values_keep_the_default(core: Any, word: str) -> None:
    parse(core, "")
    before = values(core)
    warning = f'Command line: "{word}" has a value that is not understood: ignored'
    assert parse(core, word) == [warning]
    assert values(core) == before


@pytest.mark.parametrize(
    "word", ["foo", "foo=1", "no-foo", "no-maxcpus", "no-noreboot=1", "=", "=" * 9, "no-"]
)
def test_unknown_is_told_by_name(core: Any, word: str) -> None:
    assert parse(core, f"maxcpus=2 {word} sched=null") == [
        f'Command line: "{word}" is not known: ignored'
    ]
    assert (option(core, "maxcpus"), option(core, "sched")) == (2, "null")


@pytest.mark.parametrize(
    ("text", "silo"), [("", 1), ("xsm=silo", 1), ("xsm=dummy", 0), ("xsm=flask", 1), ("xsm", 1)]
)
def test_policy(core: Any, text: str, silo: int) -> None:
    """What is no policy of ours is named, and the safe one stays."""
    said = parse(core, text)
    assert option(core, "silo") == silo
    assert bool(said) is (text in ("xsm=flask", "xsm"))


def test_known_without_effect(core: Any) -> None:
    for word in (
        "serrors=forward",
        "llc-coloring=on",
        "com1=poll",
        "gnttab=max-ver:2",
        "sync_console",
        "bootscrub=0",
        "no-bootscrub",
        "watchdog=force",
        "watchdog_timeout=30",
    ):
        assert parse(core, word) == [
            f'Command line: "{word}" has no effect on this hypervisor: ignored'
        ]


def test_long_and_many(core: Any) -> None:
    assert parse(core, None) == []
    warnings = parse(core, " ".join(f"w{i}" for i in range(20)))
    assert len(warnings) == 17
    assert warnings[-1] == "Command line: 4 more words ignored"
    warnings = parse(core, "maxcpus=3 " + "x" * 2000)
    assert warnings[-1] == "Command line: cut after 1023 characters"
    assert option(core, "maxcpus") == 3


def test_what_the_oracle_boots_with(core: Any) -> None:
    line = "console=dtuart dtuart=/pl011@9000000 dom0_mem=1024M dom0_max_vcpus=2 loglvl=all"
    line += " guest_loglvl=all console_timestamps=boot"
    assert parse(core, line) == []


@given(
    line=st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=80),
    names=st.lists(
        st.sampled_from(
            ["dom0_mem=", "loglvl=", "console=", "no-", "dom0_max_vcpus=", "0x", "1-", ",", "max:"]
        ),
        max_size=8,
    ),
)
def test_noise(core: Any, line: str, names: list[str]) -> None:
    data = ("".join(names) + line).encode()
    core.lib.fuzz_cmdline(core.memory(data).pointer, len(data))
