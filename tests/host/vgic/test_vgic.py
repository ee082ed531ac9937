# SPDX-License-Identifier: Apache-2.0
"""The virtual GICv2's state machine, its own sources, against a model of what a guest expects."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

HEADERS = ("arch/arm64/include/asm/vgic.h", "arch/arm64/include/asm/gicv2.h")
SOURCES = (
    "xen/include/xen/irq.h",
    "arch/arm64/include/asm/vgic_state.h",
    "xen/irq/irq.c",
    "arch/arm64/irq/vgic_lr.c",
    "arch/arm64/irq/vgic.c",
    "arch/arm64/irq/vgic_dist.c",
)
FLAGS = "-std=gnu11 -O1 -g -Wall -Wno-unused -fsanitize=address,undefined".split()


def _body(root: Path, names: tuple[str, ...]) -> str:
    """Sources without what they include and the accesses to registers, which the machine has."""
    text = "\n".join((root / name).read_text() for name in names)
    text = re.sub(r"^#(include|pragma).*$", "", text, flags=re.MULTILINE)
    return re.sub(r"^static inline \w+ gic_(load|store)\(.*?^}", "", text, flags=re.M | re.S)


@pytest.fixture(scope="module")
def model(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program."""
    folder = tmp_path_factory.mktemp("vgic")
    (folder / "types.h").write_text(_body(root, HEADERS))
    (folder / "body.h").write_text(_body(root, SOURCES))
    source = root / "tests/host/vgic/model.c"
    command = ["gcc", *FLAGS, f"-I{folder}", str(source), "-o", str(folder / "model")]
    subprocess.run(command, check=True)
    return folder / "model"


@pytest.mark.parametrize("registers", (1, 2, 4))
@pytest.mark.parametrize("seed", range(1, 5))
def test_interrupts(model: Path, seed: int, registers: int) -> None:
    """Nothing comes without a cause, twice, or never."""
    arguments = [str(seed), "200000", str(registers)]
    done = subprocess.run([model, *arguments], capture_output=True, text=True, check=False)
    assert done.stdout == "ok\n", done.stdout + done.stderr
