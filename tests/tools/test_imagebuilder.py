# SPDX-License-Identifier: Apache-2.0
"""ImageBuilder's configurations: read as text, shell code and unknown keys refused by name."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenolith.errors import UserError
from xenolith.system import imagebuilder
from xenolith.system.imagebuilder import keys
from xenolith.system.spec import Channel, Pool, Range, SharedMemory, Spec

DOM0LESS = """
# comment
MEMORY_START="0x0"
MEMORY_END="0x80000000"
LOAD_CMD="tftpb"
DEVICE_TREE="board.dtb"
XEN="xen"
XEN_CMD="console=dtuart dtuart=serial0 dom0_mem=1G"   # tail
DOM0_KERNEL='Image'
DOM0_RAMDISK=initrd.gz
DOM0_CMD="console=hvc0 \\
root=/dev/ram0"
NUM_CPUPOOLS=1
CPUPOOL[0]="cpu@1,cpu@2 null"
NUM_DOMUS=2
DOMU_KERNEL[0]="Image-domU"
DOMU_MEM[0]=256
DOMU_VCPUS[0]=2
DOMU_VPL011[0]=0
DOMU_ENHANCED[0]=2
DOMU_CPUPOOL[0]=0
DOMU_VCPU_HARD_AFFINITY[0,1]="2-3"
DOMU_STATIC_EVTCHNS[0]="1 1 2; 3 1 4"
DOMU_KERNEL[1]="other"
DOMU_STATIC_MEM[1]="0x50000000 0x10000000"
DOMU_SHARED_MEM[1]="SHM_0 0x70000000 0x80000000 0x1000000"
DOMU_PASSTHROUGH_DTB[1]="net.dtb"
DOMU_NR_SPIS[1]=64
"""


def read(text: str) -> Spec:
    return imagebuilder.parse(text, "config")


def test_a_configuration_with_everything() -> None:
    spec = read(DOM0LESS)
    assert spec.memory == Range(0, 0x8000_0000)
    assert spec.arguments == "console=dtuart dtuart=serial0 dom0_mem=1G"
    assert spec.dom0 is not None
    assert spec.dom0.arguments == "console=hvc0 root=/dev/ram0"
    assert spec.pools == (Pool(("cpu@1", "cpu@2"), "null"),)
    first, second = spec.guests
    assert (first.memory, first.vcpus, first.vpl011) == (256 << 10, 2, False)
    assert (first.enhanced, first.pool, first.affinity) == ("no-xenstore", 0, {1: "2-3"})
    assert first.channels == (Channel(1, 1, 2), Channel(3, 1, 4))
    assert second.static_memory == (Range(0x5000_0000, 0x1000_0000),)
    assert second.memory == 0x1000_0000 >> 10
    assert second.direct_map
    assert second.shared_memory == (SharedMemory("SHM_0", 0x7000_0000, 0x8000_0000, 1 << 24),)
    assert second.numbers == {"nr_spis": 64}
    assert [name for _, name in spec.files()][-1] == "board.dtb"


def test_defaults_are_imagebuilders() -> None:
    spec = read("XEN=xen\nDOM0_KERNEL=Image\nDOM0_MEM=512\nDOM0_VCPUS=2\n")
    assert "dom0_mem=512M dom0_max_vcpus=2" in spec.arguments
    assert spec.dom0 is not None
    assert spec.dom0.arguments.endswith(
        "earlycon=xenboot earlyprintk clk_ignore_unused root=/dev/ram0"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('XEN="$(pwd)/xen"', "config:1: XEN has a shell substitution"),
        ('XEN="`id`"', "substitution"),
        ("XEN=xen; rm -rf /", "shell code"),
        ("XEN=$HOME/xen", "shell code"),
        ("XEN=xen other", "shell code"),
        ("source other", "only assignments"),
        ("for i in 1 2; do", "only assignments"),
        ("DOMU_KERNEL=(a b)", "written DOMU_KERNEL"),
        ("XEN+=x", "not read"),
        ("XEN[0]=x", "is written XEN="),
        ("COLOUR=red", "config:1: COLOUR is no key"),
        ("LINUX=Image", "without a hypervisor"),
        ("FIT_ENC_KEY_DIR=k", "mkimage -F"),
        ("LOPPER_PATH=l", "DOMU_PASSTHROUGH_PATHS"),
        ("DOMU_EVTCHN=1,1,1", "DOMU_STATIC_EVTCHNS"),
        ("DOMU_MEM[999]=1", "largest index"),
        ("XEN=x\nDOM0_KERNEL=k\nDOMU_MEM[0]=1", "NUM_DOMUS is 0"),
        ('XEN="a\nb"', "config:1: XEN: a quote is not closed"),
        (r'XEN="a\\$HOME"', "substitution"),
        ("XEN=x\nDOM0_KERNEL=k\nCPUPOOL[0]='cpu@0 null'", "CPUPOOL.0.: NUM_CPUPOOLS is 0"),
        ("XEN=x\nDOM0_KERNEL=k\nDT_OVERLAY[1]=o\nNUM_DT_OVERLAY=1", "NUM_DT_OVERLAY is 1"),
        ("XEN=x\nDOM0_KERNEL=k\nMEMORY_START=0x40000000", "MEMORY_END: is missing"),
        ("XEN=x\nDOM0_KERNEL=k\nNUM_DOMUS=1", "DOMU_KERNEL\\[0\\]: is missing"),
        ("XEN=x\nDOM0_KERNEL=k\nNUM_DOMUS=many", "no number"),
        ("XEN=x", "nothing to run"),
        ("DOM0_KERNEL=k", "no hypervisor"),
        ("XEN='a b'\nDOM0_KERNEL=k", "spaces"),
        ("XEN=x\nNUM_DOMUS=1\nDOMU_KERNEL[0]=k\nDOMU_CPUPOOL[0]=3", "no cpupool 3"),
        ("XEN=x\nNUM_DOMUS=1\nDOMU_KERNEL[0]=k\nDOMU_ENHANCED[0]=9", "none of 0, 1, 2"),
        ("XEN=x\nNUM_DOMUS=1\nDOMU_KERNEL[0]=k\nDOMU_STATIC_MEM[0]=1", "groups of 2"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        read(text)
    assert caught.value.code == 2


EVERY = """MEMORY_START MEMORY_END LOAD_CMD BOOT_CMD DEVICE_TREE NUM_DT_OVERLAY DT_OVERLAY
UBOOT_SOURCE UBOOT_SCRIPT APPEND_EXTRA_CMDS FDTEDIT FIT FIT_ENC_KEY_DIR FIT_ENC_UB_DTB BITSTREAM
NUM_BOOT_AUX_FILE BOOT_AUX_FILE PREPEND_PATH DBG_FDT_PRINT_CHOSEN BOOTBIN GPT LINUX LINUX_CMD
LINUX_RAMDISK XEN XEN_CMD XEN_COLORS XEN_STATIC_HEAP XEN_POLICY XEN_LOAD NUM_CPUPOOLS CPUPOOL
DOM0_KERNEL DOM0_RAMDISK DOM0_CMD DOM0_MEM DOM0_VCPUS DOM0_COLORS DOM0_LOAD DOM0_ROOTFS NUM_DOMUS
DOMU_KERNEL DOMU_RAMDISK DOMU_CMD DOMU_MEM DOMU_VCPUS DOMU_COLORS DOMU_NOBOOT DOMU_STATIC_MEM
DOMU_DIRECT_MAP DOMU_ENHANCED DOMU_CPUPOOL DOMU_DRIVER_DOMAIN DOMU_SHARED_MEM DOMU_STATIC_EVTCHNS
DOMU_VCPU_HARD_AFFINITY DOMU_GRANT_VER DOMU_GRANT_FRAMES DOMU_MAPTRACK_FRAMES DOMU_VPL011
DOMU_NR_SPIS DOMU_CAPS DOMU_DOMID DOMU_PASSTHROUGH_PROP DOMU_P2M_MEM_MB DOMU_LOAD
DOMU_PASSTHROUGH_DTB DOMU_PASSTHROUGH_PATHS DOMU_ROOTFS PASSTHROUGH_DTS_REPO LOPPER_PATH LOPPER_CMD
""".split()
"""All keys that ImageBuilder has had."""
SETTINGS = {
    "MEMORY_START": "0x1000\nMEMORY_END=0x2000",
    "NUM_DT_OVERLAY": "1\nDT_OVERLAY[0]=o",
    "DT_OVERLAY": "o\nNUM_DT_OVERLAY=1",
    "NUM_BOOT_AUX_FILE": "1\nBOOT_AUX_FILE[0]=f",
    "BOOT_AUX_FILE": "f\nNUM_BOOT_AUX_FILE=1",
    "NUM_CPUPOOLS": "1\nCPUPOOL[0]=cpu@1",
    "CPUPOOL": "cpu@1\nNUM_CPUPOOLS=1",
    "NUM_DOMUS": "2\nDOMU_KERNEL[1]=k",
    "BOOT_CMD": "bootefi",
    "DOM0_COLORS": "1-2",
    "DOM0_ROOTFS": "r\nLOAD_CMD='load mmc 0:1'",
    "DOMU_CPUPOOL": "0\nNUM_CPUPOOLS=1\nCPUPOOL[0]=cpu@1",
    "DOMU_STATIC_MEM": "'0x1000 0x100000'",
    "DOMU_DIRECT_MAP": "1\nDOMU_STATIC_MEM[0]='0x1000 0x100000'",
    "DOMU_SHARED_MEM": "'id 0x1000 0x1000 0x1000'",
    "DOMU_STATIC_EVTCHNS": "'1 0 2'",
    "DOMU_PASSTHROUGH_PATHS": "/uart",
    "DOMU_VPL011": "0",
    "DOMU_CAPS": "control",
    "DOMU_PASSTHROUGH_PROP": "enabled",
    "DOMU_VCPU_HARD_AFFINITY": "1",
    "XEN_STATIC_HEAP": "'0x1000 0x1000'",
}
"""What to write to see a key's effect, for those where 3 will not do."""


