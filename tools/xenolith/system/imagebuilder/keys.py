# SPDX-License-Identifier: Apache-2.0
"""The keys of ImageBuilder: which are read, which are not and why."""

from __future__ import annotations

from xenolith.errors import UserError

GLOBAL = """MEMORY_START MEMORY_END LOAD_CMD BOOT_CMD DEVICE_TREE NUM_DT_OVERLAY UBOOT_SOURCE
UBOOT_SCRIPT APPEND_EXTRA_CMDS FDTEDIT FIT BITSTREAM NUM_BOOT_AUX_FILE PREPEND_PATH XEN XEN_CMD
XEN_COLORS XEN_STATIC_HEAP XEN_POLICY XEN_LOAD NUM_CPUPOOLS DOM0_KERNEL DOM0_RAMDISK DOM0_CMD
DOM0_MEM DOM0_VCPUS DOM0_COLORS DOM0_LOAD DOM0_ROOTFS NUM_DOMUS DBG_FDT_PRINT_CHOSEN""".split()
INDEXED = """DT_OVERLAY BOOT_AUX_FILE CPUPOOL DOMU_KERNEL DOMU_RAMDISK DOMU_CMD DOMU_MEM DOMU_VCPUS
DOMU_COLORS DOMU_NOBOOT DOMU_ROOTFS DOMU_STATIC_MEM DOMU_DIRECT_MAP DOMU_ENHANCED DOMU_CPUPOOL
DOMU_DRIVER_DOMAIN DOMU_SHARED_MEM DOMU_STATIC_EVTCHNS DOMU_VCPU_HARD_AFFINITY DOMU_GRANT_VER
DOMU_GRANT_FRAMES DOMU_MAPTRACK_FRAMES DOMU_VPL011 DOMU_NR_SPIS DOMU_CAPS DOMU_DOMID
DOMU_PASSTHROUGH_PROP DOMU_P2M_MEM_MB DOMU_LOAD DOMU_PASSTHROUGH_DTB
DOMU_PASSTHROUGH_PATHS""".split()
COUNTERS = {
    "DT_OVERLAY": "NUM_DT_OVERLAY",
    "BOOT_AUX_FILE": "NUM_BOOT_AUX_FILE",
    "CPUPOOL": "NUM_CPUPOOLS",
}
"""How many elements an array has; DOMU_*: NUM_DOMUS."""
_LINUX = "Linux without a hypervisor is not booted; name XEN"
_SIGNING = "FIT images are not signed; sign the one written here with `mkimage -F -k`"
_PARTIAL = "partial trees are made from DEVICE_TREE by DOMU_PASSTHROUGH_PATHS; leave it out"
REFUSED = {
    "FIT_ENC_KEY_DIR": _SIGNING,
    "FIT_ENC_UB_DTB": _SIGNING,
    "BOOTBIN": "boot images of that family are not made",
    "GPT": "the card has an MBR; see `image`",
    "LINUX": _LINUX,
    "LINUX_CMD": _LINUX,
    "LINUX_RAMDISK": _LINUX,
    "LINUX_ROOTFS": _LINUX,
    "PASSTHROUGH_DTS_REPO": _PARTIAL,
    "LOPPER_PATH": _PARTIAL,
    "LOPPER_CMD": _PARTIAL,
    # Words of forks.
    "DOMU_SHMEM": "write DOMU_SHARED_MEM, as in ImageBuilder itself",
    "DOMU_EVTCHN": "write DOMU_STATIC_EVTCHNS, as in ImageBuilder itself",
    "DOMU_BOOTARGS": "write DOMU_CMD, as in ImageBuilder itself",
    "USE_COLORING": "write XEN_COLORS, DOM0_COLORS and DOMU_COLORS",
    "LOG_LEVEL": "put loglvl= into XEN_CMD",
}
ALIASES = {
    "tftp": "tftpb",
    "sd": "load mmc 0:1",
    "scsi": "load scsi 0:1",
    "virtio": "load virtio 0:1",
    "usb": "fatload usb 0:1",
}
"""Short names of load commands."""


def check(name: str, indexed: bool, where: str) -> None:
    """Raise UserError for a key that is not read; `indexed`: it is written NAME[number]."""
    if name in REFUSED:
        raise UserError(f"{where}: {name} is not supported: {REFUSED[name]}", 2)
    if name not in GLOBAL and name not in INDEXED:
        raise UserError(f"{where}: {name} is no key of ImageBuilder's that is known here", 2)
    if indexed != (name in INDEXED):
        form = f"{name}[number]=" if name in INDEXED else f"{name}="
        raise UserError(f"{where}: {name} is written {form}", 2)
