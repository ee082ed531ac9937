"""VMIDs of both ports as domains come and go: no CPU runs a domain under another one's number, or
by what its table was before a flush.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

PORTS = {
    "arm64": ("vmid_vttbr(hw) >> 48", "(void)0", "uint8_t"),
    "riscv": ("current_vmid(hw, c)", "(bits = 4, vmids = 16)", "uint16_t"),
}
"""A load's number, for a domain and a CPU; what the probe of the hardware would set; the type of
`last` in struct arch_p2m.
"""


def _body(*sources: Path) -> str:
    """What the models include: sources of a port without its headers and instructions."""
    text = "\n".join(source.read_text() for source in sources)
    text = re.sub(r"^#include.*$", "", text, flags=re.MULTILINE)
    return re.sub(r"__asm__ volatile\([^;]*\);", "", text)


def _run(folder: Path, source: Path, flags: list[str], *args: str) -> None:
    program = folder / source.stem
    command = ["gcc", "-std=gnu11", "-O1", "-Wall", "-Wno-unused", *flags, f"-I{folder}"]
    subprocess.run([*command, str(source), "-o", str(program)], check=True)
    done = subprocess.run([program, *args], capture_output=True, text=True, check=False)
    assert done.stdout == "ok\n", done.stdout + done.stderr


@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("port", PORTS)
def test_numbers(root: Path, tmp_path: Path, port: str, seed: int) -> None:
    number, start, last = PORTS[port]
    body = _body(root / "arch" / port / "mm" / "vmid.c")
    body += f"\n#define PORT_NUMBER(hw, c) ((void)(c), {number})\n#define PORT_START() {start}\n"
    (tmp_path / "body.h").write_text(body)
    flags = [f"-DPORT_LAST={last}", "-fsanitize=address,undefined"]
    _run(tmp_path, root / "tests/host/vmid/vmid.c", flags, str(seed), "300000")


@pytest.mark.parametrize("seed", range(1, 4))
def test_flushes(root: Path, tmp_path: Path, seed: int) -> None:
    """Where broadcasts need asking other CPUs: RISC-V."""
    folder = root / "arch/riscv/mm"
    (tmp_path / "body.h").write_text(_body(folder / "vmid.c", folder / "p2m.c"))
    _run(tmp_path, root / "tests/host/vmid/flush.c", ["-fsanitize=undefined"], str(seed), "3000000")
