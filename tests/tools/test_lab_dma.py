# SPDX-License-Identifier: Apache-2.0
"""Addresses in the traces of Linux and QEMU; the lines are from a run on raspi4b."""

from __future__ import annotations

import pytest

from xenolith.lab.dma import Access, Mapping, mappings, usb_accesses

TRACE = """\
 usb-storage-193 [001] .....  8.605622: xen_swiotlb_map_page <-dma_map_page_attrs
 usb-storage-193 [001] .....  8.605747: dma_map_page: fe980000.usb dir=FROM_DEVICE \
dma_addr=caa50000 size=4096 phys_addr=aa50000 attrs=
 dd-166 [002] .....  5.137972: dma_map_sg: fe007000.dma-controller dir=FROM_DEVICE nents=2/2 \
ents=2/2 dma_addrs={0xcbaf5000,0xcbbc0000} sizes={0xb000,0x2ff4} phys_addrs={0xbaf5000,0xbbc0000} \
attrs=
 <idle>-0 [000] ..s..  8.652757: dma_unmap_page: fe980000.usb dir=FROM_DEVICE \
dma_addr=cca7f000 size=4096 attrs=
"""


def test_what_linux_prepared() -> None:
    assert mappings(TRACE, "fe980000.usb") == [Mapping(0xCAA50000, 4096, 0xAA50000)]
    assert mappings(TRACE, "fe007000.dma-controller") == [
        Mapping(0xCBAF5000, 0xB000, 0xBAF5000),
        Mapping(0xCBBC0000, 0x2FF4, 0xBBC0000),
    ]
    assert mappings(TRACE, "fe980000xusb") == []
    with pytest.raises(ValueError, match="shorter"):
        mappings(TRACE.replace("0xb000,", ""), "fe007000.dma-controller")


def test_what_a_device_accessed() -> None:
    log = """\
usb_dwc2_memory_read addr -880717416 len 8
usb_dwc2_memory_read addr -850739200 len 0
usb_dwc2_memory_write addr 4096 len 18
"""
    assert usb_accesses(log) == [Access("read", 0xCB815198, 8), Access("write", 0x1000, 18)]
