# SPDX-License-Identifier: Apache-2.0
"""USB devices that are plugged into a machine of QEMU when its hypervisor speaks.

QEMU's USB controller (DWC2) tells of a device once. If that is to U-Boot, Linux never hears of it.
"""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from xenolith.errors import UserError

SIGN = b"(XEN) "
Watch = Callable[[bytes], None]


def split(options: Sequence[str]) -> tuple[list[str], list[str]]:
    """QEMU's options without their USB devices, and these as arguments of `device_add`."""
    rest: list[str] = []
    devices: list[str] = []
    for word in options:
        if rest and rest[-1] == "-device" and word.startswith("usb-"):
            rest.pop()
            devices.append(word)
        else:
            rest.append(word)
    return rest, devices


@contextmanager
def later(devices: Sequence[str], watch: Watch | None) -> Iterator[tuple[list[str], Watch]]:
    """Options of QEMU for a monitor, and what must see all that the console says.

    `watch` sees it too.
    """
    # The name of a socket may have 107 characters, which a checkout's folder may have already.
    with (
        tempfile.TemporaryDirectory(prefix="xenolith-") as folder,
        socket.socket(socket.AF_UNIX) as monitor,
    ):
        path = Path(folder) / "monitor"
        seen = b""

        def see(data: bytes) -> None:
            nonlocal seen
            if SIGN not in seen:
                seen = seen[-len(SIGN) :] + data
                if SIGN in seen:
                    _plug(monitor, path, devices)
            if watch:
                watch(data)

        yield ["-monitor", f"unix:{path},server=on,wait=off"] if devices else [], see


def _plug(monitor: socket.socket, path: Path, devices: Sequence[str]) -> None:
    try:
        for number, device in enumerate(devices):
            if not number:
                monitor.connect(str(path))
            monitor.sendall(f"device_add {device}\n".encode())
    except OSError as e:
        raise UserError(f"QEMU's monitor does not answer: {e.strerror}") from e
