# SPDX-License-Identifier: Apache-2.0
"""The guest ABI headers against the published ones of Debian's libxen-dev, for each target."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from xenolith import ROOT
from xenolith.dom0 import debian, recipe
from xenolith.lint.abi import Compiler, compare

PUBLIC = ROOT / "xen" / "include" / "public"
PACKAGE = "arm64"
"""Architecture of the libxen-dev that is taken: one that Debian has; it holds all headers."""

HEADERS = {"arm64": "public/arch-arm", "riscv": "public/arch-riscv"}
"""How the names of a port's own headers begin."""

OURS_ONLY = {
    "MEMOP_EXTENT_SHIFT",  # in Xen's memory.c
    "MEMOP_CMD_MASK",
    "XEN_EVTCHN_WORDS",  # written out as an expression there
    "XEN_EINTR",  # for the hypervisor's own eyes there
    "XEN_ERESTART",
    # Function-like macros there.
    *(f"{owner}_SMCCC_UID_{word}" for owner in ("XEN", "SSSC") for word in range(4)),
}
"""Constants that the published headers do not have by that name."""

UNPUBLISHED = re.compile(
    r"(GUEST|VGCF|XEN_SBI|XEN_RISCV|HVM_PARAM_CALLBACK_TYPE)_\w+: not in the published headers"
    # Empty there, and what holds one by value:
    r"|(sizeof )?struct (vcpu_guest_co\w+|xen_arch_domainconfig)\b"
    r"|(sizeof )?struct xen_domctl(\.u\.|_)(createdomain|getdomaininfo)\b(: \d|: Place|.*\.?arch)"
    # Declared there for Arm only:
    r"|\w+_DT_OVERLAY_\w+: not in|struct xen_(domctl|sysctl)\.u\.dt_overlay\b"
)
"""Differences of the RISC-V headers, where Xen has published empty structures and no constants."""

OWN = "public/debug.h"
"""A hypercall of our debug builds."""


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which <public/...> are the published headers."""
    deb = debian.download(["libxen-dev"], recipe.load().suite, PACKAGE)[0]
    root = tmp_path_factory.mktemp("published")
    debian.unpack(deb, root, lambda path: path.startswith("usr/include/xen/"))
    (root / "public").symlink_to("usr/include/xen")
    return root


def _headers(arch: str) -> list[str]:
    """The names of our headers that guests of `arch` include."""
    names = sorted({f"public/{p.relative_to(PUBLIC)}" for p in PUBLIC.rglob("*.h")} - {OWN})
    others = tuple(start for port, start in HEADERS.items() if port != arch)
    return [name for name in names if not name.startswith(others)]


def _pair(arch: str, ours: Path, published: Path, work: Path) -> tuple[Compiler, Compiler]:
    names = _headers(arch)
    shared = [name for name in names if (published / name).exists()]
    assert set(names) - set(shared) == {"public/types.h"}
    for side in ("ours", "theirs"):
        (work / side).mkdir()
    port = ROOT / "arch" / arch / "include"
    return (
        Compiler(arch, ours, work / "ours", names, [port]),
        Compiler(arch, published, work / "theirs", shared),
    )


def test_headers_are_those_of_xen(published: Path, tmp_path: Path) -> None:
    """Zero differences, over a number of things that only grows."""
    pair = _pair("arm64", PUBLIC.parent, published, tmp_path)
    problems, count = compare(*pair, OURS_ONLY)
    print(f"\ncompared {count.types} types, {count.fields} fields, {count.constants} constants")
    assert problems == []
    assert count.types > 150
    assert count.fields > 900
    assert count.constants > 650


def test_riscv_headers_differ_only_where_nothing_is_published(
    published: Path, tmp_path: Path
) -> None:
    """What Xen has published for RISC-V is as there."""
    problems, count = compare(*_pair("riscv", PUBLIC.parent, published, tmp_path), OURS_ONLY)
    print(f"\ncompared {count.types} types, {count.fields} fields, {count.constants} constants")
    assert [problem for problem in problems if not UNPUBLISHED.match(problem)] == []
    assert count.types > 150
    assert count.fields > 800
    assert count.constants > 550


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("sched.h: uint32_t reason; -> uint64_t reason;", "sizeof struct sched_shutdown"),
        ("xen.h: uint8_t pad0; -> uint8_t pad1;", "no such published field"),
        ("grant_table.h: int16_t status; -> uint16_t status;", "signed=False"),
        ("errno.h: XEN_ENOSYS 38 -> XEN_ENOSYS 39", "XEN_ENOSYS: 0x27, published 0x26"),
        ("vcpu.h: VCPUOP_up 1 -> VCPUOP_upp 1", "VCPUOP_upp: not in the published"),
    ],
)
def test_a_difference_is_found(
    published: Path, tmp_path: Path, change: str, complaint: str
) -> None:
    """The comparison can fail: a copy of our headers with one mistake."""
    header, old, new = re.split(": | -> ", change)
    copy = tmp_path / "copy"
    shutil.copytree(PUBLIC, copy / "public")
    # The headers line their values up.
    text = re.sub(r" +", " ", (copy / "public" / header).read_text())
    assert old in text
    (copy / "public" / header).write_text(text.replace(old, new))
    problems, _ = compare(*_pair("arm64", copy, published, tmp_path), OURS_ONLY)
    assert any(complaint in problem for problem in problems), problems
