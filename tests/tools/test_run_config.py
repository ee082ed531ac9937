# SPDX-License-Identifier: Apache-2.0
"""`run --config`: what of a description becomes the machine in QEMU, what is said of the rest."""

from __future__ import annotations

import argparse
import struct
from pathlib import Path

import pytest

from xenolith.boards import find
from xenolith.cli import machine, run
from xenolith.errors import UserError
from xenolith.system.model import System

SIZE = 0x4000
HEAD = bytes(16) + struct.pack("<QQ", SIZE, 10) + bytes(24) + b"ARM\x64" + bytes(4)
SYSTEM = """\
hypervisor = "xen"
arguments = "console=dtuart dom0_mem=700M"
[dom0]
kernel = "Image"
ramdisk = "initrd.gz"
arguments = "console=hvc0 root=/dev/vda"
"""
GUEST = """\
[[guests]]
name = "web"
kernel = "Image"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A description and its files."""
    (tmp_path / "xen").write_bytes((HEAD + b"Xenolith, Xen version").ljust(SIZE, b"\0"))
    (tmp_path / "Image").write_bytes(HEAD.ljust(SIZE, b"\0"))
    (tmp_path / "initrd.gz").write_bytes(b"070701")
    (tmp_path / "system.toml").write_text(SYSTEM)
    return tmp_path / "system.toml"


def planned(config: Path, *words: str) -> System:
    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    args = parser.parse_args(["--config", str(config), *words])
    return machine.plan(find(args.board), args)


def test_files_and_lines_are_the_descriptions(config: Path) -> None:
    system = planned(config, "--smp", "4", "--memory", "1G", "--xen-args", "loglvl=all")
    folder = config.parent
    assert (system.hypervisor, system.kernel) == (folder / "xen", folder / "Image")
    assert (system.initrd, system.smp, system.memory) == (folder / "initrd.gz", 4, 1024)
    assert system.hypervisor_line == "console=dtuart dom0_mem=700M loglvl=all"
    assert system.dom0_line == "console=hvc0 root=/dev/vda"
    assert machine.make_system(system, argparse.Namespace())[0] == system, "nothing is built"


def test_imagebuilders_config_too(config: Path) -> None:
    text = 'XEN="xen"\nXEN_CMD="dom0_mem=600M"\nDOM0_KERNEL="Image"\nNUM_DOMUS=0\n'
    old = config.with_name("config")
    old.write_text(text)
    system = planned(old)
    assert system.hypervisor_line == "dom0_mem=600M" and system.initrd is None


def test_another_hypervisor(config: Path) -> None:
    other = config.with_name("other")
    other.write_bytes((config.parent / "xen").read_bytes())
    assert planned(config, "--hypervisor", str(other)).hypervisor == other


def test_what_has_no_part_in_a_run_is_named(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = (
        'prefix = "boot"\nextra = ["led on"]\nstatic_heap = [{ base = 0x50000000, size = 4096 }]\n'
    )
    config.write_text(more + SYSTEM + GUEST)
    planned(config)
    said = capsys.readouterr().err.splitlines()
    assert "does not start guests by itself yet" in said[0]
    assert said[1:] == [
        "web: not loaded, make them with `xl`",
        "static_heap: a run does not put it into QEMU's device tree",
        "prefix, extra: for U-Boot, which has no part in a run",
    ]


@pytest.mark.parametrize(
    ("text", "words", "message"),
    [
        (SYSTEM, ("--kernel", "debian"), "--kernel: .*system.toml says it; change it there"),
        (SYSTEM, ("--hypervisor", "xen"), "--hypervisor xen: name a file"),
        (SYSTEM, ("--memory", "600"), "dom0_mem of 700 MiB does not fit into 600 MiB of RAM"),
        (SYSTEM, ("--files", "/nonexistent"), "hypervisor: /nonexistent/xen: No such file"),
        (SYSTEM.replace("ramdisk", "disk"), (), "disk is no key; there are: kernel, ramdisk"),
        (SYSTEM.partition("[dom0]")[0] + GUEST, (), "starts no guests without a dom0 yet"),
    ],
)
def test_what_cannot_be_run(config: Path, text: str, words: tuple[str, ...], message: str) -> None:
    config.write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        planned(config, *words)
    assert "\n" not in caught.value.message


def test_files_without_a_config() -> None:
    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    with pytest.raises(UserError, match="--files is where the files of a --config are"):
        machine.plan(find("rpi4"), parser.parse_args(["--files", "x"]))
