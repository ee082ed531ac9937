/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine that random input meets.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SCENE_RAM    (28ul << 20)
#define SCENE_FDT    0x40400000ul
#define SCENE_KERNEL 0x40600000ul
#define SCENE_GUEST  0x40000000ul /* RAM of the ordinary domain, as it sees it */

#define SCENE_LINE "dom0_mem=16M loglvl=error guest_loglvl=none"

extern uint64_t scene_scratch; /* memory of dom0 that it does not use */

/* Write the board's device tree to SCENE_FDT of a machine, with so many bytes of RAM, CPUs and the
 * hypervisor's command line; its size. */
size_t scene_tree(uint64_t ram, uint64_t kernel_size, unsigned int cpus, const char *line);

/* A fresh machine with so many bytes of RAM, SCENE_RAM at least, that runs dom0. */
void scene_boot_dom0(uint64_t ram, unsigned int cpus, const char *line);

/* A fresh machine with dom0 on CPU 0 and an ordinary domain on CPU 1. */
void scene_boot(void);
