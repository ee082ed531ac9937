/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests ask of the harness itself: memory from the C library, so that the sanitizer sees
 * its bounds, and what printk printed.
 */
#pragma once

#include <stddef.h>

/* Memory with guard zones, 16-byte aligned. */
void *host_alloc(size_t size);
void host_free(void *memory);

/* Everything printed since the last host_log_clear, cut to the size of the log. */
const char *host_log(void);
void host_log_clear(void);
