# SPDX-License-Identifier: Apache-2.0
"""Our patches to Linux: in order, complete, clean for checkpatch.pl of the tree they are for."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from xenolith.dom0 import linux
from xenolith.errors import UserError

PATCHES = sorted(linux.FOLDER.glob("*.patch"))
LEFT_OUT = """Documentation/[!d]* arch/[!r]* block/* certs/* crypto/* drivers/[!x]* fs/* io_uring/*
ipc/* kernel/* lib/* mm/* net/* rust/* samples/* security/* sound/* tools/* virt/*""".split()
"""Most of Linux; checkpatch.pl wants to see the folders at the top."""


def changed(patch: Path) -> set[str]:
    """The files of the original tree that a patch changes."""
    return set(re.findall(r"^--- a/(\S+)$", patch.read_text(), re.MULTILINE))


@pytest.fixture(scope="session")
def linux_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The part of Linux that the series touches, and checkpatch.pl."""
    root = tmp_path_factory.mktemp("linux")
    patterns = tuple(f"linux-source-{linux.VERSION}/{part}" for part in LEFT_OUT)
    linux.ORIGIN.fetch("riscv64").unpack(root, patterns)
    return root


def test_patches_are_numbered_and_signed() -> None:
    assert PATCHES
    for number, patch in enumerate(PATCHES, start=1):
        text = patch.read_text()
        assert patch.name.startswith(f"{number:04d}-")
        assert re.search(r"^Subject: \[PATCH\] \S", text, re.MULTILINE)
        assert re.search(r"^Signed-off-by: \S.* <\S+>$", text, re.MULTILINE)


def test_new_files_name_their_licence() -> None:
    for patch in PATCHES:
        for new in re.split(r"^diff --git ", patch.read_text(), flags=re.MULTILINE)[1:]:
            if "\n--- /dev/null\n" in new:
                first = re.search(r"^@@.*\n\+(.*)$", new, re.MULTILINE)
                assert first and "-License-Identifier: GPL-2.0" in first[1]


@pytest.mark.slow
def test_series_applies_in_order(linux_source: Path, tmp_path: Path) -> None:
    copy = tmp_path / "linux"
    for name in set().union(*(changed(p) for p in PATCHES)):
        if (linux_source / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(linux_source / name, copy / name)
    for patch in PATCHES:
        command = ["patch", "-p1", "--fuzz=0", "--batch", "-s", "-d", str(copy), "-i", str(patch)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"{patch.name}: {done.stdout}"


@pytest.mark.slow
@pytest.mark.parametrize("patch", PATCHES, ids=lambda p: p.name[:4])
def test_checkpatch(linux_source: Path, patch: Path) -> None:
    # It asks about MAINTAINERS for each new file, also in a folder that has an entry there.
    command = ["perl", "scripts/checkpatch.pl", "--strict", "--ignore", "FILE_PATH_CHANGES"]
    done = subprocess.run(
        [*command, str(patch)], cwd=linux_source, check=False, capture_output=True, text=True
    )
    assert "total: 0 errors, 0 warnings, 0 checks" in done.stdout, done.stdout


def test_configuration_asks_once_for_each_option() -> None:
    options = re.findall(r"^(CONFIG_\w+)=", linux.CONFIG.read_text(), re.MULTILINE)
    assert len(options) == len(set(options))
    assert {"CONFIG_XEN", "CONFIG_XEN_PRIVCMD", "CONFIG_HVC_XEN"} <= set(options)


def test_only_for_architectures_without_a_kernel_of_debian() -> None:
    assert linux.project("riscv64").patches == linux.FOLDER
    with pytest.raises(UserError, match="not built for arm64"):
        linux.project("arm64")
