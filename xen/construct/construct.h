/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of xen/construct only. */
#pragma once

#include <xen/construct.h>
#include <xen/lib.h>
#include <xen/memmap.h>
#include <xen/rangeset.h>
#include <xen/types.h>

struct boot_module;
struct domain;
struct fdt_builder;

#define DOM0_MAX_BANKS 16u
#define FDT_ROOM       MIB(1)

/* A direct-mapped domain under construction. */
struct build {
    struct domain *d;
    const struct boot_module *kernel, *initrd; /* initrd NULL: none */
    struct range bank[DOM0_MAX_BANKS];         /* its RAM, bank 0 holds what is loaded */
    unsigned int nr_banks;
    paddr_t entry;                    /* first instruction */
    paddr_t initrd_start, initrd_end; /* 0: none */
    paddr_t fdt;
    paddr_t next; /* end of what is loaded in bank 0 */
    const char *bootargs;
    struct rangeset *extended; /* free guest-physical space, for /hypervisor */
    struct range grant;        /* where its grant table goes */
};

/* dom0_memory.c: give d the memory chosen at boot and map it; panics with the reason. */
void dom0_memory_allocate(struct build *b);
/* image.c: load kernel and initrd to the first bank that has room for them, which becomes bank 0;
 * panics with the reason. The limit is bank[0].end. */
void image_load(struct build *b);
/* device.c: give d every device of the host tree that is not ours: memory ranges and interrupts. */
void device_assign_all(struct domain *d);
/* Is this host node kept from dom0 (ours, or reserved for another domain)? */
struct dt_node;
bool device_hidden(const struct dt_node *n);
/* guest_dt.c: the device tree, written to `buffer`; its size. Panics with the reason. */
size_t guest_dt_write(struct build *b, void *buffer, size_t room);
