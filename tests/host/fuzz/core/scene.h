/*
 * The machine that random input meets.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SCENE_RAM    (128ul << 20)
#define SCENE_FDT    0x41000000ul
#define SCENE_KERNEL 0x42000000ul
#define SCENE_GUEST  0x40000000ul /* RAM of the ordinary domain, as it sees it */

extern uint64_t scene_scratch; /* memory of dom0 that it does not use */

/* Write the board's device tree to SCENE_FDT of a machine; its size. */
size_t scene_tree(uint64_t kernel_size);

/* A fresh machine with dom0 on CPU 0 and an ordinary domain on CPU 1. */
void scene_boot(void);
