# SPDX-License-Identifier: Apache-2.0
"""A guest's timers on arm64, whose deadlines pass on one CPU while another runs it (model.c)."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

FLAGS = "-std=gnu11 -O1 -g -Wall -Wno-unused -fsanitize=undefined".split()


def _plain(text: str) -> str:
    """A source without what it includes."""
    return re.sub(r"^#(include|pragma).*$", "", text, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def model(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program."""
    folder = tmp_path_factory.mktemp("vtimer")
    arm64 = root / "arch/arm64"
    types = _plain((arm64 / "include/asm/vtimer.h").read_text())
    registers = re.search(
        r"^enum vtimer_reg {.*?^};", (arm64 / "include/asm/vtimer_ops.h").read_text(), re.M | re.S
    )
    deadline = re.search(
        r"^void vgic_timer_deadline\(.*?^}", (arm64 / "irq/vgic.c").read_text(), re.M | re.S
    )
    assert registers is not None
    assert deadline is not None
    (folder / "types.h").write_text(types + registers[0])
    body = _plain((arm64 / "time/vtimer.c").read_text())
    (folder / "body.h").write_text(f"{deadline[0]}\n{body}")
    source = root / "tests/host/vtimer/model.c"
    program = folder / "model"
    subprocess.run(["gcc", *FLAGS, f"-I{folder}", str(source), "-o", str(program)], check=True)
    return program


@pytest.mark.parametrize("seed", range(1, 5))
def test_deadlines(model: Path, seed: int) -> None:
    done = subprocess.run(
        [model, str(seed), "3000000"], capture_output=True, text=True, check=False
    )
    assert done.stdout == "ok\n", done.stdout + done.stderr
