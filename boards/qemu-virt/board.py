# SPDX-License-Identifier: Apache-2.0
"""QEMU's `virt` machines.

Sources: docs/system/arm/virt.rst and hw/arm/virt.c of QEMU 10.0 for the memory map; the device tree
that `-M virt,...,dumpdtb=` writes for the console's path.
"""

from xenolith.boards import Board, Card, Qemu, Uart, Uboot

RAM_BASE = 0x4000_0000
RISCV_RAM_BASE = 0x8000_0000

DISK = Card(texts=(), files=(), trees=())
"""A disk holds nothing for a firmware: QEMU is given U-Boot, and makes the device tree."""

ARM64 = Board(
    name="qemu-virt-arm64",
    arch="arm64",
    family="qemu-virt",
    # GICv2 and a Cortex-A72: the Raspberry Pi 4's twin.
    qemu=Qemu(
        binary="qemu-system-aarch64",
        package="qemu-system-arm",
        # The tree is the same every time: no seed in it.
        machine="virt,virtualization=on,gic-version=2,dtb-randomness=off",
        cpu="cortex-a72",
        # Only the devices asked for: no network card that would need a boot ROM package.
        args=("-nodefaults",),
        min_version=(10, 0),
        virtio=32,
        last_first=True,
    ),
    debian_arch="arm64",
    smp=2,
    # GICv2 addresses eight CPU interfaces [GICv2 2.1].
    max_smp=8,
    memory=2048,
    min_memory=512,
    dom0_memory=1024,
    ram_base=RAM_BASE,
    # QEMU places an Image with text_offset 0 at RAM + 2 MiB and its device tree at RAM + 128 MiB
    # (hw/arm/boot.c). Modules lie between these: the RAM above stays in one piece, which a dom0
    # whose memory is mapped 1:1 needs.
    kernel_addr=RAM_BASE + 0x0200_0000,
    initrd_addr=RAM_BASE + 0x0500_0000,
    console="/pl011@9000000",
    early_uart=Uart("pl011", 0x0900_0000),
    # QEMU leaves its device tree at the start of RAM; U-Boot moves itself to RAM's end
    # (doc/board/emulation/qemu-arm.rst, include/configs/qemu-arm.h).
    uboot=Uboot(
        script=RAM_BASE + 0x0020_0000,
        start=RAM_BASE + 0x0040_0000,
        end=RAM_BASE + 0x1800_0000,
        tree="fdt_addr",
        taken=(("QEMU's device tree", RAM_BASE, RAM_BASE + 0x0020_0000),),
    ),
    compatible=("linux,dummy-virt",),
    card=DISK,
)


def _riscv64(name: str, machine: str, cpu: str) -> Board:
    """A RISC-V machine. OpenSBI, QEMU's default firmware, stands in the first 2 MiB of RAM."""
    return Board(
        name=name,
        arch="riscv",
        family="qemu-virt",
        qemu=Qemu(
            binary="qemu-system-riscv64",
            package="qemu-system-misc",
            machine=machine,
            cpu=cpu,
            args=("-nodefaults",),
            min_version=(10, 0),
            virtio=8,
        ),
        debian_arch="riscv64",
        smp=2,
        max_smp=8,
        memory=2048,
        min_memory=512,
        dom0_memory=1024,
        ram_base=RISCV_RAM_BASE,
        kernel_addr=RISCV_RAM_BASE + 0x0200_0000,
        initrd_addr=RISCV_RAM_BASE + 0x0500_0000,
        console="/soc/serial@10000000",
        early_uart=Uart("ns16550", 0x1000_0000),
        # OpenSBI and U-Boot's first copy stand below; it moves itself to RAM's end
        # (doc/board/emulation/qemu-riscv.rst, include/configs/qemu-riscv.h).
        uboot=Uboot(
            script=RISCV_RAM_BASE + 0x0C10_0000,
            start=RISCV_RAM_BASE + 0x0100_0000,
            end=RISCV_RAM_BASE + 0x1800_0000,
            tree="fdtcontroladdr",
            taken=(("OpenSBI", RISCV_RAM_BASE, RISCV_RAM_BASE + 0x0020_0000),),
            loaded=(RISCV_RAM_BASE + 0x0020_0000, RISCV_RAM_BASE + 0x0100_0000),
        ),
        compatible=("riscv-virtio",),
        card=DISK,
    )


# The event-channel interrupt is a local one of the guest, which needs Ssaia.
RISCV64 = _riscv64("qemu-virt-riscv64", "virt", "rv64,svpbmt=on,smstateen=on,smaia=on,ssaia=on")
RISCV64_AIA = _riscv64(
    "qemu-virt-riscv64-aia", "virt,aia=aplic-imsic,aia-guests=7", "rv64,svpbmt=on,smstateen=on"
)

BOARDS = (ARM64, RISCV64, RISCV64_AIA)
