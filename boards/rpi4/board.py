# SPDX-License-Identifier: Apache-2.0
"""Raspberry Pi 4 B: four Cortex-A72, GIC-400, 1 to 8 GB; QEMU's raspi4b plays the one of 2 GB.

Sources: Linux 6.12, arch/arm/boot/dts/broadcom/bcm2711*.dtsi and bcm2711-rpi-4-b.dts; U-Boot
2025.01, board/raspberrypi/rpi/rpi.env; hw/arm/raspi4b.c and hw/arm/boot.c of QEMU 10.0, and what
these did when they ran.
"""

from xenolith.boards import Board, Card, Qemu, Tree, Uart, Uboot

ABSENT = """/soc/clock@7ef00000 /soc/interrupt-controller@7ef00100 /soc/hdmi@7ef00700
/soc/hdmi@7ef05700 /soc/i2c@7ef04500 /soc/i2c@7ef09500 /soc/hvs@7e400000 /soc/pixelvalve@7e206000
/soc/pixelvalve@7e207000 /soc/pixelvalve@7e20a000 /soc/pixelvalve@7e216000 /soc/pwm@7e20c800
/soc/avs-monitor@7d5d2000 /soc/rng@7e104000 /soc/txp@7e004000 /soc/mailbox@7e00b840
/scb/pcie@7d500000 /scb/ethernet@7d580000 /scb/gpu@7ec00000 /gpu
/soc/interrupt-controller@40000000""".split()
"""An access to one of these is an external abort in QEMU."""

NO_EXPANDER = (
    ("/soc/mmc@7e300000", "mmc-pwrseq", None),
    ("/emmc2bus/mmc@7e340000", "vmmc-supply", None),
    ("/emmc2bus/mmc@7e340000", "vqmmc-supply", None),
)
"""What switches the power of the SD hosts hangs on the firmware's GPIO expander; QEMU's firmware
answers none of its requests, and without them Linux does not use a host. QEMU's card is always on,
and in the host that drives WLAN on a board."""

SCREEN = (("/soc/fb", "compatible", b"brcm,bcm2708-fb\0"),)
"""The firmware's frame buffer, as Raspberry Pi's own device trees name it: by this U-Boot finds it
where the node of HDMI is off. U-Boot tells Linux of it as /framebuffer@ADDRESS."""

USB_NETWORK = ("-netdev", "user,id=net0", "-device", "usb-net,netdev=net0")
"""QEMU has no Ethernet here. Linux drives USB (DWC2) by DMA at an offset, as on a board."""

FIRMWARE = ("raspi-firmware", "usr/lib/raspi-firmware")
CARD = Card(
    texts=("config.txt", "extraconfig.txt"),
    files=(
        # What starts U-Boot; the second pair is for gpu_mem=16. The first stage is in an EEPROM.
        *((FIRMWARE[0], f"{FIRMWARE[1]}/{name}", name) for name in ("start4.elf", "fixup4.dat")),
        *(
            (FIRMWARE[0], f"{FIRMWARE[1]}/{name}", name)
            for name in ("start4cd.elf", "fixup4cd.dat")
        ),
        # Of Debian's builds the one that takes the firmware's device tree for all its own drivers:
        # one binary for Pi 4 B, 400 and Compute Module 4, which do not share one tree.
        ("u-boot-rpi", "usr/lib/u-boot/rpi_arm64/u-boot.bin", "u-boot.bin"),
    ),
    # The firmware chooses by these names; Linux calls the last one after its carrier board.
    trees=(
        ("bcm2711-rpi-4-b.dtb", "bcm2711-rpi-4-b.dtb"),
        ("bcm2711-rpi-400.dtb", "bcm2711-rpi-400.dtb"),
        ("bcm2711-rpi-cm4-io.dtb", "bcm2711-rpi-cm4.dtb"),
    ),
    trusted=(("arm-trusted-firmware", "usr/lib/arm-trusted-firmware/rpi4/bl31.bin", "bl31.bin"),),
    trusted_line="armstub=bl31.bin",
)
"""Sources: Raspberry Pi documentation on config.txt; U-Boot, doc/board/broadcom/raspberrypi.rst;
Trusted Firmware, docs/plat/rpi4.rst."""

RPI4 = Board(
    name="rpi4",
    arch="arm64",
    family="rpi4",
    qemu=Qemu(
        binary="qemu-system-aarch64",
        package="qemu-system-arm",
        machine="raspi4b",
        cpu="",
        min_version=(10, 0),
        serial=1,  # the mini-UART; the first one is the PL011
        network=USB_NETWORK,
        disk="usb-storage",
        tree=Tree("broadcom/bcm2711-rpi-4-b.dtb", tuple(ABSENT), (*NO_EXPANDER, *SCREEN)),
    ),
    debian_arch="arm64",
    # QEMU's machine has neither more nor fewer.
    smp=4,
    min_smp=4,
    max_smp=4,
    memory=2048,
    min_memory=2048,
    max_memory=2048,
    # The video core has the end of the first GiB: 64 MiB in QEMU, 76 MiB on a board.
    low_memory=960,
    high_ram=0x4000_0000,
    dom0_memory=512,
    ram_base=0,
    # QEMU's device tree is at 128 MiB. Above the modules memory stays in one piece for dom0, most
    # of whose devices reach the first GiB only.
    kernel_addr=0x0200_0000,
    initrd_addr=0x0500_0000,
    console="/soc/serial@7e215040",
    # The mini-UART, by the addresses of the CPU [BCM2711 peripherals 1.2.4, 2.2].
    early_uart=Uart("ns16550", 0xFE21_5040, shift=2, width=4),
    # The firmware loads U-Boot to 0x80000. It moves itself to the end of the first bank, its heap
    # and stack below, and leaves the firmware's device tree where that was. How large the first
    # bank is depends on gpu_mem; 640 MiB remain for any but absurd values. U-Boot maps nothing
    # above 4 GiB (arch/arm/mach-bcm283x/init.c).
    uboot=Uboot(
        script=0x0540_0000,
        start=0x0080_0000,
        end=0x2800_0000,
        tree="fdt_addr",
        taken=(
            ("firmware: spin table, stub or TF-A", 0, 0x0008_0000),
            ("U-Boot running, firmware's tree, GPU", 0x2800_0000, 0x4000_0000),
            ("devices", 0xFC00_0000, 0x1_0000_0000),
        ),
        loaded=(0x0008_0000, 0x0080_0000),
        reach=0xFC00_0000,
    ),
    compatible=(
        "raspberrypi,4-model-b",
        "raspberrypi,4-compute-module",
        "raspberrypi,400",
        "brcm,bcm2711",
    ),
    card=CARD,
)

BOARDS = (RPI4,)
