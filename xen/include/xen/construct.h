/* SPDX-License-Identifier: Apache-2.0 */
/* Building domains from boot modules: images, device trees, dom0. Boot CPU, before guests run. */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

struct boot_module;
struct domain;
struct rangeset;

/* What arch_kernel_probe finds. Addresses are relative to the start of a bank that satisfies
 * `align`. */
struct kernel_info {
    uint64_t text_offset; /* bytes from an aligned base to the image */
    uint64_t align;       /* of that base */
    uint64_t image_size;  /* bytes in memory, bss included */
    uint64_t file_size;   /* bytes that the file must have; 0: unknown */
    uint64_t entry;       /* offset of the first instruction in the image */
};

/* Take dom0's RAM out of what is free. Before the allocator gets the rest, and before messages may
 * be seen: construct_dom0 tells what was taken, or what is wrong. */
void dom0_memory_choose(struct rangeset *free);
/* Make dom0 from the modules and start it (vCPU 0 woken). Panics with the reason and the remedy. */
void construct_dom0(void);
