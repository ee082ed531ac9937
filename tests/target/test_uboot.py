# SPDX-License-Identifier: Apache-2.0
"""Real U-Boot, nothing typed: boot.scr on a card, the rest from there or by TFTP, booti, dom0."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from xenolith.lab import protocol, qemu, session, uboot
from xenolith.lab.console import Console, Deadline
from xenolith.lab.report import rows
from xenolith.lab.target import State, Target
from xenolith.system import boot
from xenolith.system.model import System
from xenolith.system.spec import Dom0, Spec
from xenolith.uboot import bundle, fit, legacy, script

pytestmark = pytest.mark.slow

COMMANDS = ["xl list", "cat /proc/device-tree/chosen/bootargs", "dmesg"]


@pytest.mark.parametrize("way", ["tftp", "card", "fit", "bootm"])
def test_dom0_through_uboot(make_system: Callable[..., System], tmp_path: Path, way: str) -> None:
    system = make_system(smp=2, memory=2048)
    token = protocol.new_token()
    card, served = tmp_path / "card", tmp_path / "served"
    request = prepare(system, token, tmp_path, way)
    made = bundle.make(request)
    bundle.write(made, served)
    if way == "bootm":
        at = made.placed.plan.fit
        text = f"setenv autoload no\ndhcp\ntftpb {at:#x} boot.fit\n"
        text += f"setenv fdt_high 0xffffffffffffffff\nbootm {at:#x}#{fit.CONFIGURATION}\n"
        (served / "boot.scr").write_bytes(legacy.pack(legacy.Script(text, system.board.arch)))
    card.mkdir()
    for name in ["boot.scr"] if way != "card" else [p.name for p in served.iterdir()]:
        shutil.copy(served / name, card / name)
    devices = ["-drive", f"if=none,id=card,format=raw,read-only=on,file=fat:{card}"]
    devices += ["-device", "virtio-blk-device,drive=card", "-netdev", f"user,id=net0,tftp={served}"]
    command = [
        *system.board.qemu.command(2, 2048),
        *uboot.options(system.board, tmp_path / "u-boot"),
        *devices,
        *system.board.qemu.network[2:],
    ]
    with qemu.Machine(command) as machine:
        console = Console(machine, session.log_file(system, f"test-uboot-{way}"))
        target = Target(console, token, protocol.Collector(COMMANDS), Deadline(900))
        target.to(State.POWERED_OFF)
    listed, arguments, said = target.collector.results
    assert rows(listed.text)[0][:4] == ["Domain-0", "0", "1024", "2"]
    assert arguments.text.rstrip("\0") == system.dom0_line
    assert "Call trace" not in said.text


def prepare(system: System, token: str, folder: Path, way: str) -> bundle.Request:
    """dom0 by TFTP in two stages, as files or as one FIT; or from the card, sizes asked there.

    Or a FIT with a finished tree, which U-Boot starts without a script.
    """
    initrd = folder / "initrd"
    overlay = protocol.overlay(token, COMMANDS)
    initrd.write_bytes(boot.initrd_bytes(system.initrd, overlay))
    files = {"xenolith": system.hypervisor, "kernel": system.kernel, "initrd": initrd}
    spec = Spec("xenolith", system.hypervisor_line, Dom0("kernel", "initrd", system.dom0_line))
    if way == "bootm":
        files["dtb"] = folder / "dtb"
        # With firmware the machine has other devices.
        devices = [*uboot.options(system.board, folder / "u-boot"), *system.board.qemu.network]
        files["dtb"].write_bytes(qemu.base_tree(system.board, 2, 2048, devices))
        spec = replace(spec, device_tree="dtb")
        return bundle.Request(system.board, spec, files, script.TFTP, fit=True, finished=True)
    if way != "card":
        tftp = script.tftp()
        return bundle.Request(system.board, spec, files, script.TFTP, tftp, fit=way == "fit")
    return bundle.Request(system.board, spec, files, script.CARD, ask_sizes=True)
