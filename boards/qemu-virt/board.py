"""QEMU's `virt` machines.

Sources: docs/system/arm/virt.rst and hw/arm/virt.c of QEMU 10.0 for the memory map; the device tree
that `-M virt,...,dumpdtb=` writes for the console's path.
"""

from xenolith.boards import Board, Qemu

RAM_BASE = 0x4000_0000

ARM64 = Board(
    name="qemu-virt-arm64",
    arch="arm64",
    family="qemu-virt",
    # GICv2 and a Cortex-A72: the Raspberry Pi 4's twin.
    qemu=Qemu(
        binary="qemu-system-aarch64",
        package="qemu-system-arm",
        machine="virt,virtualization=on,gic-version=2",
        cpu="cortex-a72",
        # Only the devices asked for: no network card that would need a boot ROM package.
        args=("-nodefaults",),
        min_version=(10, 0),
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
    defines=("BOARD_UART_PL011=0x09000000",),
)

BOARDS = (ARM64,)
