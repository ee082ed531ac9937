/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's PLIC [RVPLIC 3-9] and the virtual one with the same registers: where they are. A
 * context is a hart in one privilege mode.
 */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

struct dt_node;

#define PLIC_PRIORITY       0x000000u /* a word for each source */
#define PLIC_PENDING        0x001000u
#define PLIC_ENABLE         0x002000u
#define PLIC_ENABLE_STRIDE  0x80u
#define PLIC_CONTEXT        0x200000u
#define PLIC_CONTEXT_STRIDE 0x1000u
#define PLIC_THRESHOLD      0x0u /* in a context */
#define PLIC_CLAIM          0x4u

#define PLIC_WORDS        32u /* of bitmaps: 1024 sources */
#define PLIC_PRIORITY_MAX 7u

struct plic {
    paddr_t pa;
    uint64_t size;
    uint32_t nr_irqs; /* source 0 included */
    const struct dt_node *node;
};

extern struct plic plic;

/* Complete a host interrupt that was claimed, enabled or not. */
void plic_end(unsigned int irq);
