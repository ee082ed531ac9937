/* SPDX-License-Identifier: Apache-2.0 */
/* Portable Executable headers [PE 3.3, 4], which kernels carry for UEFI: only what tells how long
 * the file is. */
#pragma once

#include <stdint.h>

/*
 * Bytes that the file has by its own PE header at offset `pe`, of which the first `size` bytes may
 * be read; 0: it does not say.
 */
uint64_t pe_file_size(const void *file, uint64_t size, uint32_t pe);
