# SPDX-License-Identifier: Apache-2.0
"""A disk that U-Boot starts on QEMU's virt machines: boot.scr, hypervisor, dom0 from its root."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from xenolith.lab import card, disks, session
from xenolith.lab.extras import Extras
from xenolith.lab.report import rows
from xenolith.lab.target import State
from xenolith.system.model import System

pytestmark = pytest.mark.slow

COMMANDS = ["ip addr", "xl list", "mount", "cat /dev/xenolith/disk0", "reboot"]
TIMEOUT = 600.0
"""Seconds; 25 are usual."""


def test_from_the_disk_to_xl_and_reboot(make_system: Callable[..., System], tmp_path: Path) -> None:
    """With a further disk of the user's, on which U-Boot does not look for a script."""
    system, name, image = make_system(smp=1), "test-disk-start", tmp_path / "more.img"
    image.write_bytes(b"the user's\n".ljust(4096, b"\n"))
    extras = Extras(disks=(disks.parse(str(image), 0),))
    options = session.Options(name, TIMEOUT, extras=extras)
    with card.running(system, COMMANDS, options) as target:
        target.to(State.POWERED_OFF)
    results = {result.command: result.text for result in target.collector.results}
    said = session.log_file(system, name).read_text(errors="replace")
    assert re.search(r"with script|Found U-Boot script /boot\.scr", said)
    assert "No partition table" not in said, "the card is the first disk"
    assert "inet 10.0.2.15/24" in results["ip addr"]
    assert rows(results["xl list"])[0][:4] == ["Domain-0", "0", "1024", "1"]
    device = re.search(r"card: root (/dev/vd\w2)", said)
    assert device and f"{device[1]} on / type ext4" in results["mount"]
    assert results["cat /dev/xenolith/disk0"].strip() == "the user's"
    assert "Hardware Dom0 shutdown: rebooting machine" in said
