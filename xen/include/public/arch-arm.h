/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Arm part of the guest ABI, 64-bit guests: hypercall tag, vCPU context and domain
 * configuration of the tools, and where things stand in a guest that the tools build.
 */
#pragma once

#include <public/types.h>

/* Immediate of the HVC instruction of a hypercall; number in x16, arguments in x0..x4. */
#define XEN_HYPERCALL_TAG 0xEA1

/* Registers of a vCPU as the tools read and write them. */
struct vcpu_guest_core_regs {
    uint64_t x0;
    uint64_t x1;
    uint64_t x2;
    uint64_t x3;
    uint64_t x4;
    uint64_t x5;
    uint64_t x6;
    uint64_t x7;
    uint64_t x8;
    uint64_t x9;
    uint64_t x10;
    uint64_t x11;
    uint64_t x12;
    uint64_t x13;
    uint64_t x14;
    uint64_t x15;
    uint64_t x16;
    uint64_t x17;
    uint64_t x18;
    uint64_t x19;
    uint64_t x20;
    uint64_t x21;
    uint64_t x22;
    uint64_t x23;
    uint64_t x24;
    uint64_t x25;
    uint64_t x26;
    uint64_t x27;
    uint64_t x28;
    uint64_t x29;
    uint64_t x30;
    uint64_t pc64;
    uint64_t cpsr;
    uint64_t spsr_el1;
    uint32_t spsr_fiq;
    uint32_t spsr_irq;
    uint32_t spsr_und;
    uint32_t spsr_abt;
    uint64_t sp_el0;
    uint64_t sp_el1;
    uint64_t elr_el1;
};

/* vcpu_guest_context.flags */
#define VGCF_online 1

struct vcpu_guest_context {
    uint32_t flags;
    struct vcpu_guest_core_regs user_regs;
    uint64_t sctlr;
    uint64_t ttbcr;
    uint64_t ttbr0;
    uint64_t ttbr1;
};

#define XEN_DOMCTL_CONFIG_GIC_NATIVE 0
#define XEN_DOMCTL_CONFIG_GIC_V2     1
#define XEN_DOMCTL_CONFIG_GIC_V3     2

#define XEN_DOMCTL_CONFIG_TEE_NONE  0
#define XEN_DOMCTL_CONFIG_TEE_OPTEE 1
#define XEN_DOMCTL_CONFIG_TEE_FFA   2

/* Part of createdomain and getdomaininfo. */
struct xen_arch_domainconfig {
    uint8_t gic_version;
    uint8_t sve_vl; /* vector length / 128, 0: no SVE */
    uint16_t tee_type;
    uint32_t nr_spis;
    uint32_t clock_frequency; /* out: Hz when the timer node must say so, else 0 */
};

/* HVM_PARAM_CALLBACK_IRQ: PPI in the low byte, flags above it. */
#define HVM_PARAM_CALLBACK_TYPE_PPI                2
#define HVM_PARAM_CALLBACK_TYPE_PPI_FLAG_MASK      0xFF00
#define HVM_PARAM_CALLBACK_TYPE_PPI_FLAG_LOW_LEVEL 2

/* Fields of a processor state word. */
#define PSR_THUMB      0x20U
#define PSR_FIQ_MASK   0x40U
#define PSR_IRQ_MASK   0x80U
#define PSR_ABT_MASK   0x100U
#define PSR_BIG_ENDIAN 0x200U
#define PSR_DBG_MASK   0x200U
#define PSR_IT_MASK    0x0600fc00U
#define PSR_JAZELLE    0x01000000U
#define PSR_Z          0x40000000U