@pytest.mark.parametrize("key", EVERY)
def test_every_key_has_an_effect_or_is_refused_by_name(key: str) -> None:
    indexed = key in keys.INDEXED
    base = "XEN=x\nDOM0_KERNEL=k\nNUM_DOMUS=1\nDOMU_KERNEL[0]=k\n"
    text = f"{base}{key}{'[0]' * indexed}={SETTINGS.get(key, '3')}\n"
    if key in keys.REFUSED:
        with pytest.raises(UserError, match=f"{key} is not supported: "):
            read(text)
    elif key == "DOMU_DRIVER_DOMAIN":
        assert key in read(text.replace("3", "1")).notes[0]
    else:
        if key in ("DOMU_DIRECT_MAP", "DOMU_CPUPOOL"):
            other = SETTINGS[key].partition("\n")[2]
            base += other + "\n" + ("DOMU_DIRECT_MAP[0]=0" if key == "DOMU_DIRECT_MAP" else "")
        value = text.replace("=3", "=2") if key == "DOMU_ENHANCED" else text
        assert read(value) != read(base)


def test_quotes_and_comments_are_the_shells() -> None:
    text = """XEN=x # the hypervisor \\
DOM0_KERNEL=k
# a comment is one line \\
DOM0_CMD="a\\b \\$c \\"d\\" # e" # tail
DOM0_RAMDISK='r'"s"t
"""
    spec = read(text)
    assert spec.dom0 is not None
    assert spec.dom0.arguments == 'a\\b $c "d" # e root=/dev/ram0'
    assert spec.dom0.ramdisk == "rst"


@given(st.text(max_size=200))
def test_no_text_is_more_than_refused(text: str) -> None:
    with contextlib.suppress(UserError):
        read(text)
