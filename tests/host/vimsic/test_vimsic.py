# SPDX-License-Identifier: Apache-2.0
"""Guests' interrupt files under floods of messages (model.c): none is lost, no hart drowns."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest


def _body(source: str) -> str:
    """From the first function to vimsic_merge: what is done with files, not whose they are."""
    text = re.sub(r"^#include.*$", "", source, flags=re.MULTILINE)
    post = text.index("static void vimsic_note(")
    collect = text.index("/* Messages in an open file")
    end = text.index("static bool vimsic_is(")
    return text[:post] + text[collect:end]


@pytest.fixture(scope="module")
def model(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program."""
    folder = tmp_path_factory.mktemp("vimsic")
    (folder / "body.h").write_text(_body((root / "arch/riscv/irq/vimsic.c").read_text()))
    flags = "-std=gnu11 -O1 -g -Wall -Wno-unused -fsanitize=address,undefined".split()
    source = root / "tests/host/vimsic/model.c"
    program = folder / "model"
    subprocess.run(["gcc", *flags, f"-I{folder}", str(source), "-o", str(program)], check=True)
    return program


@pytest.mark.parametrize("seed", range(1, 5))
def test_floods(model: Path, seed: int) -> None:
    done = subprocess.run([model, str(seed), "300000"], capture_output=True, text=True, check=False)
    assert done.stdout == "ok\n", done.stdout + done.stderr


def test_no_guest_uses_up_its_neighbours_interrupts(model: Path) -> None:
    done = subprocess.run([model, "phase", "100000"], capture_output=True, text=True, check=False)
    assert done.stdout == "ok\n", done.stdout + done.stderr
