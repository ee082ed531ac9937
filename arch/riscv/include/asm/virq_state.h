/* SPDX-License-Identifier: Apache-2.0 */
/* Interrupt state of a vCPU and a domain; owned by irq/. */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

struct cpu;
struct vaplic;
struct vimsic;
struct vplic;

struct virq_vcpu {
    struct cpu *loaded; /* CPU whose hvip holds this vCPU's state; NULL: `hvip` does. Atomic */
    uint64_t hvip;
    uint64_t raise;           /* what others want set in hvip, or VIRQ_FILE: atomic */
    uint64_t siselect;        /* while not loaded */
    const struct cpu *routed; /* PLIC: CPU that its host interrupts go to */
    struct vimsic *file;      /* AIA: its interrupt file; else NULL */
};

struct virq_domain {
    struct vplic *vplic;
    struct vaplic *vaplic;
};
