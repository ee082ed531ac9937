/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Third port: where the hypervisor's windows are in the test process. RAM's direct map moves with
 * each machine.
 */
#pragma once

#include <xen/lib.h>
#include <xen/types.h>

extern uint8_t *host_directmap; /* address of physical address 0, which is not mapped itself */
extern uint8_t *host_windows;   /* reserved addresses, aligned to 1 GiB */

#define DIRECTMAP_START ((uint64_t)(uintptr_t)host_directmap)
#define DIRECTMAP_SIZE  GIB(512)
#define DEVICE_START    ((uint64_t)(uintptr_t)host_windows)
#define DEVICE_SIZE     MIB(16)
#define EARLY_START     (DEVICE_START + MIB(512))
#define EARLY_SIZE      MIB(16)
