# SPDX-License-Identifier: Apache-2.0
"""Our patches for Xen's tools: they apply, and what they say is what the hypervisor does."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from xenolith import ROOT
from xenolith.cross import patching
from xenolith.dom0 import xentools
from xenolith.errors import UserError
from xenolith.lint.abi import Compiler, compare

ARCH = "riscv"
PUBLIC = ROOT / "xen" / "include" / "public"
PATCHES = sorted(xentools.FOLDER.glob("*.patch"))

OURS_ONLY = {
    "MEMOP_EXTENT_SHIFT",  # in Xen's memory.c
    "MEMOP_CMD_MASK",
    "XEN_EVTCHN_WORDS",  # written out as an expression there
    "XEN_EINTR",  # for the hypervisor's own eyes there
    "XEN_ERESTART",
}
"""Constants that Xen's headers do not have by that name."""

ARM_ONLY = re.compile("dt_overlay", re.IGNORECASE)
"""Xen's headers hide this from other architectures; ours do not know architectures."""


@pytest.fixture(scope="module")
def xen_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Xen's source with our patches."""
    tree = tmp_path_factory.mktemp("xen")
    xentools.ORIGIN.fetch("riscv64").unpack(tree, xentools.project("riscv64").exclude)
    patching.folder(tree, xentools.FOLDER, "xen")
    return tree


def test_patches_apply_in_order(xen_source: Path) -> None:
    """The fixture has applied them all, without fuzz; none twice."""
    assert (xen_source / "tools/libs/light/libxl_riscv.c").exists()
    with pytest.raises(UserError, match=r"0001.*does not apply to xen"):
        patching.apply(xen_source, PATCHES[0], "xen")


def test_patches_are_of_format_patch() -> None:
    """Numbered without gaps, with a subject and a reason; new files say their licence."""
    numbers = [int(path.name[:4]) for path in PATCHES]
    assert numbers == list(range(1, len(PATCHES) + 1))
    assert PATCHES
    for path in PATCHES:
        head, _, diff = path.read_text().partition("\n---\n")
        subject, _, reason = head.partition("\n\n")
        assert re.search(r"^Subject: \[PATCH\] [a-z/]+: [A-Z]", subject, re.MULTILINE), path.name
        assert reason.strip(), path.name
        for start in re.findall(r"^--- /dev/null\n.*\n@@.*\n(.*)$", diff, re.MULTILINE):
            assert "SPDX-License-Identifier" in start, path.name


def _compilers(ours: Path, xen_source: Path, work: Path) -> tuple[Compiler, Compiler]:
    (work / "theirs").mkdir()
    (work / "ours").mkdir()
    (work / "theirs" / "public").symlink_to(xen_source / "xen" / "include" / "public")
    names = sorted(f"public/{path.relative_to(PUBLIC)}" for path in PUBLIC.rglob("*.h"))
    others = ("public/arch-arm", "public/debug.h")  # of another port; ours alone
    names = [name for name in names if not name.startswith(others)]
    shared = [name for name in names if (work / "theirs" / name).exists()]
    assert set(names) - set(shared) == {"public/types.h"}
    port = ROOT / "arch" / ARCH / "include"
    return (
        Compiler(ARCH, ours, work / "ours", names, [port]),
        Compiler(ARCH, work / "theirs", work / "theirs", shared),
    )


def test_hypervisor_and_tools_have_the_same_abi(xen_source: Path, tmp_path: Path) -> None:
    """Zero differences in types, fields and constants."""
    found, count = compare(*_compilers(PUBLIC.parent, xen_source, tmp_path), OURS_ONLY)
    problems = [problem for problem in found if not ARM_ONLY.search(problem)]
    print(f"\ncompared {count.types} types, {count.fields} fields, {count.constants} constants")
    assert not problems, "\n".join(problems)
    assert count.types > 150
    assert count.fields > 850
    assert count.constants > 550


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("uint64_t senvcfg;", "uint32_t senvcfg;", "struct vcpu_guest_context.senvcfg"),
        ("uint64_t a7;", "uint64_t a8;", "no such published field"),
        ("VGCF_supervisor 2", "VGCF_supervisor 4", "VGCF_supervisor: 0x4, published 0x2"),
        ("GUEST_MAGIC_BASE 0x79", "GUEST_MAGIC_BASE 0x78", "GUEST_MAGIC_BASE"),
    ],
)
def test_a_difference_is_found(
    xen_source: Path, tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    """The comparison can fail: a copy of our headers with one mistake."""
    copy = tmp_path / "copy"
    shutil.copytree(PUBLIC, copy / "public")
    header = copy / "public" / "arch-riscv.h"
    text = re.sub(r" +", " ", header.read_text())
    assert old in text
    header.write_text(text.replace(old, new))
    problems, _ = compare(*_compilers(copy, xen_source, tmp_path), OURS_ONLY)
    assert any(complaint in problem for problem in problems), problems


def test_other_architectures_are_refused() -> None:
    """Debian builds the tools for them."""
    with pytest.raises(UserError, match="not built for arm64"):
        xentools.project("arm64")
