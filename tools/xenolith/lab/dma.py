# SPDX-License-Identifier: Apache-2.0
"""What Linux and QEMU tell of DMA: memory prepared for a bus master, and what it accessed."""

from __future__ import annotations

import re
from dataclasses import dataclass

PAGE = r": dma_map_page: {} \S+ dma_addr=(\w+) size=(\d+) phys_addr=(\w+)"
LIST = r": dma_map_sg: {} .*? dma_addrs={{(.*?)}} sizes={{(.*?)}} phys_addrs={{(.*?)}}"
"""Trace events of Linux 6.12, include/trace/events/dma.h."""


@dataclass(frozen=True)
class Mapping:
    """A piece of memory that Linux prepared: bus address, length, physical address."""

    bus: int
    size: int
    physical: int


@dataclass(frozen=True)
class Access:
    """A device's access to memory; `way` is `read` or `write`."""

    way: str
    bus: int
    size: int


def mappings(trace: str, master: str) -> list[Mapping]:
    """From the text of Linux' trace buffer, for a device's name. Raises ValueError if damaged."""
    made = []
    for bus, size, physical in re.findall(PAGE.format(re.escape(master)), trace):
        made.append(Mapping(int(bus, 16), int(size), int(physical, 16)))
    for lists in re.findall(LIST.format(re.escape(master)), trace):
        values = [[int(word, 16) for word in words.split(",")] for words in lists]
        made += [Mapping(*each) for each in zip(*values, strict=True)]
    return made


def usb_accesses(log: str) -> list[Access]:
    """From QEMU's trace events usb_dwc2_memory_*, without empty packets."""
    found = re.findall(r"usb_dwc2_memory_(\w+) addr (-?\d+) len (\d+)", log)
    # The addresses are printed as if they were signed.
    every = [Access(way, int(at) % (1 << 32), int(size)) for way, at, size in found]
    return [access for access in every if access.size]
