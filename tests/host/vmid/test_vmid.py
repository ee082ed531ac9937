"""VMIDs of both ports as domains come and go: no CPU runs a domain under another one's number."""

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


@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("port", PORTS)
def test_numbers(root: Path, tmp_path: Path, port: str, seed: int) -> None:
    number, start, last = PORTS[port]
    source = (root / "arch" / port / "mm" / "vmid.c").read_text()
    body = re.sub(r"^#include.*$", "", source, flags=re.MULTILINE)
    body = re.sub(r"__asm__ volatile\([^;]*\);", "", body)
    body += f"\n#define PORT_NUMBER(hw, c) ((void)(c), {number})\n#define PORT_START() {start}\n"
    (tmp_path / "body.h").write_text(body)
    program = tmp_path / "vmid"
    flags = [
        "-std=gnu11",
        "-O1",
        "-Wall",
        "-Wno-unused",
        f"-DPORT_LAST={last}",
        "-fsanitize=address,undefined",
    ]
    command = ["gcc", *flags, f"-I{tmp_path}", str(root / "tests/host/vmid/vmid.c"), "-o"]
    subprocess.run([*command, str(program)], check=True)
    done = subprocess.run(
        [program, str(seed), "300000"], capture_output=True, text=True, check=False
    )
    assert done.stdout == "ok\n", done.stdout + done.stderr
