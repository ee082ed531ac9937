"""ImageBuilder's configurations: read as text, shell code and unknown keys refused by name."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenolith.errors import UserError
from xenolith.system import imagebuilder
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


@given(st.text(max_size=200))
def test_no_text_is_more_than_refused(text: str) -> None:
    with contextlib.suppress(UserError):
        read(text)
