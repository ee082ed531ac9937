/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests ask of the harness itself: memory from the C library, so that the sanitizer sees
 * its bounds, and what printk printed.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Memory with guard zones, 16-byte aligned. */
void *host_alloc(size_t size);
void host_free(void *memory);

/* index_nospec, with a size that the compiler does not know. */
uint64_t host_index_nospec(uint64_t index, uint64_t size);

/* Everything printed since the last host_log_clear, cut to the size of the log. */
const char *host_log(void);
void host_log_clear(void);