#define PSR_MODE_USR  0x10U
#define PSR_MODE_FIQ  0x11U
#define PSR_MODE_IRQ  0x12U
#define PSR_MODE_SVC  0x13U
#define PSR_MODE_MON  0x16U
#define PSR_MODE_ABT  0x17U
#define PSR_MODE_HYP  0x1aU
#define PSR_MODE_UND  0x1bU
#define PSR_MODE_SYS  0x1fU
#define PSR_MODE_BIT  0x10U
#define PSR_MODE_EL3h 0x0dU
#define PSR_MODE_EL3t 0x0cU
#define PSR_MODE_EL2h 0x09U
#define PSR_MODE_EL2t 0x08U
#define PSR_MODE_EL1h 0x05U
#define PSR_MODE_EL1t 0x04U
#define PSR_MODE_EL0t 0x00U

/* State in which a vCPU starts: EL1h with D, A, I and F masked [Linux booting.rst]. */
#define PSR_GUEST32_INIT 0x400001d3U
#define PSR_GUEST64_INIT 0x3c5U
#define SCTLR_GUEST_INIT 0x00c50078ULL

/* Guest physical layout made by the tools: devices ... */
#define GUEST_VIRTIO_MMIO_BASE            0x02000000ULL
#define GUEST_VIRTIO_MMIO_SIZE            0x00100000ULL
#define GUEST_GICD_BASE                   0x03001000ULL
#define GUEST_GICD_SIZE                   0x00001000ULL
#define GUEST_GICC_BASE                   0x03002000ULL
#define GUEST_GICC_SIZE                   0x00002000ULL
#define GUEST_GICV3_GICD_BASE             0x03001000ULL
#define GUEST_GICV3_GICD_SIZE             0x00010000ULL
#define GUEST_GICV3_RDIST_REGIONS         1
#define GUEST_GICV3_GICR0_BASE            0x03020000ULL
#define GUEST_GICV3_GICR0_SIZE            0x01000000ULL
#define GUEST_VPCI_ECAM_BASE              0x10000000ULL
#define GUEST_VPCI_ECAM_SIZE              0x10000000ULL
#define GUEST_ACPI_BASE                   0x20000000ULL
#define GUEST_ACPI_SIZE                   0x02000000ULL
#define GUEST_PL011_BASE                  0x22000000ULL
#define GUEST_PL011_SIZE                  0x00001000ULL
#define GUEST_VPCI_ADDR_TYPE_MEM          0x02000000ULL
#define GUEST_VPCI_MEM_ADDR               0x23000000ULL
#define GUEST_VPCI_MEM_SIZE               0x10000000ULL
#define GUEST_VPCI_ADDR_TYPE_PREFETCH_MEM 0x43000000ULL
#define GUEST_VPCI_PREFETCH_MEM_ADDR      0x100000000ULL
#define GUEST_VPCI_PREFETCH_MEM_SIZE      0x100000000ULL

/* ... grant table, pages of console and store rings ... */
#define GUEST_GNTTAB_BASE 0x38000000ULL
#define GUEST_GNTTAB_SIZE 0x01000000ULL
#define GUEST_MAGIC_BASE  0x39000000ULL
#define GUEST_MAGIC_SIZE  0x01000000ULL

/* ... and two banks of RAM. */
#define GUEST_RAM_BANKS 2
#define GUEST_RAM0_BASE 0x40000000ULL
#define GUEST_RAM0_SIZE 0xc0000000ULL
#define GUEST_RAM1_BASE 0x0200000000ULL
#define GUEST_RAM1_SIZE 0xfe00000000ULL
#define GUEST_RAM_BASE  0x40000000ULL
#define GUEST_RAM_MAX   0xfec0000000ULL

#define GUEST_MAX_VCPUS 128

/* Interrupts of such a guest. */
#define GUEST_TIMER_VIRT_PPI            27
#define GUEST_TIMER_PHYS_S_PPI          29
#define GUEST_TIMER_PHYS_NS_PPI         30
#define GUEST_EVTCHN_PPI                31
#define GUEST_VPL011_SPI                32
#define GUEST_VIRTIO_MMIO_SPI_FIRST     33
#define GUEST_VIRTIO_MMIO_SPI_LAST      43
#define GUEST_FFA_NOTIF_PEND_INTR_ID    8
#define GUEST_FFA_SCHEDULE_RECV_INTR_ID 9
