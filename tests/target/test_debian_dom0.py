# SPDX-License-Identifier: Apache-2.0
"""A whole Debian as the dom0 of a run, with all that a run adds; minutes, so only --long."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from xenolith.guest.given import Given
from xenolith.lab import debian, disks
from xenolith.lab.added import parse
from xenolith.lab.extras import Extras
from xenolith.lab.session import Options
from xenolith.lab.target import State
from xenolith.system.model import System

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(4500)]

TIMEOUT = 1200.0
"""Seconds for a boot with all commands; 60 to 130 are usual."""


FIRST = {
    "xl list": r"^Domain-0 +0 +\d+ [^\0]*\ndemo +1 ",
    "systemctl is-active xen": "^active$",
    "systemctl is-system-running": "^running$",
    "ip -4 -br addr show xenbr0": "10.0.2.15/24",
    "cat /share/note": "^of the host$",
    "/opt/test/program": "^it runs$",
    "stat -c %a . ./program": "^700\n755$",
    "echo kept >/srv/x; xl shutdown -w demo": "",
}
"""Commands, and what their output has in it; the guest, the files and the folder are there."""
SECOND = {
    "cat /srv/x": "^kept$",
    "findmnt -no SOURCE /": "^/dev/vda2$",
    "cat /dev/xenolith/disk0": "^the user's$",
    "xl list; ls /share": r"^[^\0]*\nDomain-0 +0 [^\n]*$",
}
"""In a further run, which gets a disk only."""


@pytest.fixture
def given(tmp_path: Path) -> Extras:
    """All that a run can add."""
    (tmp_path / "more.img").write_bytes(b"the user's\n".ljust(4096, b"\n"))
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/note").write_text("of the host\n")
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho it runs | tee /share/answer\n")
    program.chmod(0o755)
    return Extras(
        added=(parse(f"{program}:/opt/test/"), parse(str(program))),
        disks=(disks.parse(str(tmp_path / "more.img"), 0),),
        guests=(Given("demo"),),
        share=disks.parse_share(str(tmp_path / "shared")),
    )


def test_as_the_dom0_of_a_run(
    make_system: Callable[..., System],
    given: Extras,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`run --dom0 debian`: root is logged in, and what it writes is there the next time."""
    monkeypatch.setattr(debian, "OUTPUT", tmp_path)
    system = debian.ensure(make_system(smp=2, memory=2048), given)
    for wanted, extras in ((FIRST, given), (SECOND, Extras(disks=given.disks))):
        options = Options("test-dom0-debian", TIMEOUT, extras=extras)
        with debian.running(system, list(wanted), options) as target:
            target.to(State.POWERED_OFF)
        said = {result.command: result.text.strip() for result in target.collector.results}
        wrong = [c for c, text in said.items() if not re.search(wanted[c], text, re.MULTILINE)]
        assert wrong == [] and list(said) == list(wanted), said
    assert (tmp_path / "shared/answer").read_text() == "it runs\n"
