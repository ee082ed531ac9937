/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The RISC-V part of the guest ABI, 64-bit guests: hypercall number space, vCPU context and domain
 * configuration of the tools, and where things stand in a guest that the tools build. Xen 4.20 has
 * published no more of it than empty structures; docs/riscv-abi.md says what was taken from where.
 */
#pragma once

#include <public/types.h>

/* SBI extension of hypercalls (a7): number in a6, arguments in a1..a5, result in a0. */
#define XEN_SBI_EXT_HYPERCALL 0x0A000007

/* SBI implementation id that the base extension reports: Xen's. */
#define XEN_SBI_IMPL_ID 7

/* Local interrupt of a hart that says "events are pending" unless the device tree names another. */
#define XEN_RISCV_EVENT_IRQ 24

/* Registers of a vCPU as the tools read and write them, in the order of their numbers. */
struct vcpu_guest_core_regs {
    uint64_t pc; /* in place of x0 */
    uint64_t ra;
    uint64_t sp;
    uint64_t gp;
    uint64_t tp;
    uint64_t t0;
    uint64_t t1;
    uint64_t t2;
    uint64_t s0;
    uint64_t s1;
    uint64_t a0;
    uint64_t a1;
    uint64_t a2;
    uint64_t a3;
    uint64_t a4;
    uint64_t a5;
    uint64_t a6;
    uint64_t a7;
    uint64_t s2;
    uint64_t s3;
    uint64_t s4;
    uint64_t s5;
    uint64_t s6;
    uint64_t s7;
    uint64_t s8;
    uint64_t s9;
    uint64_t s10;
    uint64_t s11;
    uint64_t t3;
    uint64_t t4;
    uint64_t t5;
    uint64_t t6;
};

/* vcpu_guest_context.flags */
#define VGCF_online     1 /* the hart runs; else it waits for HSM hart_start */
#define VGCF_supervisor 2 /* it runs in supervisor mode; else in user mode */
#define VGCF_saved      4 /* from getvcpucontext: the hart goes on; else one starts */

struct vcpu_guest_context {
    uint32_t flags;
    uint32_t reserved; /* 0 */
    struct vcpu_guest_core_regs user_regs;
    uint64_t sstatus;
    uint64_t sie;
    uint64_t stvec;
    uint64_t sscratch;
    uint64_t sepc;
    uint64_t scause;
    uint64_t stval;
    uint64_t satp;
    uint64_t scounteren;
    uint64_t senvcfg;
};

/* Part of createdomain and getdomaininfo. */
struct xen_arch_domainconfig {
    uint8_t gaddr_bits; /* width of guest-physical addresses: 34, 41, 50, 59; 0: the host's
                         * choice */
};

/* HVM_PARAM_CALLBACK_IRQ: number of the local interrupt in the low byte. */
#define HVM_PARAM_CALLBACK_TYPE_LOCAL 2

/* Guest physical layout made by the tools: interrupt controllers ... */
#define GUEST_PLIC_BASE    0x0c000000ULL
#define GUEST_PLIC_SIZE    0x04000000ULL
#define GUEST_APLIC_S_BASE 0x0d000000ULL
#define GUEST_APLIC_S_SIZE 0x00008000ULL
#define GUEST_IMSIC_S_BASE 0x28000000ULL

/* ... grant table, pages of console and store rings ... */
#define GUEST_GNTTAB_BASE 0x38000000ULL
#define GUEST_GNTTAB_SIZE 0x01000000ULL
#define GUEST_MAGIC_BASE  0x79000000ULL
#define GUEST_MAGIC_SIZE  0x00200000ULL

/* ... and two banks of RAM. */
#define GUEST_RAM_BANKS 2
#define GUEST_RAM0_BASE 0x80000000ULL
#define GUEST_RAM0_SIZE 0x80000000ULL
#define GUEST_RAM1_BASE 0x0200000000ULL
#define GUEST_RAM1_SIZE 0xfe00000000ULL

#define GUEST_MAX_VCPUS 64
