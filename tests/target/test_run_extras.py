# SPDX-License-Identifier: Apache-2.0
"""What `run` adds to a machine, as dom0 sees it: files, disks, a folder that is shared."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from xenolith.lab import added, disks, session
from xenolith.lab.extras import Extras
from xenolith.lab.session import Options
from xenolith.system.model import System

pytestmark = pytest.mark.slow

MIB = 1 << 20
TIMEOUT = 600.0
"""Seconds; 25 are usual."""
COMMANDS = {
    "added": "/lib/tests/program; /opt/link; ls -l /lib/tests/program; readlink /lib",
    "shared": "cat /share/host; echo from dom0 >/share/dom0; cat /share/large | sha256sum",
    "serials": "cat /sys/block/vda/serial; echo; cat /sys/block/vdb/serial",
    "written": "dd if=/dev/urandom of=/dev/vda bs=1M count=4 2>&1; sync; sha256sum </dev/vda",
    "refused": "dd if=/dev/zero of=/dev/vdb bs=1M count=1 conv=fsync",
}


def test_files_disks_and_a_folder(make_system: Callable[..., System], tmp_path: Path) -> None:
    program, folder = tmp_path / "program", tmp_path / "folder"
    program.write_text("#!/bin/sh\necho $0 runs\n")
    program.chmod(0o755)
    (tmp_path / "link").symlink_to("program")
    folder.mkdir()
    (folder / "host").write_text("from the host\n")
    (folder / "large").write_bytes(bytes(range(256)) * 4096)
    images = [tmp_path / name for name in ("a,b.img", "c.img")]
    for path in images:
        path.write_bytes(bytes(8 * MIB))
    extras = Extras(
        added=(added.parse(f"{program}:/lib/tests/"), added.parse(f"{tmp_path}/link:/opt/link")),
        disks=(disks.parse(str(images[0]), 0), disks.parse(f"{images[1]},ro", 1)),
        share=disks.parse_share(str(folder)),
    )
    options = Options("test-run-extras", TIMEOUT, extras=extras)
    results, error = session.attempt(make_system(smp=1), list(COMMANDS.values()), options)
    assert error is None, f"{error}\n{error.tail}"
    said = dict(zip(COMMANDS, results, strict=True))
    lines = said["added"].text.splitlines()
    assert lines[:2] == ["/lib/tests/program runs", "/opt/link runs"]
    assert lines[2].startswith("-rwxr-xr-x") and lines[3] == "usr/lib"
    first, digest = said["shared"].text.splitlines()
    assert first == "from the host" and (folder / "dom0").read_text() == "from dom0\n"
    assert digest.split()[0] == hashlib.sha256((folder / "large").read_bytes()).hexdigest()
    assert said["serials"].text.split() == ["disk0", "disk1"]
    content = images[0].read_bytes()
    assert any(content[: 4 * MIB]) and not any(content[4 * MIB :])
    assert hashlib.sha256(content).hexdigest() in said["written"].text
    assert said["refused"].status != 0 and not any(images[1].read_bytes())
